"""Score: what a provider is worth for a task, from 0 to 100, with its parts. Pure.

Each part grows with what it measures, so that a better provider never scores less. All numbers are
rounded once, here, so that an explanation can be reckoned again to the same order.
"""

from typing import Final, NamedTuple

from orchestrator.catalogue.models import Capability, Model
from schemas.routing import Record, SpeedPriority, Weights

PRIOR_CALLS: Final = 10
PRIOR_SUCCESS: Final = 0.9
PRIOR_SECONDS: Final = 20.0
"""What an unknown provider is taken for: as ten calls, nine of them good, of 20 s each."""

HALF_SPEED_SECONDS: Final = 30.0
"""The time of a call that is worth half the points of speed."""

SPEED_SHARES: Final = {SpeedPriority.ECONOMY: 0.1, SpeedPriority.BALANCED: 0.3, SpeedPriority.FAST: 0.8}


class Facts(NamedTuple):
    """What a score is reckoned from; money in nano-dollars, `preference` from 0 to 100."""

    model: Model
    fits: bool | None
    cost: int
    budget: int
    record: Record
    speed_priority: SpeedPriority
    preference: float


class Score(NamedTuple):
    """A score with its parts, and what the parts are made of."""

    total: float
    capability: float
    cost: float
    history: float
    preference: float
    generation: float
    fixing: float
    review: float
    context: float
    success_rate: float
    seconds: float


def score(facts: Facts, weights: Weights) -> Score:
    """The score of a provider for a task."""
    strengths = facts.model.strengths
    generation, fixing = strengths[Capability.GENERATION], strengths[Capability.FIXING]
    review, context = strengths[Capability.REVIEW], 100 if facts.fits else 0
    capability = round(0.3 * generation + 0.3 * fixing + 0.2 * review + 0.2 * context, 4)
    cost = _cost(facts.cost, facts.budget)
    success_rate, seconds = _record(facts.record)
    history = _history(success_rate, seconds, SPEED_SHARES[facts.speed_priority])
    preference = round(facts.preference, 4)
    total = (
        weights.capability * capability
        + weights.cost * cost
        + weights.history * history
        + weights.preference * preference
    ) / 100
    return Score(
        round(total, 4), capability, cost, history, preference, generation, fixing, review, context,
        success_rate, seconds,
    )  # fmt: skip


def _cost(nanos: int, budget: int) -> float:
    """100 for nothing, 50 for the whole budget, 0 above it."""
    if nanos <= 0:
        return 100.0
    return round(100 - 50 * nanos / budget, 4) if nanos <= budget else 0.0


def _record(record: Record) -> tuple[float, float]:
    """Success rate and seconds, drawn towards the prior while there are few calls.

    Feedback counts as so many calls more, as good as it says.
    """
    good = record.successes + record.feedback * (record.satisfaction or 0.0)
    rate = (good + PRIOR_CALLS * PRIOR_SUCCESS) / (record.calls + record.feedback + PRIOR_CALLS)
    if record.seconds is None:
        return round(rate, 4), PRIOR_SECONDS
    seconds = (record.seconds * record.successes + PRIOR_SECONDS * PRIOR_CALLS) / (
        record.successes + PRIOR_CALLS
    )
    return round(rate, 4), round(seconds, 4)


def _history(rate: float, seconds: float, speed_share: float) -> float:
    speed = HALF_SPEED_SECONDS / (HALF_SPEED_SECONDS + seconds)
    return round(100 * ((1 - speed_share) * rate + speed_share * speed), 4)
