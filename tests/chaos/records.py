"""What a run left behind, as plain records: what clients were told, what the store and the provider hold.

The checker judges these and nothing else, so that it can be tested without a server.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client asked under one key, and the task that it was told of; None: never acknowledged.

    `recovered` where an earlier try had stored the task although its answer never arrived; `refused`
    where it was told that a budget is exhausted.
    """

    key: str
    acknowledged: UUID | None
    recovered: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """A task's row."""

    id: UUID
    status: str
    attempt: int
    failures: int
    crashes: int
    leased: bool
    created_at: datetime
    finished_at: datetime | None
    session: str | None = None
    error: str | None = None
    on_budget: str = "fail"
    user: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call's row; money in nano-dollars."""

    id: UUID
    task_id: UUID
    purpose: str
    status: str
    verdict: str | None
    cost: int | None
    estimated: bool
    http_status: int | None
    started_at: datetime
    hold: int = 0
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A hard budget."""

    id: UUID
    scope: str
    subject: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """A window that a call is charged to."""

    call_id: UUID
    budget_id: UUID
    period: str
    starts: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """What a budget's window says; nano-dollars."""

    budget_id: UUID
    starts: datetime
    spent: int
    held: int


@dataclass(frozen=True, slots=True)
class Trip:
    """What the trigger caught at a commit."""

    invariant: str
    budget_id: UUID
    found: str


@dataclass(frozen=True, slots=True)
class Level:
    """The highest spent + held that a hard window had at any of so many commits; nano-dollars."""

    scope: str
    subject: str | None
    limit: int
    highest: int
    commits: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger; nano-dollars."""

    call_id: UUID
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a task."""

    task_id: UUID
    seq: int
    name: str


@dataclass(frozen=True, slots=True)
class Received:
    """A request as the provider's own journal and bill know it; `id` is the call id that came with it."""

    id: str | None
    received_at: datetime
    outcome: str
    billed: int


@dataclass(frozen=True, slots=True)
class History:
    """All of it. `keys` tells which task the store keeps under a client's key."""

    submissions: tuple[Submission, ...] = ()
    tasks: tuple[Task, ...] = ()
    keys: tuple[tuple[str, UUID], ...] = ()
    results: tuple[UUID, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()
    journal: tuple[Received, ...] = field(default=())
    budgets: tuple[Budget, ...] = ()
    charges: tuple[Charge, ...] = ()
    windows: tuple[Window, ...] = ()
    trips: tuple[Trip, ...] = ()
