"""What the doors read: every query of a tenant's data names the tenant in its WHERE.

Views are frozen values; none of them carries a secret, and none takes a lock.
"""

from orchestrator.store.views.budgets import budget, budgets
from orchestrator.store.views.health import Health, Levels, expected_revision, health, levels
from orchestrator.store.views.history import CallRow, calls, events
from orchestrator.store.views.listing import Filters, Stats, page, stats
from orchestrator.store.views.polls import state
from orchestrator.store.views.providers import forget_providers, provider, providers
from orchestrator.store.views.tasks import (
    Outcome,
    State,
    StoredRequest,
    TaskRow,
    fresh,
    outcome,
    states,
    stored_request,
    task,
)

__all__ = [
    "CallRow",
    "Filters",
    "Health",
    "Levels",
    "Outcome",
    "State",
    "Stats",
    "StoredRequest",
    "TaskRow",
    "budget",
    "budgets",
    "calls",
    "events",
    "expected_revision",
    "forget_providers",
    "fresh",
    "health",
    "levels",
    "outcome",
    "page",
    "provider",
    "providers",
    "state",
    "states",
    "stats",
    "stored_request",
    "task",
]
