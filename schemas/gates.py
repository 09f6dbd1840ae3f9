"""Gates of providers as their owner sees them: what says "not now", since when, and until when."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from schemas.base import Value


class GateKind(StrEnum):
    """Which gate: health by calls (`circuit`) or by active checks, the account's pace, its credential."""

    CIRCUIT = "circuit"
    COOL_DOWN = "cool_down"
    CREDENTIAL = "credential"
    HEALTH = "health"


class GateState(StrEnum):
    """`open` lets nothing through (a circuit's word), `half_open` one task, `closed` all."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class GateMove(Value):
    """A gate changed its state."""

    at: datetime
    state: GateState
    reason: str


class CircuitBreaker(Value):
    """One gate of a provider; `open` lets nothing through, as a circuit breaker has it."""

    id: str = Field(description="for `POST /circuit-breakers/{id}/reset`")
    provider: str
    kind: GateKind
    model: str | None = Field(description="the model whose circuit it is; none for an account's gates")
    state: GateState
    reason: str | None = Field(description="why it is not closed")
    closed_until: datetime | None = Field(
        description="until when nothing is sent; none where no end is known"
    )
    calls: int | None = Field(description="calls in a circuit's live window; none where it is not known")
    failures: int | None = Field(description="how many of them failed")
    transitions: list[GateMove] = Field(description="the last five, newest first")


class CircuitBreakerPage(Value):
    """All gates of the tenant's providers."""

    data: list[CircuitBreaker]
