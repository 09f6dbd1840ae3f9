"""What the API answers, typed where a program needs it.

A reply keeps fields that this release doesn't know, so that a newer server doesn't break an older
client; `body` is the JSON exactly as it came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from schemas.tasks import TaskStatus


class Reply(BaseModel):
    """Any JSON object the API answers with."""

    model_config = ConfigDict(extra="allow", frozen=True)

    _body: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """The reply in a JSON object."""
        reply = cls.model_validate(body)
        reply._body.update(body)
        return reply

    @property
    def body(self) -> dict[str, Any]:
        """The JSON as it came."""
        return self._body


class Cost(Reply):
    """What a task's calls have cost so far, in decimal dollars."""

    usd: str = "0.00"
    estimated: bool = False
    calls: int = 0


class Usage(Reply):
    """Tokens over all calls; `input` includes cached, `output` includes reasoning."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    served_tokens: int = 0


class Error(Reply):
    """Why a task failed."""

    code: str
    message: str
    retryable: bool = False
    category: str | None = None
    provider: str | None = None


class Child(Reply):
    """A task that a consensus asked."""

    id: UUID
    provider: str
    status: str
    cost_usd: str = "0"
    error: Error | None = None


class Task(Reply):
    """A task as it stands; `result` only where it was asked for."""

    id: UUID
    kind: str
    status: TaskStatus
    status_reason: str | None = None
    next_attempt_at: datetime | None = None
    priority: str = ""
    provider: str | None = None
    simulated: bool = False
    attempt: int = 0
    labels: list[str] = Field(default_factory=list)
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: Error | None = None
    quality: int | None = None
    parent_id: UUID | None = None
    consensus: int | None = None
    children: list[Child] = Field(default_factory=list)
    cost: Cost = Field(default_factory=Cost)
    usage: Usage = Field(default_factory=Usage)
    result: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether the task has reached a terminal state."""
        return self.status.terminal

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return self.status is TaskStatus.SUCCEEDED


class Event(Reply):
    """One event of a task; `id` counts from 1 within the task."""

    id: int
    name: str
    at: datetime
    data: dict[str, Any]


class Call(Reply):
    """One HTTP request to a provider that a task made."""

    id: UUID
    status: str
    attempt: int = 0
    purpose: str = ""
    provider: str = ""
    model: str = ""
    category: str | None = None
    cost_usd: str = "0.00"
    input_tokens: int | None = None
    output_tokens: int | None = None


class Budget(Reply):
    """A budget with what its current window has used; money as decimal strings of dollars."""

    id: UUID
    scope: str
    subject: str | None = None
    period: str
    hard: bool
    limit_usd: str
    spent_usd: str = "0.00"
    held_usd: str = "0.00"
    remaining_usd: str = "0.00"
    window_ends: datetime | None = None


class Candidate(Reply):
    """A provider that can take a task, with its score and what its place is made of."""

    provider: str
    model: str
    score: float
    parts: dict[str, float]
    estimated_cost_usd: str = "0.00"
    expected_seconds: float = 0.0
    success_rate: float = 0.0
    calls: int = 0


class Filtered(Reply):
    """A provider that can't take a task, and why."""

    provider: str
    reason: str
    detail: str


class Route(Reply):
    """Why a task goes where it goes; candidates in the order they are tried."""

    strategy: str
    chosen_by: str
    weights: dict[str, int]
    candidates: list[Candidate]
    filtered: list[Filtered] = Field(default_factory=list)
    budget_usd: str = "0.00"
    input_tokens: int = 0
    experiment: dict[str, Any] | None = None


class TaskRoute(Reply):
    """The route of a task as it was decided, and the candidate it stands at now."""

    task_id: UUID
    current: int
    provider: str
    route: Route | None = None


class Config(Reply):
    """How the tenant's tasks are routed where they don't say otherwise, and whether they are redacted."""

    strategy: str
    weights: dict[str, int]
    max_cost_usd: str | None = None
    preferred: list[str] = Field(default_factory=list)
    shares: dict[str, int] = Field(default_factory=dict)
    redaction: str = "required"
    similar: dict[str, Any] | None = None


class CircuitBreaker(Reply):
    """One gate of a provider; where it is not closed, why, and until when."""

    id: str
    provider: str
    kind: str
    state: str
    model: str | None = None
    reason: str | None = None
    closed_until: datetime | None = None
    calls: int | None = None
    failures: int | None = None


class Credential(Reply):
    """What is shown of a provider's credential."""

    kind: str
    host: str | None = None
    set_at: datetime | None = None
    last_used_at: datetime | None = None


class Provider(Reply):
    """A configured provider."""

    name: str
    vendor: str
    base_url: str
    model: str
    credential: Credential
    wire: str = ""
    concurrency_limit: int | None = None
    position: int = 0
    paused: bool = False
    simulated: bool = False
    managed: bool = False
    took_over_from: list[str] = Field(default_factory=list)


class Found(Reply):
    """What a test of a provider found."""

    ok: bool
    reachable: bool
    credential: str
    message: str = ""
    latency_ms: float | None = None
    http_status: int | None = None
    models: list[str] = Field(default_factory=list)
    model_listed: bool | None = None


class Check(Reply):
    """A test of a provider: `pending`, `done` with a result, or `failed` with a message."""

    id: UUID
    status: str
    message: str | None = None
    result: Found | None = None


class Model(Reply):
    """A model of a provider."""

    id: str
    default: bool = False
    listed: bool = False


class Template(Reply):
    """A template of a provider."""

    name: str
    description: str = ""
    built_in: bool = False
    variables: dict[str, Any] = Field(default_factory=dict)


R = TypeVar("R", bound=Reply)


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page of a list; `next_cursor` asks for the page after it."""

    data: tuple[R, ...]
    has_more: bool
    next_cursor: str | None
    body: dict[str, Any]

    def __iter__(self) -> Iterator[R]:
        return iter(self.data)


def page(kind: type[R], body: dict[str, Any]) -> Page[R]:
    """The page in a JSON object."""
    return Page(
        tuple(kind.read(item) for item in body.get("data", ())),
        bool(body.get("has_more", False)),
        body.get("next_cursor"),
        body,
    )
