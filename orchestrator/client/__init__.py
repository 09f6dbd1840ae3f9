"""The Python SDK: submit coding work over HTTP, wait for it, read what came of it.

    with Client("http://127.0.0.1:8000", "orc_live_…") as client:
        task = client.submit({"kind": "review_code", "context": {"diff": diff}})
        result = client.result(client.wait(task.id, timeout=300).id)

A request is repeated by itself where that is safe, so that an answer or a typed error comes back.
"""

from orchestrator.client.client import Client
from orchestrator.client.errors import (
    ApiError,
    BudgetReached,
    ClientError,
    Conflict,
    NotFound,
    PermissionRefused,
    RateLimited,
    RequestRefused,
    Unauthenticated,
    Unavailable,
    Unreachable,
    Unreadable,
    Unsendable,
    WaitTimeout,
)
from orchestrator.client.replies import (
    Budget,
    Call,
    Candidate,
    Check,
    CircuitBreaker,
    Config,
    Event,
    Filtered,
    Model,
    Page,
    Provider,
    Reply,
    Route,
    Task,
    TaskRoute,
    Template,
)
from orchestrator.client.sending import Patience

__all__ = [
    "ApiError",
    "Budget",
    "BudgetReached",
    "Call",
    "Candidate",
    "Check",
    "CircuitBreaker",
    "Client",
    "ClientError",
    "Config",
    "Conflict",
    "Event",
    "Filtered",
    "Model",
    "NotFound",
    "Page",
    "Patience",
    "PermissionRefused",
    "Provider",
    "RateLimited",
    "Reply",
    "RequestRefused",
    "Route",
    "Task",
    "TaskRoute",
    "Template",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "Unreadable",
    "Unsendable",
    "WaitTimeout",
]
