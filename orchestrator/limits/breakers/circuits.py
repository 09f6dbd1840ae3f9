"""The words of the health circuits: whose health, what a call says about it, what became of it."""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Self, assert_never
from uuid import UUID

from orchestrator.config import Config
from schemas.errors import Category
from schemas.manners import CircuitPolicy


class Health(StrEnum):
    """What a call says about the health of who was called."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


class Phase(StrEnum):
    """The states of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class Circuit:
    """Whose health it is."""

    provider_id: UUID
    endpoint: str
    model: str

    @cached_property
    def id(self) -> str:
        """The same 16 letters in every process; for keys, addresses and labels."""
        named = "\n".join((self.provider_id.hex, self.endpoint, self.model))
        return hashlib.blake2b(named.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Policy:
    """When a circuit opens, and for how long; times in seconds.

    It opens when at least `failure_ratio` of at least `minimum_calls` calls in the window failed, for
    `open_seconds`, and for twice as long after each failed probe, up to `open_most`; ± 10 %.
    """

    minimum_calls: int = 5
    failure_ratio: float = 0.5
    open_seconds: float = 10
    open_most: float = 300
    bucket_seconds: float = 10
    buckets: int = 6

    @classmethod
    def of(cls, config: Config) -> Self:
        """The policy that the settings ask for."""
        return cls(
            minimum_calls=config.circuit_minimum_calls,
            failure_ratio=config.circuit_failure_ratio,
            open_seconds=config.circuit_open_seconds,
            open_most=config.circuit_open_most,
        )

    def with_own(self, own: CircuitPolicy | None) -> Self:
        """The same for a provider that has some of it otherwise."""
        if own is None:
            return self
        open_seconds = own.open_seconds or self.open_seconds
        return replace(
            self,
            minimum_calls=own.minimum_calls or self.minimum_calls,
            failure_ratio=own.failure_ratio or self.failure_ratio,
            open_seconds=open_seconds,
            open_most=max(open_seconds, own.open_most_seconds or self.open_most),
        )

    @property
    def window_seconds(self) -> float:
        """How far back a result counts."""
        return self.bucket_seconds * self.buckets


@dataclass(frozen=True, slots=True)
class Transition:
    """A move of a circuit; `at` in seconds since 1970 by the clock of whoever decided.

    `open_for`: how long it stays open, where it opened. `shared`: it holds for every process; False
    where this process decided for itself, because Redis was away.
    """

    circuit: Circuit
    from_state: Phase
    to_state: Phase
    at: float
    open_for: float | None
    why: str
    shared: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """How a circuit stands: seconds until it may be asked again, and what its window counts."""

    name: Phase
    retry_in: float
    failures: int
    calls: int


@dataclass(slots=True)
class Verdict:
    """What the guarded call turned out to say; nothing, unless it is set."""

    health: Health = Health.NEUTRAL


class CircuitOpen(Exception):
    """The circuit is open, or half open with its probe under way: ask again in `retry_in` seconds."""

    def __init__(self, circuit: Circuit, retry_in: float) -> None:
        super().__init__(f"{circuit.endpoint} of {circuit.model} is unhealthy; again in {retry_in:.1f} s")
        self.retry_in = retry_in


def health_of(category: Category | None) -> Health:
    """What an outcome says about the provider's health (DESIGN §6); None is a complete answer.

    Only what the provider did to this one call counts. Our own limits (the total time among them, which
    a submitter chooses), refusals of the request and gates of their own (credential, budget) are neutral.
    """
    match category:
        case None:
            return Health.SUCCESS
        case (
            Category.SERVER_ERROR
            | Category.OVERLOADED
            | Category.CONNECT_ERROR
            | Category.FIRST_TOKEN_TIMEOUT
            | Category.IDLE_TIMEOUT
            | Category.TRUNCATED
            | Category.MALFORMED
        ):
            return Health.FAILURE
        case (
            Category.TOTAL_TIMEOUT
            | Category.RATE_LIMITED
            | Category.QUOTA_EXHAUSTED
            | Category.UNAUTHORIZED
            | Category.BAD_REQUEST
            | Category.MODEL_NOT_FOUND
            | Category.CONTEXT_TOO_LONG
            | Category.CONTENT_FILTERED
            | Category.OUTPUT_LIMIT
            | Category.ANSWER_REJECTED
            | Category.JOB_WITHOUT_ANSWER
            | Category.UNVERIFIABLE
            | Category.NO_ANSWER_LEFT
            | Category.BUDGET_EXHAUSTED
            | Category.BUDGET_HELD
            | Category.CIRCUIT_OPEN
            | Category.PROVIDER_REMOVED
            | Category.RETRIES_SPENT
            | Category.CANCELED
            | Category.DEADLINE
            | Category.SHUTDOWN
            | Category.CRASHED
        ):
            return Health.NEUTRAL
        case _:
            assert_never(category)
