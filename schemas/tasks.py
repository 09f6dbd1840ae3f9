"""What a task is: its kinds, states, reasons to wait, priorities and the request that makes one.

States and reasons are closed lists: DESIGN's state chart knows no others, and every branch over
them is checked for completeness.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NewType, Self
from uuid import UUID

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter, field_validator, model_validator

from schemas.addresses import SigningSecret, WebhookAddress
from schemas.base import Moment, Value
from schemas.budgets import Dollars, OnBudget
from schemas.contexts import (
    ChatContext,
    DocumentContext,
    FixBugContext,
    GenerateCodeContext,
    ImplementFeatureContext,
    RefactorContext,
    ReviewCodeContext,
    WriteTestsContext,
)
from schemas.embeddings import EmbedContext
from schemas.privacy import Redaction
from schemas.results import VerificationLevel
from schemas.routing import SpeedPriority, Strategy

TaskId = NewType("TaskId", UUID)
TenantId = NewType("TenantId", UUID)
LeaseToken = NewType("LeaseToken", UUID)
BootId = NewType("BootId", UUID)


class TaskKind(StrEnum):
    """What kind of work is asked for."""

    GENERATE_CODE = "generate_code"
    FIX_BUG = "fix_bug"
    IMPLEMENT_FEATURE = "implement_feature"
    REVIEW_CODE = "review_code"
    REFACTOR = "refactor"
    WRITE_TESTS = "write_tests"
    DOCUMENT = "document"
    CHAT = "chat"
    EMBED = "embed"


KIND_SPELLINGS: Final[dict[str, TaskKind]] = {kind.replace("_", "-"): kind for kind in TaskKind} | {
    "code-generation": TaskKind.GENERATE_CODE,
    "generate": TaskKind.GENERATE_CODE,
    "bug-fix": TaskKind.FIX_BUG,
    "bugfix": TaskKind.FIX_BUG,
    "fix": TaskKind.FIX_BUG,
    "feature": TaskKind.IMPLEMENT_FEATURE,
    "feature-implementation": TaskKind.IMPLEMENT_FEATURE,
    "code-review": TaskKind.REVIEW_CODE,
    "review": TaskKind.REVIEW_CODE,
    "embedding": TaskKind.EMBED,
    "embeddings": TaskKind.EMBED,
    "refactoring": TaskKind.REFACTOR,
    "code-refactoring": TaskKind.REFACTOR,
    "test": TaskKind.WRITE_TESTS,
    "tests": TaskKind.WRITE_TESTS,
    "testing": TaskKind.WRITE_TESTS,
    "test-generation": TaskKind.WRITE_TESTS,
    "documentation": TaskKind.DOCUMENT,
    "docs": TaskKind.DOCUMENT,
}
"""What the field calls the kinds, beside their own names."""


def normal_kind(spelling: object) -> object:
    """The kind a spelling of the field means; anything else is handed back for validation to refuse."""
    return KIND_SPELLINGS.get(spelling, spelling) if isinstance(spelling, str) else spelling


class TaskStatus(StrEnum):
    """The eight states. The last four are terminal and never left."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        """Whether a task in this state has ended for good."""
        return self in TERMINAL


TERMINAL: Final = frozenset(
    {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.EXPIRED}
)


class StatusReason(StrEnum):
    """Why a task waits."""

    WAITING_FOR_WORKER = "waiting_for_worker"
    RATE_LIMITED = "rate_limited"
    CIRCUIT_OPEN = "circuit_open"
    RETRY_BACKOFF = "retry_backoff"
    QUEUE_PAUSED = "queue_paused"
    CONCURRENCY_LIMIT = "concurrency_limit"
    WAITING_FOR_BUDGET = "waiting_for_budget"
    WAITING_FOR_CHILDREN = "waiting_for_children"
    WAITING_FOR_PROVIDER_JOB = "waiting_for_provider_job"


class Priority(StrEnum):
    """How urgent a task is; each step up is worth a fixed head start in rank, so nothing starves."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


PRIORITY_BONUS_SECONDS: Final[dict[Priority, int]] = {
    Priority.LOW: -300,
    Priority.MEDIUM: 0,
    Priority.HIGH: 300,
    Priority.CRITICAL: 1800,
}


MAX_REPAIRS: Final = 3


class Webhook(Value):
    """Where to tell the end of a task, signed as Standard Webhooks asks."""

    url: WebhookAddress
    secret: SigningSecret


class CacheUse(StrEnum):
    """What a task does with kept answers: nothing, take its own one, or one that is like it, or leave one."""

    OFF = "off"
    USE = "use"
    SIMILAR = "similar"
    REFRESH = "refresh"


class Preferences(Value):
    """What the submitter wishes for this one task."""

    providers: list[str] | None = Field(None, max_length=50, description="only these, by name")
    preferred: list[str] = Field(default_factory=list, max_length=50, description="these first")
    excluded: list[str] = Field(default_factory=list, max_length=50, description="never these")
    model: str | None = Field(None, min_length=1, max_length=200)
    strategy: Strategy | None = Field(
        None, description="how providers are put in order; else `preferred` where some are, else the tenant's"
    )
    speed_priority: SpeedPriority = Field(
        SpeedPriority.BALANCED,
        description="how much latency counts in a provider's history; `economy` also asks for a vendor's "
        "slower tier at half the price, where it has one and the deadline leaves a quarter of an hour",
    )
    max_cost_usd: Dollars | None = Field(
        None, description="only providers where a call is estimated to cost no more; budgets are what caps"
    )
    verification_level: VerificationLevel | None = Field(
        None, description="refuse answers below this level; without it every check that applies must pass"
    )
    verifier: bool | None = Field(
        None, description="whether a second call scores each finding of a review; else as its kind has it"
    )
    min_score: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=10,
        description="findings below this are dropped, by the verifier's score (default 5) or else their own",
    )
    temperature: float | None = Field(None, strict=True, ge=0, le=2)
    max_tokens: int | None = Field(None, strict=True, ge=1, le=200_000, description="output tokens per call")
    max_attempts: int = Field(
        4, strict=True, ge=1, le=20, description="provider failures before the task fails"
    )
    repair_rounds: int | None = Field(
        None, strict=True, ge=0, le=MAX_REPAIRS, description="times an unusable answer is mended, at most"
    )
    timeout_seconds: int | None = Field(
        None, strict=True, ge=1, le=3600, description="total time of one call"
    )
    on_budget: OnBudget = Field(
        OnBudget.FAIL,
        description="what to do when a hard budget is used up: fail, or wait for its next window",
    )
    cache: CacheUse | None = Field(
        None,
        description="`use` takes the answer that the very same request was given before, `similar` (`chat` "
        "only) also that of one that says nearly the same, `refresh` asks anew and keeps the answer; else "
        "`use` for `embed`, `off` for all others",
    )
    redaction: Redaction | None = Field(
        None, description="`off` sends secrets and personal data as they are, where the tenant permits it"
    )
    webhook: Webhook | None = None
    consensus: int | None = Field(
        None,
        strict=True,
        ge=2,
        le=5,
        description="ask so many different providers, each by a task of its own; one answer is chosen",
    )


_CODE_LEVELS: Final = (
    VerificationLevel.PARSED,
    VerificationLevel.APPLIED,
    VerificationLevel.SYNTAX,
    VerificationLevel.LINT,
    VerificationLevel.CRITERIA,
    VerificationLevel.TESTS,
)

SUPPORTED_LEVELS: Final[dict[TaskKind, tuple[VerificationLevel, ...]]] = {
    **dict.fromkeys(TaskKind, _CODE_LEVELS),
    TaskKind.REVIEW_CODE: (VerificationLevel.PARSED, VerificationLevel.ANCHORED),
    TaskKind.CHAT: (VerificationLevel.PARSED,),
    TaskKind.EMBED: (VerificationLevel.PARSED,),
}
"""The levels an answer of each kind can be held to."""

VERIFIED_BY_DEFAULT: Final = frozenset({TaskKind.REVIEW_CODE})
"""The kinds whose answers a second call judges, if it has something to judge."""

DEFAULT_MIN_SCORE: Final = 5
"""What a finding has to reach with the verifier to be kept."""

Label = Annotated[str, Field(min_length=1, max_length=100)]


class _Request(Value):
    """The fields that requests of every kind share."""

    preferences: Preferences = Field(default_factory=lambda: Preferences.model_validate({}))
    priority: Priority = Priority.MEDIUM
    labels: list[Label] = Field(default_factory=list, max_length=20)
    metadata: dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=50
    )
    session_id: str | None = Field(None, min_length=1, max_length=200)
    user_id: str | None = Field(None, min_length=1, max_length=200)
    classified: bool = Field(
        False, strict=True, description="whether `kind` was left out and found by what the context says"
    )
    run_at: Moment | None = Field(None, description="not before this time (RFC 3339)")
    deadline: Moment | None = Field(None, description="default: 24 h after run_at")

    @field_validator("labels")
    @classmethod
    def _labels_are_a_set(cls, labels: list[str]) -> list[str]:
        return sorted(set(labels))

    @model_validator(mode="after")
    def _a_history_has_a_session(self) -> Self:
        if getattr(getattr(self, "context", None), "session_history", False) and self.session_id is None:
            raise ValueError("session_id: context.session_history needs the session whose history is meant")
        return self


class GenerateCodeRequest(_Request):
    """Write new code from a description."""

    kind: Annotated[Literal[TaskKind.GENERATE_CODE], BeforeValidator(normal_kind)]
    context: GenerateCodeContext


class FixBugRequest(_Request):
    """Mend a bug in the given files."""

    kind: Annotated[Literal[TaskKind.FIX_BUG], BeforeValidator(normal_kind)]
    context: FixBugContext


class ImplementFeatureRequest(_Request):
    """Build a feature into a codebase."""

    kind: Annotated[Literal[TaskKind.IMPLEMENT_FEATURE], BeforeValidator(normal_kind)]
    context: ImplementFeatureContext


class RefactorRequest(_Request):
    """Make the structure of given files better; what they do stays."""

    kind: Annotated[Literal[TaskKind.REFACTOR], BeforeValidator(normal_kind)]
    context: RefactorContext


class WriteTestsRequest(_Request):
    """Write tests for given files."""

    kind: Annotated[Literal[TaskKind.WRITE_TESTS], BeforeValidator(normal_kind)]
    context: WriteTestsContext


class DocumentRequest(_Request):
    """Document given files; what they do stays."""

    kind: Annotated[Literal[TaskKind.DOCUMENT], BeforeValidator(normal_kind)]
    context: DocumentContext


class ReviewCodeRequest(_Request):
    """Review a diff."""

    kind: Annotated[Literal[TaskKind.REVIEW_CODE], BeforeValidator(normal_kind)]
    context: ReviewCodeContext


class ChatRequest(_Request):
    """Answer a conversation, or a prompt, in plain text."""

    kind: Annotated[Literal[TaskKind.CHAT], BeforeValidator(normal_kind)]
    context: ChatContext


class EmbedRequest(_Request):
    """Turn texts into vectors."""

    kind: Annotated[Literal[TaskKind.EMBED], BeforeValidator(normal_kind)]
    context: EmbedContext


CodeRequest = (
    GenerateCodeRequest
    | FixBugRequest
    | ImplementFeatureRequest
    | RefactorRequest
    | WriteTestsRequest
    | DocumentRequest
)
"""The kinds that are answered with a change."""
CODE_REQUESTS: Final = (
    GenerateCodeRequest,
    FixBugRequest,
    ImplementFeatureRequest,
    RefactorRequest,
    WriteTestsRequest,
    DocumentRequest,
)


def _kind_of(body: Any) -> str | None:
    kind = body.get("kind") if isinstance(body, dict) else getattr(body, "kind", None)
    kind = normal_kind(kind)
    return str(kind) if isinstance(kind, str) else None


TaskRequest = Annotated[
    Annotated[GenerateCodeRequest, Tag("generate_code")]
    | Annotated[FixBugRequest, Tag("fix_bug")]
    | Annotated[ImplementFeatureRequest, Tag("implement_feature")]
    | Annotated[ReviewCodeRequest, Tag("review_code")]
    | Annotated[RefactorRequest, Tag("refactor")]
    | Annotated[WriteTestsRequest, Tag("write_tests")]
    | Annotated[DocumentRequest, Tag("document")]
    | Annotated[ChatRequest, Tag("chat")]
    | Annotated[EmbedRequest, Tag("embed")],
    Discriminator(
        _kind_of,
        custom_error_type="unknown_kind",
        custom_error_message="'kind' must be one of: " + ", ".join(TaskKind),
    ),
]
TASK_REQUEST: Final[TypeAdapter[TaskRequest]] = TypeAdapter(TaskRequest)


def cache_use(request: TaskRequest) -> CacheUse:
    """What a task does with kept answers: as its submitter wishes; else only vectors are served again.

    A text that is asked for twice may well be asked for twice on purpose; the vectors of a text are the same.
    """
    by_kind = CacheUse.USE if request.kind is TaskKind.EMBED else CacheUse.OFF
    return request.preferences.cache or by_kind


def is_looked_at_twice(request: TaskRequest) -> bool:
    """Whether a second call judges a task's answer: as its submitter wishes, else as its kind has it."""
    wished = request.preferences.verifier
    by_kind = request.kind in VERIFIED_BY_DEFAULT if wished is None else wished
    return by_kind and isinstance(request, ReviewCodeRequest)
