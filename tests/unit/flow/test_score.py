"""Scores: a better provider never scores less, in any part."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue.models import Capability, Model, describe
from orchestrator.flow.score import Facts, score
from schemas.providers import Vendor
from schemas.routing import Record, SpeedPriority, Weights

WEIGHTS = Weights()


def facts(**given: Any) -> Facts:
    usual = Facts(
        model=describe(Vendor.OPENAI, "gpt-6-luna"),
        fits=True,
        cost=1_000_000,
        budget=100_000_000,
        record=Record(20, 15, 10.0),
        speed_priority=SpeedPriority.BALANCED,
        preference=50.0,
    )
    return usual._replace(**given)


def stronger(strength: int) -> Model:
    return replace(describe(Vendor.OPENAI, "gpt-6-luna"), strengths=dict.fromkeys(Capability, strength))


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_stronger_model_never_scores_less(first: int, second: int) -> None:
    low, high = sorted((first, second))
    assert score(facts(model=stronger(low)), WEIGHTS) <= score(facts(model=stronger(high)), WEIGHTS)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_dearer_call_never_scores_more(first: int, second: int, budget: int) -> None:
    low, high = sorted((first, second))
    cheap, dear = (score(facts(cost=cost, budget=budget), WEIGHTS) for cost in (low, high))
    assert cheap.total >= dear.total
    assert 0 <= dear.cost <= cheap.cost <= 100
    assert dear.cost == 0 or dear.cost >= 50


@given(st.integers(1, 50), st.data(), st.sampled_from(SpeedPriority))
def test_more_successes_never_score_less(calls: int, data: st.DataObject, speed: SpeedPriority) -> None:
    low, high = sorted(data.draw(st.lists(st.integers(0, calls), min_size=2, max_size=2)))
    worse, better = (
        score(facts(record=Record(calls, good, None), speed_priority=speed), WEIGHTS) for good in (low, high)
    )
    assert worse.history <= better.history
    assert worse.total <= better.total


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50))
def test_better_feedback_never_scores_less(first: float, second: float, pieces: int) -> None:
    low, high = sorted((first, second))
    worse, better = (
        score(facts(record=Record(20, 15, 10.0, None, pieces, satisfaction)), WEIGHTS)
        for satisfaction in (low, high)
    )
    assert worse.history <= better.history


def test_feedback_counts_as_a_call_that_was_as_good_as_it_says() -> None:
    by_calls = score(facts(record=Record(20, 15)), WEIGHTS)
    by_feedback = score(facts(record=Record(10, 10, None, None, 10, 0.5)), WEIGHTS)
    assert by_feedback.success_rate == by_calls.success_rate


@given(st.floats(0, 3_600), st.floats(0, 3_600), st.sampled_from(SpeedPriority))
def test_a_slower_provider_never_scores_more(first: float, second: float, speed: SpeedPriority) -> None:
    low, high = sorted((first, second))
    quick, slow = (
        score(facts(record=Record(20, 20, seconds), speed_priority=speed), WEIGHTS) for seconds in (low, high)
    )
    assert quick.total >= slow.total


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_preferred_provider_never_scores_less(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert score(facts(preference=low), WEIGHTS).total <= score(facts(preference=high), WEIGHTS).total


def test_the_parts_of_the_capability_count_thirty_thirty_twenty_twenty() -> None:
    strengths = {Capability.GENERATION: 100, Capability.FIXING: 50, Capability.REVIEW: 10}
    model = replace(describe(Vendor.OPENAI, "gpt-6-luna"), strengths=dict.fromkeys(Capability, 0) | strengths)
    assert score(facts(model=model), WEIGHTS).capability == 30 + 15 + 2 + 20
    assert score(facts(model=model, fits=None), WEIGHTS).capability == 30 + 15 + 2


def test_the_cost_part_is_a_hundred_for_nothing_and_fifty_for_the_whole_budget() -> None:
    shown = [score(facts(cost=cost, budget=100), WEIGHTS).cost for cost in (0, 50, 100, 101)]
    assert shown == [100, 75, 50, 0]


def test_weights_that_make_no_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 100"):
        Weights(capability=50)
