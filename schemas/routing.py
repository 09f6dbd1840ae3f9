"""How a task finds its provider: strategies, weights, what is offered, and the explanation of a route.

Scores and their parts lie between 0 and 100; money outside is a decimal string of dollars.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.base import Value
from schemas.budgets import Dollars
from schemas.privacy import RedactionRule
from schemas.providers import Provider, Vendor
from schemas.spellings import STRATEGIES, joined


class Strategy(StrEnum):
    """How candidates are put in order."""

    BALANCED = "balanced"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    PREFERRED = "preferred"
    ROUND_ROBIN = "round_robin"
    FIXED = "fixed"
    WEIGHTED = "weighted"

    @classmethod
    def _missing_(cls, value: object) -> "Strategy | None":
        name = joined(value) if isinstance(value, str) else ""
        meant = STRATEGIES.get(name, name.replace("-", "_"))
        return next((strategy for strategy in cls if strategy.value == meant), None)


class SpeedPriority(StrEnum):
    """How much latency counts beside success, and whether a slower, cheaper tier of a vendor will do."""

    ECONOMY = "economy"
    BALANCED = "balanced"
    FAST = "fast"


class FilterReason(StrEnum):
    """What keeps a provider from taking a task; the first that applies is told."""

    NOT_NAMED = "not_named"
    EXCLUDED = "excluded"
    PAUSED = "paused"
    NO_CREDENTIAL = "no_credential"
    CAPABILITY = "capability"
    STRUCTURED_OUTPUT = "structured_output"
    LANGUAGE = "language"
    CONTEXT = "context"
    MAX_COST = "max_cost"


Share = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]

DEFAULT_BUDGET_USD: Final = "0.10"
"""The money per task that the cost part is measured by where neither task nor tenant names one."""


class Weights(Value):
    """What each part of the score counts, in percent; together 100."""

    capability: Percent = 40
    cost: Percent = 25
    history: Percent = 20
    preference: Percent = 15

    @model_validator(mode="after")
    def _make_a_whole(self) -> Self:
        total = self.capability + self.cost + self.history + self.preference
        if total != 100:
            raise ValueError(f"must add up to 100, and add up to {total}")
        return self


class SimilarAnswers(Value):
    """Whose vectors say which questions are alike, and how alike they have to be."""

    provider: str = Field(min_length=1, max_length=63, description="a provider of embeddings, by name")
    model: str | None = Field(
        None, min_length=1, max_length=200, description="one of its embedding models; else its usual one"
    )
    likeness: float = Field(
        0.95, ge=0.5, le=1, description="cosine likeness that a question must have at least; 1: the same"
    )


class RoutingConfig(Value):
    """How a tenant's tasks are routed where they don't say otherwise, and whether they are redacted."""

    strategy: Strategy = Strategy.BALANCED
    weights: Weights = Field(default_factory=lambda: Weights.model_validate({}))
    max_cost_usd: Dollars | None = Field(
        None, description=f"money per task that the cost part is measured by; else {DEFAULT_BUDGET_USD}"
    )
    preferred: list[str] = Field(default_factory=list, max_length=50, description="providers, best first")
    shares: dict[str, Share] = Field(
        default_factory=dict,
        max_length=100,
        description="for `weighted`: how often each provider is taken first; without any, by score",
    )
    redaction: RedactionRule = Field(
        RedactionRule.REQUIRED,
        description="secrets and personal data are hidden from providers: always, unless a task says `off`, "
        "or only where it says `on`",
    )
    similar: SimilarAnswers | None = Field(
        None, description="finds kept answers by likeness for chats that ask for it; without it none does"
    )


@dataclass(frozen=True, slots=True)
class Record:
    """What recent calls at a provider with its model tell; means over those that were answered.

    `satisfaction` is the mean worth of so many pieces of `feedback`, from 0 to 1.
    """

    calls: int = 0
    successes: int = 0
    seconds: float | None = None
    output_tokens: float | None = None
    feedback: int = 0
    satisfaction: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A tenant's provider as routing sees it; `gate` says why nothing may be sent there just now."""

    provider: Provider
    paused: bool
    position: int
    record: Record = field(default_factory=Record)
    in_flight: int = 0
    gate: str | None = None


class ScoreParts(Value):
    """The four parts of a score."""

    capability: float
    cost: float
    history: float
    preference: float


class CapabilityParts(Value):
    """What the capability part is made of: 30, 30, 20 and 20 % of it."""

    generation: float
    fixing: float
    review: float
    context: float = Field(description="100 where the model is known to hold the task, 0 where nobody knows")


class CandidateScore(Value):
    """A provider that can take the task, and what its place is made of."""

    provider: str
    vendor: Vendor
    model: str
    score: float
    parts: ScoreParts
    capability: CapabilityParts
    estimated_cost_usd: str
    tier: str | None = Field(None, description="the vendor's cheaper tier that is asked for, if any")
    free: bool = Field(description="costs nothing more: local, or paid by the month")
    expected_seconds: float = Field(description="time of a call: measured, or taken on trust while unknown")
    success_rate: float = Field(description="share of recent calls and feedback that were good, with a prior")
    calls: int = Field(description="recent calls that both were measured on")
    feedback: int = Field(0, description="recent feedback that counts beside them")
    known_model: bool = Field(description="whether the catalogue knows the model")
    position: int = Field(description="its place in the tenant's order")
    share: float = Field(description="its weight for `weighted`")
    in_flight: int = Field(description="its running tasks, where accounts of one vendor are balanced")
    gate: str | None = Field(description="the closed gate it stood behind, where accounts are balanced")
    retired: bool = Field(description="its vendor has shut the model down by now: tried last")


class FilteredProvider(Value):
    """A provider that can't take the task, and why."""

    provider: str
    reason: FilterReason
    detail: str


class Classification(Value):
    """What a task was taken for, by its fields and words where it does not say so itself."""

    kind: str
    kind_found: bool = Field(description="whether the request named no kind")
    language: str | None
    complexity: int = Field(description="1 to 5")
    capabilities: list[str] = Field(description="what a model must be able to do")


class ExperimentArm(Value):
    """The arm of an experiment that a task was given to, before its strategy was asked."""

    id: UUID
    name: str
    arm: str
    sticky_by: str = Field(description="`session`, or `task` where it has none")
    applied: bool = Field(
        description="false: nobody could take it as the arm says, and it was routed as usual"
    )
    providers: list[str] = Field(description="the candidates that the arm put first")


class RouteExplanation(Value):
    """Why a task goes where it goes: candidates in the order they are tried, and who is not among them."""

    strategy: Strategy
    chosen_by: str = Field(description="who named the strategy: `task`, `experiment`, `tenant` or `default`")
    weights: Weights
    speed_priority: SpeedPriority
    budget_usd: str = Field(description="the money per task that the cost part is measured by")
    classification: Classification | None = Field(None, description="none on routes of older tasks")
    input_tokens: int
    output_tokens: int = Field(description="what a call may answer at most")
    turn: int = Field(description="the count that round robin and balanced accounts went by")
    draw: float = Field(description="the random number that `weighted` went by, 0 to 1")
    candidates: list[CandidateScore]
    filtered: list[FilteredProvider]
    experiment: ExperimentArm | None = Field(None, description="none for a task that is in no experiment")


class TaskRoute(Value):
    """The route of a task as it was decided, and where the task stands on it now."""

    task_id: UUID
    current: int = Field(description="index of the candidate it stands at")
    provider: str = Field(description="name of that candidate")
    route: RouteExplanation | None = Field(description="none for tasks stored before routes were explained")
