"""Compare: what an arm's samples say beside the control's. Pure.

Nothing is called better or worse on few samples, and the 5 % are divided among the arms.
"""

from typing import Final

from orchestrator.catalogue.significance import LEVEL, Finding, Mean, Proportion, two_proportions, welch
from schemas.experiments import Comparison, Metric, Verdict

FEWEST: Final = 30
"""Samples of each arm that a verdict needs."""

FEWEST_OF_A_KIND: Final = 5
"""Good ones and bad ones that two proportions need in each arm, as expected if both were alike."""

_LOWER_IS_BETTER: Final = frozenset({Metric.COST, Metric.LATENCY})


def compare(
    metric: Metric, control: Proportion | Mean, arm: Proportion | Mean, comparisons: int
) -> Comparison | None:
    """An arm against the control, one of so many comparisons; None where nothing can be said yet."""
    if isinstance(control, Proportion) and isinstance(arm, Proportion):
        found, enough = two_proportions(control, arm), _enough(control, arm)
    elif isinstance(control, Mean) and isinstance(arm, Mean):
        found, enough = welch(control, arm), min(control.size, arm.size) >= FEWEST
    else:
        raise TypeError("an arm and the control are measured alike")
    if found is None:
        return None
    return Comparison(
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        confidence=1 - found.p_value,
        enough=enough,
        verdict=_verdict(metric, found, enough=enough, level=LEVEL / comparisons),
    )


def _enough(control: Proportion, arm: Proportion) -> bool:
    fewest = min(control.size, arm.size)
    pooled = (control.good + arm.good) / max(1, control.size + arm.size)
    return fewest >= FEWEST and fewest * min(pooled, 1 - pooled) >= FEWEST_OF_A_KIND


def _verdict(metric: Metric, found: Finding, *, enough: bool, level: float) -> Verdict:
    if not enough or found.p_value >= level or not found.difference:
        return Verdict.UNDECIDED
    lower = found.difference < 0
    return Verdict.BETTER if lower is (metric in _LOWER_IS_BETTER) else Verdict.WORSE
