"""What the doors read: every query of a tenant's data names the tenant in its WHERE.

Views are frozen values; none of them carries a secret, and none takes a lock.
"""

from orchestrator.store.views.books import Books, books
from orchestrator.store.views.budgets import budget, budgets, forget_budgets, has_hard_budget
from orchestrator.store.views.configured import (
    check,
    configured,
    configured_one,
    models_of,
    sealed_under,
    templates,
)
from orchestrator.store.views.experiments import (
    ArmOutcome,
    arm_outcomes,
    experiment,
    experiments,
    forget_experiments,
    running_experiments,
)
from orchestrator.store.views.families import ChildRow, JudgementRow, children, judgements
from orchestrator.store.views.feedback import feedback
from orchestrator.store.views.gates import GateRow, gates
from orchestrator.store.views.health import Health, Levels, Limits, expected_revision, health, levels, limits
from orchestrator.store.views.history import CallRow, calls, events
from orchestrator.store.views.listing import Filters, Stats, page, stats
from orchestrator.store.views.polls import state
from orchestrator.store.views.prompts import OwnPrompt, forget_prompts, prompts, recent_prompts
from orchestrator.store.views.providers import forget_providers, provider, providers
from orchestrator.store.views.routing import forget_routing, offers, routing_config
from orchestrator.store.views.sessions import earlier_tasks
from orchestrator.store.views.similar import Near, nearest, pgvector
from orchestrator.store.views.tasks import (
    Outcome,
    State,
    StoredRequest,
    StoredRoute,
    TaskRow,
    fresh,
    outcome,
    states,
    stored_request,
    stored_route,
    task,
)
from orchestrator.store.views.usage import Recent, RecentCall, recent, usage
from orchestrator.store.views.warmable import Warmable, newest_successes, warmable

__all__ = [
    "ArmOutcome",
    "Books",
    "CallRow",
    "ChildRow",
    "Filters",
    "GateRow",
    "Health",
    "JudgementRow",
    "Levels",
    "Limits",
    "Near",
    "Outcome",
    "OwnPrompt",
    "Recent",
    "RecentCall",
    "State",
    "Stats",
    "StoredRequest",
    "StoredRoute",
    "TaskRow",
    "Warmable",
    "arm_outcomes",
    "books",
    "budget",
    "budgets",
    "calls",
    "check",
    "children",
    "configured",
    "configured_one",
    "earlier_tasks",
    "events",
    "expected_revision",
    "experiment",
    "experiments",
    "feedback",
    "forget_budgets",
    "forget_experiments",
    "forget_prompts",
    "forget_providers",
    "forget_routing",
    "fresh",
    "gates",
    "has_hard_budget",
    "health",
    "judgements",
    "levels",
    "limits",
    "models_of",
    "nearest",
    "newest_successes",
    "offers",
    "outcome",
    "page",
    "pgvector",
    "prompts",
    "provider",
    "providers",
    "recent",
    "recent_prompts",
    "routing_config",
    "running_experiments",
    "sealed_under",
    "state",
    "states",
    "stats",
    "stored_request",
    "stored_route",
    "task",
    "templates",
    "usage",
    "warmable",
]
