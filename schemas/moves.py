"""A move of a task from one state to the next, decided purely and carried out as one statement."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from schemas.errors import TaskError
from schemas.events import EventName
from schemas.providers import Candidate
from schemas.tasks import StatusReason, TaskStatus


@dataclass(frozen=True, slots=True)
class Fence:
    """Who may move a task: it stands in `status`, under this attempt and lease (None: unleased).

    `parent_id` is the task's own and never changes: whose children are counted when the task ends.
    """

    task_id: UUID
    status: TaskStatus
    attempt: int
    token: UUID | None
    unexpired: bool = False
    parent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """What a task has used up so far, and which candidate of its route it stands at."""

    candidate: int = 0
    failures: int = 0
    candidate_failures: int = 0
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a task stands; `seconds_left` to its deadline."""

    counters: Counters
    max_attempts: int
    max_crashes: int
    seconds_left: float
    candidates: tuple[Candidate, ...]

    @property
    def provider(self) -> str:
        """The name of the provider it stands at."""
        return self.candidates[self.counters.candidate].name

    @property
    def has_next(self) -> bool:
        """Whether the route has another candidate."""
        return self.counters.candidate + 1 < len(self.candidates)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event to be written with a move."""

    name: EventName
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """Where a task goes next. `delay` in seconds from now; None leaves `run_at` as it is.

    `asked_nanos` is the hold that a task waits for, where it waits for budget; `quality` is the score of a
    result, `served_tokens` what the cache spared, where there is one.
    """

    status: TaskStatus
    counters: Counters
    reason: StatusReason | None = None
    delay: float | None = None
    asked_nanos: int | None = None
    error: TaskError | None = None
    happenings: tuple[Happening, ...] = ()
    quality: int | None = None
    served_tokens: int | None = None
