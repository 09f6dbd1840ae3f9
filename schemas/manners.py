"""How a provider is to be dealt with: how long it is waited for, how it is retried, what counts as well.

What is left out of them is as the installation has it. Times are in seconds, rates from 0 to 1.
"""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from schemas.base import Value

MOST_FEE: Final = 1_000_000


def _as_text(amount: Any) -> Any:
    """A template's variable or a plain number is taken too."""
    return str(amount) if isinstance(amount, int) and not isinstance(amount, bool) else amount


def _bounded(amount: str) -> str:
    if not 0 < float(amount) <= MOST_FEE:
        raise ValueError(f"must be more than 0 and at most {MOST_FEE:,} dollars; leave it out for none")
    return amount


Fee = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=r"^[0-9]{1,7}(\.[0-9]{1,9})?$"),
    AfterValidator(_bounded),
]
Rate = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Timeouts(Value):
    """How long a call to a provider is waited for."""

    connect_seconds: Seconds | None = Field(None, description="until it takes the connection")
    first_token_seconds: Seconds | None = Field(None, description="until it begins to answer")
    idle_seconds: Seconds | None = Field(None, description="between two pieces of an answer")
    total_seconds: Seconds | None = Field(
        None, description="one call, whatever trickles in; a task's own `timeout_seconds` comes before it"
    )


class RetryPolicy(Value):
    """What follows a failure that may pass: the wait before the next try, and when another takes over."""

    base_seconds: float = Field(1.0, ge=0.1, le=60, description="longest wait after the first failure")
    cap_seconds: float = Field(
        60.0, ge=1, le=3600, description="longest wait after many; it doubles up to it"
    )
    failures: int = Field(
        2, strict=True, ge=1, le=20, description="in a row, before the next provider takes over"
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.cap_seconds < self.base_seconds:
            raise ValueError("cap_seconds must not be below base_seconds")
        return self


class CircuitPolicy(Value):
    """When its failed calls of the last minute keep all tasks from a provider, and for how long.

    What is left out is as the installation has it.
    """

    minimum_calls: int | None = Field(
        None, strict=True, ge=1, le=1000, description="calls within a minute that are judged at least"
    )
    failure_ratio: Rate | None = Field(None, description="share of failed ones that opens it")
    open_seconds: Seconds | None = Field(
        None, description="how long it opens at first; it doubles with each probe that fails"
    )
    open_most_seconds: Seconds | None = Field(None, description="longest time that it opens")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        first, most = self.open_seconds, self.open_most_seconds
        if first is not None and most is not None and most < first:
            raise ValueError("open_most_seconds must not be below open_seconds")
        return self


class HealthPolicy(Value):
    """When a provider counts as degraded or down, by its calls of the last quarter of an hour."""

    minimum_calls: int = Field(5, strict=True, ge=1, le=200, description="calls that are judged at least")
    degraded_error_rate: Rate = Field(0.05, description="degraded above this share of failed calls")
    down_error_rate: Rate = Field(0.5, description="down above this share of failed calls")
    degraded_latency_ms: float | None = Field(
        None, gt=0, le=3_600_000, description="degraded where answers take longer on average"
    )
    check: bool = Field(True, description="ask it at intervals, where the installation does so")
    failed_checks: int = Field(2, strict=True, ge=1, le=20, description="in a row that mean it is down")

    @model_validator(mode="after")
    def _worsens(self) -> Self:
        if self.down_error_rate < self.degraded_error_rate:
            raise ValueError("down_error_rate must not be below degraded_error_rate")
        return self


USUAL_RETRIES = RetryPolicy.model_validate({})
USUAL_HEALTH = HealthPolicy.model_validate({})
