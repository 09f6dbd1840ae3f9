"""Errors of the OpenAI-compatible front, in OpenAI's shape and with the statuses its clients know.

Their SDKs repeat what fails with 408, 409, 429 or 5xx on their own; where our queue has done so
already, or a repetition can't help, `x-should-retry: false` keeps them from it.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import orjson
from starlette.responses import Response

from orchestrator import clock
from orchestrator.store.views import TaskRow
from schemas.errors import Category, InvalidRequest, NoProvider, NotFound, OrchestratorError, Unauthenticated
from schemas.spellings import ADDRESSES
from schemas.tasks import StatusReason, TaskStatus

ROOT: Final = "/openai/"
OTHER_SPELLINGS: Final = tuple(given for given, meant in ADDRESSES.items() if meant.startswith(ROOT))
_RATE: Final = frozenset({StatusReason.RATE_LIMITED})


class ModelNotFound(NotFound):
    """There is no such model here."""

    code = "model_not_found"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as OpenAI's clients read it; `again`: whether they may repeat the request by themselves."""

    status: int
    code: str
    message: str
    param: str | None = None
    again: bool = False
    retry_after: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of it, in a response or in the middle of a stream."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self, headers: dict[str, str] | None = None) -> Response:
        """As a whole response."""
        sent = {"x-should-retry": "true" if self.again else "false", **(headers or {})}
        if self.retry_after is not None:
            sent["Retry-After"] = str(self.retry_after)
        return Response(orjson.dumps(self.body), self.status, headers=sent, media_type="application/json")


_TYPES: Final = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
_FAILED: Final[dict[str, tuple[int, str]]] = {
    Category.BUDGET_EXHAUSTED: (402, "budget_exhausted"),
    Category.BUDGET_HELD: (402, "budget_exhausted"),
    Category.RATE_LIMITED: (429, "rate_limit_exceeded"),
    Category.QUOTA_EXHAUSTED: (429, "insufficient_quota"),
    Category.BAD_REQUEST: (400, "bad_request"),
    Category.CONTEXT_TOO_LONG: (400, "context_length_exceeded"),
    Category.CONTENT_FILTERED: (400, "content_filter"),
    Category.OUTPUT_LIMIT: (400, "output_limit"),
    Category.MODEL_NOT_FOUND: (404, "model_not_found"),
    Category.ANSWER_REJECTED: (500, "answer_rejected"),
    Category.UNVERIFIABLE: (500, "unverifiable"),
}
"""What a failed task's category is called there; the others are a provider that can't answer: 503."""


def is_front(path: str) -> bool:
    """Whether an address speaks OpenAI's format."""
    return path.startswith(ROOT) or path in OTHER_SPELLINGS


def refused(error: OrchestratorError, status: int | None = None) -> Refusal:
    """A request that was not taken."""
    first = error.errors[0] if error.errors else None
    code, known = error.code, status or error.status
    if isinstance(error, InvalidRequest) and type(error).status == 422:
        known, code = 400, first.code if first else error.code
    elif isinstance(error, Unauthenticated):
        code = "invalid_api_key"
    elif isinstance(error, NoProvider):
        known = 503
    return Refusal(
        known, code, error.detail, first.field if first else None, error.retryable, error.retry_after
    )


def failed(task: TaskRow) -> Refusal:
    """A task that ended without an answer, or had none when patience ended."""
    error = task.error
    if task.status is TaskStatus.FAILED and error is not None:
        if error["code"] == "stream_interrupted":
            return Refusal(500, "stream_interrupted", str(error["message"]))
        status, code = _FAILED.get(str(error["category"]), (503, str(error["code"])))
        return Refusal(status, code, str(error["message"]), again=code == "rate_limit_exceeded")
    if task.status is TaskStatus.CANCELED or task.status is TaskStatus.CANCELING:
        return Refusal(409, "task_canceled", f"The task {task.id} was cancelled.")
    waits = f"; it waits: {task.status_reason}" if task.status_reason else ""
    message = f"There was no answer in time{waits}. The task is {task.id}."
    if task.status_reason in _RATE:
        return Refusal(429, "rate_limit_exceeded", message, again=True, retry_after=_opens_in(task))
    return Refusal(503, "no_answer_in_time", message, retry_after=_opens_in(task))


def _opens_in(task: TaskRow) -> int | None:
    if task.next_attempt_at is None:
        return None
    return max(1, ceil((task.next_attempt_at - clock.now()).total_seconds()))
