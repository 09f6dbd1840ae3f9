"""What a run left behind, as plain records: what clients were told, what the store and the provider hold.

The checker judges these and nothing else, so that it can be tested without a server.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client asked under one key, and the task that it was told of; None: never acknowledged.

    `recovered` where an earlier try had stored the task although its answer never arrived.
    """

    key: str
    acknowledged: UUID | None
    recovered: bool = False


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
