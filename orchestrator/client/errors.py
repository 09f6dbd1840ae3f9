"""What a client meets when it doesn't get what it asked for.

ClientError
├── Unsendable         what was given can't be sent; nothing was
├── Unreachable        no answer at all
├── Unreadable         an answer that is none of this API's
├── WaitTimeout        the task had not ended in time; it goes on
└── ApiError           a problem body (RFC 9457), by HTTP status
    ├── Unauthenticated, PermissionRefused, NotFound, Conflict
    ├── RequestRefused, BudgetReached
    └── RateLimited, Unavailable      (given up after several tries)
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.client.replies import Task
from schemas.errors import FieldError


class ClientError(Exception):
    """A request did not bring what was asked for."""


class Unsendable(ClientError, ValueError):
    """What was given can't be sent: no address, no id, no text. Nothing was sent."""


class Unreadable(ClientError):
    """The answer is none of this API's; is it another server's address?"""


class Unreachable(ClientError):
    """The API could not be reached."""


class WaitTimeout(ClientError):
    """The task had not ended in time. It goes on; `task` is how it stood last."""

    def __init__(self, task: Task, seconds: float) -> None:
        super().__init__(f"task {task.id} is still {task.status} after {seconds:g} s")
        self.task = task


class ApiError(ClientError):
    """The API answered with a problem."""

    statuses: ClassVar[tuple[int, ...]] = ()

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code") or f"http_{status}")
        self.detail = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        self.request_id: str | None = problem.get("request_id")
        self.retryable = bool(problem.get("retryable", False))
        self.retry_after = retry_after
        self.errors = _field_errors(problem.get("errors"))
        super().__init__(f"{self.detail} [{self.code}]")


class Unauthenticated(ApiError):
    """No API key, or not a valid one."""

    statuses = (401,)


class PermissionRefused(ApiError):
    """This API key may not do that."""

    statuses = (403,)


class NotFound(ApiError):
    """There is no such thing, or it was erased."""

    statuses = (404, 410)


class Conflict(ApiError):
    """The task's state doesn't allow that."""

    statuses = (409, 412)


class RequestRefused(ApiError):
    """The request is not acceptable as it is; `errors` names the fields."""

    statuses = (400, 405, 406, 413, 415, 422)


class BudgetReached(ApiError):
    """A hard budget is used up."""

    statuses = (402,)


class RateLimited(ApiError):
    """Too many requests; `retry_after` says when to come back."""

    statuses = (429,)


class Unavailable(ApiError):
    """The API can't do it now."""

    statuses = (502, 503, 504)


_BY_STATUS = {
    status: error
    for error in (
        Unauthenticated,
        PermissionRefused,
        NotFound,
        Conflict,
        RequestRefused,
        BudgetReached,
        RateLimited,
        Unavailable,
    )
    for status in error.statuses
}


def of(status: int, problem: object, retry_after: float | None = None) -> ApiError:
    """The error for a response; a body that is no problem (a proxy's page) is left out."""
    body = problem if isinstance(problem, dict) else {}
    return _BY_STATUS.get(status, ApiError)(status, body, retry_after)


def _field_errors(errors: object) -> tuple[FieldError, ...]:
    if not isinstance(errors, list):
        return ()
    return tuple(
        FieldError(
            field=str(error.get("field", "")),
            message=str(error.get("message", "")),
            code=str(error.get("code", "")),
        )
        for error in errors
        if isinstance(error, dict)
    )
