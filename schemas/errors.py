"""The error tree and what follows a failure of a provider.

An `OrchestratorError` is raised to a caller and becomes a problem body at the door. A provider's
failure is never raised past the call: it is a `Failure` value, and `FOLLOWS` says what comes next.
"""

from enum import StrEnum
from typing import ClassVar, Final

from schemas.base import Value


class FieldError(Value):
    """What is wrong with one field of a request: where it is, what would be right."""

    field: str
    message: str
    code: str


class OrchestratorError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").split("\n")[0]
        self.errors = errors
        self.retry_after = retry_after
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        """The error's name for people: the first line of its docstring."""
        return (type(self).__doc__ or self.code).split("\n")[0].rstrip(".")


class MalformedBody(OrchestratorError):
    """The body is not valid JSON."""

    code, status = "malformed_body", 400


class InvalidRequest(OrchestratorError):
    """The request does not fit its schema."""

    code, status = "invalid_request", 422


class Unauthenticated(OrchestratorError):
    """An API key is needed: send `Authorization: Bearer orc_live_…`."""

    code, status = "unauthenticated", 401


class Forbidden(OrchestratorError):
    """This API key may not do that."""

    code, status = "forbidden", 403


class NotFound(OrchestratorError):
    """There is no such thing here."""

    code, status = "not_found", 404


class MethodNotAllowed(OrchestratorError):
    """This address does not take that method."""

    code, status = "method_not_allowed", 405


class NotExportable(OrchestratorError):
    """The result can't be had in that format: only the findings of a review are exported."""

    code, status = "not_exportable", 406


class TaskFinished(OrchestratorError):
    """The task has already ended."""

    code, status = "task_finished", 409


class TaskNotFinished(OrchestratorError):
    """The task has not ended yet."""

    code, status, retryable = "task_not_finished", 409, True


class ChildTask(OrchestratorError):
    """The task is part of a consensus, and goes on only as part of it."""

    code, status = "child_task", 409


class PayloadTooLarge(OrchestratorError):
    """The body is too large."""

    code, status = "payload_too_large", 413


class UnsupportedMediaType(OrchestratorError):
    """The body must be sent as `application/json`."""

    code, status = "unsupported_media_type", 415


class IdempotencyKeyReused(OrchestratorError):
    """This Idempotency-Key was used with another body."""

    code, status = "idempotency_key_reused", 422


class BudgetExhausted(OrchestratorError):
    """A hard budget has nothing left to spend; waiting for its window to end may help, repeating won't."""

    code, status = "budget_exhausted", 402


class NoProvider(OrchestratorError):
    """No configured provider can take this task."""

    code, status = "no_provider", 422


class ProviderExists(OrchestratorError):
    """There is a provider of this name already."""

    code, status = "provider_exists", 409


class ExperimentExists(OrchestratorError):
    """There is an experiment of this name already."""

    code, status = "experiment_exists", 409


class CredentialMissing(OrchestratorError):
    """The provider's credential can't be had."""

    code, status = "credential_missing", 422


class MasterKeyMissing(CredentialMissing):
    """There is no master key here, so no credential can be sealed or opened."""

    code, status = "master_key_missing", 503


class StoreUnavailable(OrchestratorError):
    """The database does not answer. Try again; under the same Idempotency-Key nothing is done twice."""

    code, status, retryable = "store_unavailable", 503, True


class BrokerUnavailable(OrchestratorError):
    """Redis does not answer, and this can't be done without it. Try again."""

    code, status, retryable = "broker_unavailable", 503, True


ERRORS: Final[tuple[type[OrchestratorError], ...]] = (
    OrchestratorError,
    MalformedBody,
    InvalidRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotExportable,
    TaskFinished,
    TaskNotFinished,
    ChildTask,
    PayloadTooLarge,
    UnsupportedMediaType,
    IdempotencyKeyReused,
    BudgetExhausted,
    NoProvider,
    ProviderExists,
    ExperimentExists,
    CredentialMissing,
    MasterKeyMissing,
    StoreUnavailable,
    BrokerUnavailable,
)


class Category(StrEnum):
    """What kind of failure a call ended with (the rows of DESIGN §6)."""

    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    CONNECT_ERROR = "connect_error"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    UNAUTHORIZED = "unauthorized"
    BAD_REQUEST = "bad_request"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTERED = "content_filtered"
    OUTPUT_LIMIT = "output_limit"
    ANSWER_REJECTED = "answer_rejected"
    JOB_WITHOUT_ANSWER = "job_without_answer"
    UNVERIFIABLE = "unverifiable"
    NO_ANSWER_LEFT = "no_answer_left"
    BUDGET_EXHAUSTED = "budget_exhausted"
    CIRCUIT_OPEN = "circuit_open"
    PROVIDER_REMOVED = "provider_removed"
    RETRIES_SPENT = "retries_spent"
    BUDGET_HELD = "budget_held"
    CANCELED = "canceled"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"


class Follow(StrEnum):
    """What follows a failure."""

    RETRY = "retry"
    REROUTE = "reroute"
    WAIT = "wait"
    FAIL = "fail"
    HAND_BACK = "hand_back"
    END = "end"


FOLLOWS: Final[dict[Category, Follow]] = {
    Category.SERVER_ERROR: Follow.RETRY,
    Category.OVERLOADED: Follow.RETRY,
    Category.CONNECT_ERROR: Follow.RETRY,
    Category.FIRST_TOKEN_TIMEOUT: Follow.RETRY,
    Category.IDLE_TIMEOUT: Follow.RETRY,
    Category.TOTAL_TIMEOUT: Follow.RETRY,
    Category.TRUNCATED: Follow.RETRY,
    Category.MALFORMED: Follow.RETRY,
    Category.CRASHED: Follow.RETRY,
    Category.RATE_LIMITED: Follow.WAIT,
    Category.BUDGET_HELD: Follow.WAIT,
    Category.CIRCUIT_OPEN: Follow.WAIT,
    Category.RETRIES_SPENT: Follow.WAIT,
    Category.QUOTA_EXHAUSTED: Follow.REROUTE,
    Category.BUDGET_EXHAUSTED: Follow.REROUTE,
    Category.UNAUTHORIZED: Follow.REROUTE,
    Category.PROVIDER_REMOVED: Follow.REROUTE,
    Category.MODEL_NOT_FOUND: Follow.REROUTE,
    Category.CONTEXT_TOO_LONG: Follow.REROUTE,
    Category.CONTENT_FILTERED: Follow.REROUTE,
    Category.JOB_WITHOUT_ANSWER: Follow.REROUTE,
    Category.BAD_REQUEST: Follow.FAIL,
    Category.OUTPUT_LIMIT: Follow.FAIL,
    Category.ANSWER_REJECTED: Follow.REROUTE,
    Category.UNVERIFIABLE: Follow.FAIL,
    Category.NO_ANSWER_LEFT: Follow.FAIL,
    Category.SHUTDOWN: Follow.HAND_BACK,
    Category.CANCELED: Follow.END,
    Category.DEADLINE: Follow.END,
}


class Failure(Value):
    """How a call failed; `retry_after` in seconds if one was named, `asked_nanos` if a budget refused.

    `passed_on`: part of its answer had gone out to the client, so another answer can't follow.
    """

    category: Category
    message: str
    http_status: int | None = None
    code: str | None = None
    retry_after: float | None = None
    asked_nanos: int | None = None
    passed_on: bool = False


class TaskError(Value):
    """Why a task failed, as its submitter sees it."""

    code: str
    message: str
    retryable: bool
    category: Category
    provider: str | None = None
