"""The wire shapes of the HTTP API: what its bodies look like, for its document and for clients.

Money is a decimal string of dollars, times are RFC 3339 in UTC, ids are UUIDv7.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Value
from schemas.budgets import Budget
from schemas.calls import AnswerVerdict, CallStatus, Purpose
from schemas.contexts import MAX_CHAT, MAX_MESSAGES, ChatMessage, SessionHistory
from schemas.errors import Category, FieldError, TaskError
from schemas.events import TaskEvent
from schemas.feedback import FeedbackView
from schemas.providers import Vendor
from schemas.results import AnyResult, FinishReason, Score
from schemas.routing import RouteExplanation
from schemas.structured import AnswerSchema
from schemas.tasks import Label, Preferences, Priority, StatusReason, TaskKind, TaskStatus

Item = TypeVar("Item")
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class Problem(Value):
    """What went wrong (RFC 9457); `code` is for programs, `errors` names each field at fault."""

    type: str = Field(description="`urn:orchestrator:problem:<code>`")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path of the request")
    code: str
    request_id: str
    retryable: bool = Field(description="whether the same request may succeed later")
    errors: list[FieldError]


class TaskCost(Value):
    """What a task's calls have cost so far; `estimated` while one is open or gave no usage."""

    usd: str = Field(description="decimal dollars", examples=["0.0123"])
    estimated: bool
    calls: int


class TaskUsage(Value):
    """Tokens over all calls of a task; `input` includes cached, `output` includes reasoning."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    served_tokens: int = Field(description="of an answer from the cache: no provider was paid for them")


class Links(Value):
    """Where to go from here; paths of this API."""

    self: str
    status: str
    result: str
    events: str
    calls: str
    cancel: str


class CallView(Value):
    """One request to a provider and what it cost."""

    id: UUID
    task_id: UUID = Field(description="the task it was made for: this one, or a child of it")
    attempt: int
    purpose: Purpose
    provider: str
    vendor: Vendor
    model: str
    served_model: str | None
    status: CallStatus
    verdict: AnswerVerdict | None = Field(
        description="what became of the answer; a verifier's is no result and has none"
    )
    category: Category | None = Field(description="how it failed")
    message: str | None
    http_status: int | None
    provider_request_id: str | None
    cost_usd: str = Field(description="decimal dollars; the hold while the call is open")
    estimated: bool
    price_source: str | None
    price_version: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    started_at: datetime
    first_token_at: datetime | None
    ended_at: datetime | None


class ChildView(Value):
    """A task that a consensus asked, as it stands."""

    id: UUID
    provider: str
    vendor: Vendor
    model: str
    status: TaskStatus
    error: TaskError | None
    cost_usd: str = Field(description="decimal dollars, part of the parent's cost")
    estimated: bool
    links: Links


class TaskView(Value):
    """A task as it stands."""

    id: UUID
    kind: TaskKind
    status: TaskStatus
    status_reason: StatusReason | None = Field(description="why a queued task waits")
    next_attempt_at: datetime | None = Field(description="not before this time")
    priority: Priority
    provider: str = Field(description="the configured provider it stands at")
    vendor: Vendor
    simulated: bool = Field(description="whether that provider only plays a model")
    attempt: int = Field(description="how often a worker took it")
    failures: int = Field(description="failed attempts, of at most `preferences.max_attempts`")
    crashes: int = Field(description="workers that died with it")
    labels: list[str]
    metadata: dict[str, str]
    user_id: str | None
    session_id: str | None
    retry_of: UUID | None
    parent_id: UUID | None = Field(description="the consensus it is part of")
    consensus: int | None = Field(description="how many providers were asked, each in a child")
    deadline: datetime
    run_at: datetime | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    canceling_at: datetime | None
    finished_at: datetime | None
    error: TaskError | None
    quality: Score | None = Field(description="of its result; null until there is one, and for vectors")
    cost: TaskCost
    usage: TaskUsage
    links: Links
    children: list[ChildView] | None = Field(None, description="of a consensus, where one task is shown")
    result: AnyResult | None = Field(None, description="with `include=result`")
    calls: list[CallView] | None = Field(None, description="with `include=calls`")
    feedback: list[FeedbackView] | None = Field(None, description="with `include=feedback`")
    request: dict[str, Any] | None = Field(
        None, description="with `include=request`; without the webhook's secret"
    )


class StatusView(Value):
    """The part of a task that a poll asks for."""

    id: UUID
    kind: TaskKind
    status: TaskStatus
    status_reason: StatusReason | None
    next_attempt_at: datetime | None
    attempt: int
    last_event_id: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ResultView(Value):
    """How a task ended: a result, or an error."""

    id: UUID
    kind: TaskKind
    status: TaskStatus
    finished_at: datetime
    error: TaskError | None
    quality: Score | None = Field(description="of the result; null where there is none, and for vectors")
    result: AnyResult | None


class Page(Value, Generic[Item]):
    """A page of a list; ask for the next with `next_cursor` while `has_more`."""

    data: list[Item]
    has_more: bool
    next_cursor: str | None


class BudgetPage(Value):
    """All living budgets, oldest first."""

    data: list[Budget]


class TaskPage(Page[TaskView]):
    """Tasks, newest first."""


class CallPage(Page[CallView]):
    """Calls of a task in the order they were made."""


class EventPage(Page[TaskEvent]):
    """Events of a task in the order they happened; `next_cursor` is the `after` of the next page."""


class StatsView(Value):
    """Counts over all tasks of the tenant."""

    by_status: dict[TaskStatus, int] = Field(description="a consensus is one task, whatever it asks")
    waiting_by_queue: dict[str, int] = Field(description="queued tasks by Celery queue")
    oldest_queued_seconds: float


class CandidateView(Value):
    """A provider the task would go to, in the order they are tried."""

    provider: str
    vendor: Vendor
    model: str


class EstimateView(Value):
    """What a task is likely to cost, and may cost at most, without repairs: a call at the first candidate.

    Of a consensus: one at each of its providers, without the judge of a tie. Of a review: its verifier's too.
    """

    calls: int = Field(description="one, or one for each child of a consensus; twice that with a verifier")
    input_tokens: int
    max_output_tokens: int
    max_cost_usd: str
    likely_cost_usd: str


class Validated(Value):
    """The request would be accepted; nothing was stored."""

    valid: bool
    candidates: list[CandidateView]
    estimate: EstimateView
    route: RouteExplanation


class KindView(Value):
    """A kind of task."""

    kind: TaskKind
    description: str
    submit: str = Field(description="where to post one")
    json_schema: str = Field(description="where its schemas are")


class KindPage(Page[KindView]):
    """All kinds of tasks."""


class KindSchema(Value):
    """JSON Schemas of what a task of this kind takes and gives."""

    kind: TaskKind
    context: dict[str, Any]
    result: dict[str, Any]


class PromptRequest(Value):
    """How the prompts of a kind are to begin: who the model is and what is asked of it."""

    template: str = Field(
        min_length=1,
        max_length=20_000,
        description="text with {{ kind }}, {{ language }} and `{% if %}` in it; what is data, and the form"
        " of the answer, follow it and stay as they are",
    )


class PromptView(Value):
    """How the prompts of a kind begin."""

    name: str
    template: str
    version: str = Field(description="the beginning of its hash; a result made with it names it")
    built_in: bool
    variables: list[str]
    updated_at: datetime | None


class PromptPage(Value):
    """How the prompts of each kind begin."""

    data: list[PromptView]


class GenerateRequest(Value):
    """A chat to be answered within the request; `model` is a model, a provider's name, or `auto`."""

    prompt: str | None = Field(None, min_length=1, max_length=MAX_CHAT, description="instead of messages")
    messages: list[ChatMessage] | None = Field(None, min_length=1, max_length=MAX_MESSAGES)
    answer_schema: AnswerSchema | None = None
    session_history: SessionHistory = False
    model: str = Field("auto", min_length=1, max_length=200)
    wait_seconds: float | None = Field(None, gt=0, le=3600, description="then the task itself is answered")
    preferences: Preferences = Field(default_factory=lambda: Preferences.model_validate({}))
    priority: Priority = Priority.MEDIUM
    labels: list[Label] = Field(default_factory=list, max_length=20)
    metadata: dict[str, str] = Field(default_factory=dict, max_length=50)
    session_id: str | None = Field(None, min_length=1, max_length=200)
    user_id: str | None = Field(None, min_length=1, max_length=200)


class Generated(Value):
    """An answer, a labelled refusal, or a task that goes on; what is not known is null, never made up."""

    outcome: Literal["answered", "refused", "pending"]
    response: str | None = Field(description="the answer; null where there is none")
    finish_reason: FinishReason | None
    provider: str
    model: str = Field(description="the model that served it, else the one it stands at")
    simulated: bool = Field(description="whether that provider only plays a model")
    confidence: float | None = Field(description="the model's own; null where it gave none")
    quality: Score | None = Field(description="of the answer; null until there is one")
    cost: TaskCost
    processing_time: float = Field(description="seconds since it was asked, until its end or now")
    task_id: UUID
    status: TaskStatus
    status_reason: StatusReason | None = Field(description="why a pending one waits")
    error: TaskError | None = Field(description="why it was refused")


class OpenAIErrorBody(Value):
    """What went wrong, for OpenAI's clients."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(Value):
    """An error of the OpenAI-compatible front."""

    error: OpenAIErrorBody


class TaskFilters(Value):
    """Which tasks to list: all that is given must fit; several values of one filter are alternatives."""

    status: list[TaskStatus] | None = Field(None, max_length=8)
    kind: list[TaskKind] | None = Field(None, max_length=20)
    label: list[Word] | None = Field(None, max_length=20, description="tasks that carry all of these")
    user_id: Word | None = None
    session_id: Word | None = None
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    parent_id: UUID | None = Field(None, description="the children of this consensus")
    ids: str | None = Field(None, max_length=4000, description="task ids, separated by commas, at most 100")
    limit: int = Field(20, description="taken into 1..100")
    cursor: str | None = Field(None, max_length=100, description="`next_cursor` of the page before")
    include: str | None = Field(
        None,
        description="`result`, `request`, separated by commas; `children` lists children of a consensus too",
    )


class Live(Value):
    """The process runs."""

    status: str


class ReadyCheck(Value):
    """One thing this process depends on."""

    name: str
    status: str = Field(description="`ok` or `failing`")
    required: bool
    detail: str


class Ready(Value):
    """Whether this process can take work; `checks` with `?verbose`."""

    status: str
    checks: list[ReadyCheck] | None = None


class Version(Value):
    """What runs here."""

    name: str
    version: str
    revision: str = Field(description="the schema this release expects")
