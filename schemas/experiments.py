"""Experiments: weighted ways to route tasks, compared by one metric; and what they have shown so far."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from schemas.base import Value
from schemas.configured import ModelName, ProviderName
from schemas.providers import Provider
from schemas.routing import Strategy
from schemas.tasks import Label, TaskKind

MOST_ARMS: Final = 10
Weight = Annotated[int, Field(strict=True, ge=0, le=1000, description="its share of the tasks, by weight")]
Name = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="up to 63 of a-z, 0-9, '.', '_', '-'")
]


class ExperimentStatus(StrEnum):
    """Whether tasks are given to its arms; an ended experiment stays ended."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Metric(StrEnum):
    """What arms are compared by."""

    SUCCESS_RATE = "success_rate"
    COST = "cost"
    LATENCY = "latency"
    ACCEPTED = "accepted"


class Arm(Value):
    """One way to route a task; one that names nothing routes as usual, and is a fair control."""

    name: Name
    weight: Weight = 1
    provider: ProviderName | None = Field(None, description="this provider first")
    model: ModelName | None = Field(
        None, description="this model of the named provider; without one, providers whose own model it is"
    )
    strategy: Strategy | None = Field(None, description="in place of the tenant's")

    def names(self, provider: Provider) -> bool:
        """Whether this is a provider as the arm names them: a model alone means those whose own it is."""
        if self.provider is not None:
            return provider.name == self.provider
        return self.model in (None, provider.model)


def _fair(arms: Sequence[Arm]) -> None:
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names):
        raise ValueError("arms must have different names")
    if not any(arm.weight for arm in arms):
        raise ValueError("arms must not all have the weight 0")


class ExperimentRequest(Value):
    """An experiment to be made; its first arm is the control that the others are compared with."""

    name: Name
    arms: list[Arm] = Field(min_length=2, max_length=MOST_ARMS)
    metric: Metric = Metric.SUCCESS_RATE
    kinds: list[TaskKind] | None = Field(
        None, min_length=1, max_length=20, description="only tasks of these kinds"
    )
    label: Label | None = Field(None, description="only tasks that carry this label")
    status: ExperimentStatus = ExperimentStatus.RUNNING

    @field_validator("arms")
    @classmethod
    def _can_be_compared(cls, arms: list[Arm]) -> list[Arm]:
        _fair(arms)
        return arms

    @field_validator("status")
    @classmethod
    def _is_not_over_yet(cls, status: ExperimentStatus) -> ExperimentStatus:
        if status is ExperimentStatus.ENDED:
            raise ValueError("must be running or paused")
        return status


class ExperimentPatch(Value):
    """What is to change of an experiment; what is left out stays."""

    status: ExperimentStatus | None = None
    weights: dict[Name, Weight] | None = Field(
        None, min_length=1, max_length=MOST_ARMS, description="new weights of arms, by name"
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.status is None and self.weights is None:
            raise ValueError("must give status, weights or both")
        return self


class ExperimentView(Value):
    """An experiment."""

    id: UUID
    name: str
    status: ExperimentStatus
    metric: Metric
    kinds: list[TaskKind] | None
    label: str | None
    arms: list[Arm]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class ExperimentPage(Value):
    """All experiments of the tenant, oldest first: the first that fits takes a task."""

    data: list[ExperimentView]


class Verdict(StrEnum):
    """What can be said of an arm beside the control."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


class Comparison(Value):
    """An arm against the control, by the metric: shares from 0 to 1, dollars, or seconds."""

    difference: float = Field(description="the arm's mean less the control's")
    low: float = Field(description="lower end of the 95 % interval of the difference")
    high: float = Field(description="upper end of it")
    p_value: float = Field(description="two-sided; of two proportions (z), or of two means (Welch's t)")
    confidence: float = Field(description="1 less the p-value")
    enough: bool = Field(description="whether both have samples enough for the test to be trusted")
    verdict: Verdict = Field(description="at 5 %, shared by all arms that are compared with the control")


class ArmResult(Value):
    """What became of an arm's tasks; samples are those that ended where the arm had put them."""

    arm: str
    weight: int
    assigned: int
    open: int
    canceled: int
    contaminated: int = Field(
        description="failed over, or never put where the arm says: counted, and no samples"
    )
    samples: int
    succeeded: int
    success_rate: float | None
    mean_cost_usd: str | None
    mean_seconds: float | None = Field(description="of those that succeeded, from first claim to end")
    rated: int = Field(description="samples whose feedback says whether they were accepted")
    accepted_rate: float | None
    comparison: Comparison | None = Field(description="null for the control, and where nothing can be said")


class ExperimentReport(ExperimentView):
    """An experiment with what it has shown so far."""

    results: list[ArmResult]
    sampled: int = Field(description="tasks that were looked at: the newest 100,000 at most")
