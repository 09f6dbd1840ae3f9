"""Experiments: who is given to which arm, and what an arm makes of a route."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.flow.assign import _arm_of as arm_of
from orchestrator.flow.assign import assign
from orchestrator.flow.fit import Terms
from orchestrator.flow.rank import Chance
from orchestrator.flow.route import Route, route
from schemas.experiments import Arm, ExperimentView
from schemas.providers import Vendor
from schemas.routing import Offer, RouteExplanation, RoutingConfig
from schemas.tasks import TASK_REQUEST, TaskRequest
from tests.unit.flow.test_routing import offer

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
OFFERS = (
    offer(0, Vendor.OPENAI, "gpt-6-luna"),
    offer(1, Vendor.ANTHROPIC, "claude-sonnet-5-5"),
    offer(2, Vendor.OPENAI, "gpt-6.1-sol"),
)


def arm(name: str, **fields: Any) -> Arm:
    return Arm.model_validate({"name": name} | fields)


def experiment(*arms: Arm, number: int = 1, **fields: Any) -> ExperimentView:
    usual = {
        "id": UUID(int=number), "name": f"e{number}", "status": "running", "metric": "success_rate",
        "kinds": None, "label": None, "arms": list(arms), "created_at": NOW, "updated_at": NOW,
        "ended_at": None,
    }  # fmt: skip
    return ExperimentView.model_validate(usual | fields)


def task(**fields: Any) -> TaskRequest:
    return TASK_REQUEST.validate_python({"kind": "generate_code", "context": {"description": "d"}} | fields)


def routed(
    asked: TaskRequest, *experiments: ExperimentView, offers: tuple[Offer, ...] = OFFERS, unit: str = "t"
) -> Route:
    return route(asked, offers, Terms(RoutingConfig(), 2_000, NOW, Chance(), None, experiments, unit))


def told(found: Route) -> RouteExplanation:
    return RouteExplanation.model_validate(found.explanation)


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=50), st.lists(st.integers(0, 1000), min_size=2, max_size=10).filter(any))
def test_a_unit_always_falls_on_the_same_arm_and_never_on_one_without_weight(
    unit: str, weights: list[int]
) -> None:
    arms = [arm(f"a{index}", weight=weight) for index, weight in enumerate(weights)]
    found = arm_of(arms, unit)
    assert found == arm_of(list(arms), unit)
    assert found.weight > 0


def test_arms_get_their_share() -> None:
    arms = [arm("a", weight=1), arm("b", weight=3)]
    counts = Counter(arm_of(arms, f"unit-{number}").name for number in range(4000))
    assert counts["b"] == pytest.approx(3000, abs=100)


def test_the_hash_is_the_same_in_every_release() -> None:
    arms = [arm("a"), arm("b"), arm("c")]
    assert [arm_of(arms, f"unit-{number}").name for number in range(8)] == list("bcbbaccc")


def test_a_session_stays_with_its_arm_and_a_task_goes_by_itself() -> None:
    made = experiment(arm("a"), arm("b"))
    sessions = {
        str(assign(task(session_id="s-1"), [made], f"task-{number}")[1:])  # type: ignore[index]
        for number in range(20)
    }
    assert len(sessions) == 1
    alone = {assign(task(), [made], f"task-{number}").arm.name for number in range(50)}  # type: ignore[union-attr]
    assert alone == {"a", "b"}


def test_experiments_are_independent_of_each_other() -> None:
    first, second = (experiment(arm("a"), arm("b"), number=number) for number in (1, 2))
    pairs = Counter(
        tuple(assign(task(), [each], f"task-{number}").arm.name for each in (first, second))  # type: ignore[union-attr]
        for number in range(2000)
    )
    assert all(count == pytest.approx(500, abs=90) for count in pairs.values())
    assert len(pairs) == 4


@pytest.mark.parametrize(
    ("filters", "asked", "is_in"),
    [
        ({}, {}, True),
        ({"kinds": ["fix_bug"]}, {}, False),
        ({"kinds": ["generate_code", "fix_bug"]}, {}, True),
        ({"label": "nightly"}, {}, False),
        ({"label": "nightly"}, {"labels": ["a", "nightly"]}, True),
        ({}, {"preferences": {"strategy": "cheapest"}}, False),
        ({}, {"preferences": {"model": "m"}}, False),
        ({}, {"preferences": {"providers": ["p0"]}}, False),
        ({}, {"preferences": {"preferred": ["p0"]}}, False),
        ({}, {"preferences": {"excluded": ["p0"], "max_cost_usd": "1"}}, True),
    ],
)
def test_a_task_is_in_what_fits_it_and_leaves_its_way_open(
    filters: dict[str, Any], asked: dict[str, Any], is_in: bool
) -> None:
    made = experiment(arm("a"), arm("b"), **filters)
    assert (assign(task(**asked), [made], "t") is not None) is is_in


def test_the_first_experiment_that_fits_takes_a_task() -> None:
    first = experiment(arm("a"), arm("b"), number=1, label="x")
    second, third = (experiment(arm("a"), arm("b"), number=number) for number in (2, 3))
    found = assign(task(), [first, second, third], "t")
    assert found is not None
    assert found.experiment.name == "e2"


def test_an_arm_puts_its_provider_first_and_the_others_stay_as_fallback() -> None:
    usual = routed(task())
    for name in ("p0", "p1", "p2"):
        found = routed(task(), experiment(arm("a", provider=name), arm("b", weight=0)))
        rest = [each.name for each in usual.candidates if each.name != name]
        assert [each.name for each in found.candidates] == [name, *rest]
        assert told(found).experiment is not None
        assert told(found).experiment.model_dump() == {  # type: ignore[union-attr]
            "id": UUID(int=1), "name": "e1", "arm": "a", "sticky_by": "task", "applied": True,
            "providers": [name],
        }  # fmt: skip


def test_an_arm_asks_its_provider_for_its_model_and_the_others_for_theirs() -> None:
    made = experiment(arm("a", provider="p0", model="gpt-6.1-sol"), arm("b", weight=0))
    found = routed(task(), made)
    assert {each.name: each.model for each in found.candidates} == {
        "p0": "gpt-6.1-sol", "p1": "claude-sonnet-5-5", "p2": "gpt-6.1-sol",
    }  # fmt: skip


def test_a_model_alone_means_those_whose_own_it_is() -> None:
    for number, model in enumerate(("gpt-6-luna", "claude-sonnet-5-5", "gpt-6.1-sol")):
        found = routed(task(), experiment(arm("a", model=model), arm("b", weight=0)))
        assert (found.candidates[0].name, found.candidates[0].model) == (f"p{number}", model)


def test_an_arms_strategy_takes_the_place_of_the_tenants() -> None:
    found = told(routed(task(), experiment(arm("a", strategy="cheapest"), arm("b", weight=0))))
    assert (found.strategy, found.chosen_by) == ("cheapest", "experiment")
    assert found.candidates[0].provider == "p0"


def test_a_control_routes_as_usual_and_says_that_it_is_one() -> None:
    found = routed(task(), experiment(arm("control"), arm("b", weight=0)))
    assert found.candidates == routed(task()).candidates
    assert told(found).experiment is not None
    assert told(found).chosen_by == "default"


def test_an_arm_that_nobody_can_take_leaves_the_route_as_it_is() -> None:
    paused = (offer(0, Vendor.OPENAI, "gpt-6-luna", credential=" "), *OFFERS[1:])
    for fields in ({"provider": "p0"}, {"provider": "gone"}, {"model": "nobody-has-it"}):
        found = routed(task(), experiment(arm("a", **fields), arm("b", weight=0)), offers=paused)
        assert found.candidates == routed(task(), offers=paused).candidates
        assert told(found).experiment is not None
        assert told(found).experiment.applied is False  # type: ignore[union-attr]


def test_an_arm_never_makes_a_task_impossible() -> None:
    alone = (offer(0, Vendor.OPENAI, "gpt-6-luna"),)
    short = experiment(arm("a", provider="p0", model="gpt-3.5-turbo"), arm("b", weight=0))
    big = TASK_REQUEST.validate_python({"kind": "generate_code", "context": {"description": "d"}})
    terms = Terms(RoutingConfig(), 150_000, NOW, Chance(), None, (short,), "t")
    found = route(big, alone, terms)
    assert [each.model for each in found.candidates] == ["gpt-6-luna"]


def test_a_task_in_no_experiment_says_nothing_of_any() -> None:
    assert "experiment" not in routed(task()).explanation
    assert told(routed(task())).experiment is None
