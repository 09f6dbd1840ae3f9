"""Appraise: what an experiment has shown so far, arm by arm, beside its first arm as the control. Pure."""

from collections.abc import Mapping
from typing import assert_never

from orchestrator.catalogue.significance import Mean, Proportion
from orchestrator.flow.compare import compare
from orchestrator.store.views import ArmOutcome
from schemas.calls import dollars
from schemas.experiments import Arm, ArmResult, Comparison, ExperimentReport, ExperimentView, Metric

NANOS = 1_000_000_000


def appraise(experiment: ExperimentView, outcomes: Mapping[str, ArmOutcome]) -> ExperimentReport:
    """The experiment with the results of its arms; an arm without tasks has results of nothing."""
    found = [outcomes.get(arm.name) or ArmOutcome(arm.name) for arm in experiment.arms]
    control = _measured(experiment.metric, found[0])
    comparisons: list[Comparison | None] = [None]
    for each in found[1:]:
        arm = _measured(experiment.metric, each)
        comparisons.append(compare(experiment.metric, control, arm, len(found) - 1))
    results = [
        _result(arm, outcome, comparison)
        for arm, outcome, comparison in zip(experiment.arms, found, comparisons, strict=True)
    ]
    return ExperimentReport(
        **dict(experiment), results=results, sampled=sum(outcome.assigned for outcome in outcomes.values())
    )


def _measured(metric: Metric, outcome: ArmOutcome) -> Proportion | Mean:
    """What an arm is compared by: money in dollars, times in seconds."""
    match metric:
        case Metric.SUCCESS_RATE:
            return Proportion(outcome.succeeded, outcome.samples)
        case Metric.ACCEPTED:
            return Proportion(outcome.accepted, outcome.rated)
        case Metric.COST:
            variance = (outcome.nanos_variance or 0.0) / NANOS**2
            return Mean((outcome.nanos or 0.0) / NANOS, variance, outcome.samples)
        case Metric.LATENCY:
            return Mean(outcome.seconds or 0.0, outcome.seconds_variance or 0.0, outcome.succeeded)
        case _ as never:
            assert_never(never)


def _result(arm: Arm, outcome: ArmOutcome, comparison: Comparison | None) -> ArmResult:
    return ArmResult(
        arm=arm.name,
        weight=arm.weight,
        assigned=outcome.assigned,
        open=outcome.open,
        canceled=outcome.canceled,
        contaminated=outcome.contaminated,
        samples=outcome.samples,
        succeeded=outcome.succeeded,
        success_rate=_share(outcome.succeeded, outcome.samples),
        mean_cost_usd=None if outcome.nanos is None else dollars(round(outcome.nanos)),
        mean_seconds=None if outcome.seconds is None else round(outcome.seconds, 3),
        rated=outcome.rated,
        accepted_rate=_share(outcome.accepted, outcome.rated),
        comparison=comparison,
    )


def _share(good: int, count: int) -> float | None:
    return round(good / count, 4) if count else None
