"""What the cache of kept answers tells of itself."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.base import Moment, Value
from schemas.tasks import TaskKind

LONGER: Final = {TaskKind.EMBED: 24}
"""How many times as long as others the answers of a kind are kept: vectors of a text don't change."""


def seconds_kept(kind: TaskKind, usual: int) -> int:
    """How long an answer of a kind is kept, where others are for `usual` seconds."""
    return usual * LONGER.get(kind, 1)


class CacheStats(Value):
    """What the cache of answers did for the tenant since its counts began; they go with Redis."""

    since: datetime | None
    lookups: int
    hits: int
    hits_alike: int = Field(description="of them, those whose question was one that says nearly the same")
    hits_in_process: int = Field(description="of them, those that a worker process had itself")
    misses: int
    hit_ratio: float | None = Field(description="null before the first look-up")
    kept: int = Field(description="answers that were put into it")
    served: int = Field(description="tasks whose result came of a kept answer")
    input_tokens_served: int = Field(description="that no provider was paid for")
    output_tokens_served: int = Field(description="that no provider was paid for")
    saved_usd: str = Field(description="what the calls had cost that were not made again; decimal dollars")


MOST_WARMED: Final = 1_000


class WarmRequest(Value):
    """Which answers of ended tasks are to be kept: of these tasks, or of the newest that fit the rest."""

    tasks: list[UUID] | None = Field(None, min_length=1, max_length=MOST_WARMED, description="by their ids")
    kind: TaskKind | None = Field(None, description="only of this kind")
    since: Moment | None = Field(None, description="only those that ended at or after this time (RFC 3339)")
    until: Moment | None = Field(None, description="only those that ended before this time (RFC 3339)")
    limit: int = Field(
        100, strict=True, ge=1, le=MOST_WARMED, description="tasks that are looked at, at most"
    )

    @model_validator(mode="after")
    def _says_which_once(self) -> Self:
        if self.tasks is not None and self.model_fields_set - {"tasks"}:
            raise ValueError("tasks names them: leave out kind, since, until and limit")
        return self


class LeftOut(StrEnum):
    """Why nothing was kept of a task that was named."""

    UNKNOWN = "unknown"
    NOT_SUCCEEDED = "not_succeeded"
    REJECTED = "rejected"
    NO_FIRST_ANSWER = "no_first_answer"
    TOO_LONG = "too_long"
    NO_ROOM = "no_room"


class NotWarmed(Value):
    """A task of which nothing was kept."""

    task_id: UUID
    reason: LeftOut = Field(
        description="`rejected`: by feedback; `no_first_answer`: it was mended, served from the cache, "
        "chosen among several, a job's, without usage, or of a release before this one"
    )


class Warmed(Value):
    """What warming came to; no provider was asked, and nothing was paid."""

    kept: int = Field(description="answers that were put into the cache")
    there: int = Field(description="answers to requests that already have one there, which stays")
    left_out: list[NotWarmed]
