"""Strategies: nobody who was left out is chosen, and the explanation is the choice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.flow.fit import Terms
from orchestrator.flow.rank import Chance, Contender, rank
from orchestrator.flow.route import Route, route
from schemas.errors import NoProvider
from schemas.providers import Provider, Vendor, Wire
from schemas.routing import (
    Offer,
    Record,
    RouteExplanation,
    RoutingConfig,
    SpeedPriority,
    Strategy,
    Weights,
)
from schemas.tasks import TASK_REQUEST, TaskRequest

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
MODELS = [
    (Vendor.OPENAI, "gpt-6.1-sol"), (Vendor.OPENAI, "gpt-6-luna"), (Vendor.ANTHROPIC, "claude-sonnet-5-5"),
    (Vendor.GOOGLE, "gemini-3.8-flash"), (Vendor.OLLAMA, "llama3"), (Vendor.CUSTOM, "nobody-knows"),
    (Vendor.OPENAI, "gpt-4.1-nano"), (Vendor.COPILOT, "copilot"),
]  # fmt: skip
SHARES = st.dictionaries(st.sampled_from([f"p{number}" for number in range(8)]), st.integers(1, 100))


def request(kind: str = "generate_code", language: str | None = None, **preferences: Any) -> TaskRequest:
    context: dict[str, Any] = {"description": "d"}
    if kind == "review_code":
        context = {"diff": "@@ -1 +1 @@\n-a\n+b\n"}
    if kind == "fix_bug":
        context["files"] = [{"path": "a.py", "content": "x"}]
    if language:
        context["constraints"] = {"language": language}
    return TASK_REQUEST.validate_python({"kind": kind, "context": context, "preferences": preferences})


def offer(
    number: int,
    vendor: Vendor,
    model: str,
    *,
    credential: str = "env:KEY",
    simulated: bool = False,
    concurrency_limit: int | None = None,
    **given: Any,
) -> Offer:
    provider = Provider(
        id=UUID(int=number + 1),
        name=f"p{number}",
        vendor=vendor,
        wire=Wire.OPENAI_CHAT,
        base_url="http://x",
        model=model,
        credential=credential,
        simulated=simulated,
        concurrency_limit=concurrency_limit,
    )
    return replace(Offer(provider, paused=False, position=number), **given)


RECORDS = st.integers(0, 50).flatmap(
    lambda calls: st.builds(
        Record,
        st.just(calls),
        st.integers(0, calls),
        st.one_of(st.none(), st.floats(0.1, 300)),
        st.one_of(st.none(), st.floats(1, 30_000)),
    )
)
OFFERS = st.lists(
    st.tuples(st.sampled_from(MODELS), st.booleans(), RECORDS, st.integers(0, 40)), min_size=1, max_size=8
).map(
    lambda drawn: tuple(
        offer(number, *model, paused=paused, record=record, in_flight=running)
        for number, (model, paused, record, running) in enumerate(drawn)
    )
)
TASKS = st.builds(
    request,
    st.sampled_from(["generate_code", "fix_bug", "review_code"]),
    strategy=st.one_of(st.none(), st.sampled_from(Strategy)),
    excluded=st.lists(st.just("p0"), max_size=1),
    max_cost_usd=st.one_of(st.none(), st.sampled_from(["0", "0.01", "1"])),
    speed_priority=st.sampled_from(SpeedPriority),
)
CHANCES = st.builds(Chance, st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))


def routed(
    task: TaskRequest,
    offers: tuple[Offer, ...],
    config: RoutingConfig | None = None,
    *,
    tokens: int = 2_000,
    chance: Chance | None = None,
) -> Route:
    return route(task, offers, Terms(config or RoutingConfig(), tokens, NOW, chance or Chance()))


def names(*given: Any, **more: Any) -> list[str]:
    return [each.name for each in routed(*given, **more).candidates]


@given(OFFERS, TASKS, CHANCES, st.one_of(st.just({}), SHARES))
def test_the_explanation_reproduces_the_choice(
    offers: tuple[Offer, ...], task: TaskRequest, chance: Chance, shares: dict[str, int]
) -> None:
    try:
        found = routed(task, offers, RoutingConfig(shares=shares), chance=chance)
    except NoProvider:
        return
    told = RouteExplanation.model_validate_json(RouteExplanation(**found.explanation).model_dump_json())
    weights = told.weights
    for each in told.candidates:
        parts = each.parts
        total = (
            weights.capability * parts.capability
            + weights.cost * parts.cost
            + weights.history * parts.history
            + weights.preference * parts.preference
        ) / 100
        assert each.score == pytest.approx(total, abs=1e-3)
    again = rank(
        told.strategy,
        [
            Contender(
                index, each.provider, each.vendor, each.model, each.score, nanos(each.estimated_cost_usd),
                each.free, each.expected_seconds, each.position, None, each.share, each.in_flight, each.gate,
                False, each.retired,
            )
            for index, each in enumerate(sorted(told.candidates, key=lambda each: each.provider))
        ],
        Chance(told.turn, told.draw),
    )  # fmt: skip
    assert [each.provider for each in again] == [each.name for each in found.candidates]
    everyone = {each.provider for each in told.candidates} | {each.provider for each in told.filtered}
    assert everyone == {each.provider.name for each in offers}
    assert len(told.candidates) + len(told.filtered) == len(offers)


def nanos(usd: str) -> int:
    return round(float(usd) * 1e9)


@given(OFFERS, TASKS, CHANCES)
def test_no_strategy_takes_one_that_a_filter_took_away(
    offers: tuple[Offer, ...], task: TaskRequest, chance: Chance
) -> None:
    refused = {
        each.provider.name
        for each in offers
        if each.paused or each.provider.name in task.preferences.excluded
    }
    if task.kind == "review_code":
        refused |= {each.provider.name for each in offers if each.provider.vendor is Vendor.COPILOT}
    try:
        found = set(names(task, offers, chance=chance))
    except NoProvider:
        return
    assert not found & refused


@given(OFFERS, TASKS, CHANCES)
def test_a_route_is_the_same_for_the_same_inputs(
    offers: tuple[Offer, ...], task: TaskRequest, chance: Chance
) -> None:
    try:
        first = routed(task, offers, chance=chance)
    except NoProvider:
        return
    assert routed(task, offers, chance=chance) == first


SOL, LUNA, SONNET = MODELS[0], MODELS[1], MODELS[2]
THREE = (offer(0, *SOL), offer(1, *LUNA), offer(2, *SONNET))


def test_round_robin_is_even_within_one_percent() -> None:
    task = request(strategy="round_robin")
    firsts = Counter(names(task, THREE, chance=Chance(turn))[0] for turn in range(2_000))
    assert set(firsts) == {"p0", "p1", "p2"}
    assert max(firsts.values()) - min(firsts.values()) <= 20


def test_weighted_draws_by_shares() -> None:
    config = RoutingConfig(strategy=Strategy.WEIGHTED, shares={"p0": 1, "p2": 3})
    firsts = Counter(
        names(request(), THREE, config, chance=Chance(0, number / 1_000))[0] for number in range(1_000)
    )
    assert firsts == {"p0": 250, "p2": 750}


def test_cheapest_takes_the_free_first_then_by_price() -> None:
    offers = (*THREE, offer(3, Vendor.OLLAMA, "llama3"))
    assert names(request(strategy="cheapest"), offers)[:2] == ["p3", "p1"]


def test_a_model_without_a_known_price_is_the_dearest() -> None:
    offers = (offer(0, Vendor.CUSTOM, "nobody-knows"), *THREE[1:])
    assert names(request(strategy="cheapest"), offers)[-1] == "p0"


def test_fastest_goes_by_what_calls_really_took() -> None:
    quick = replace(THREE[2], record=Record(50, 50, 0.5))
    slow = replace(THREE[0], record=Record(50, 50, 90.0))
    assert names(request(strategy="fastest"), (slow, THREE[1], quick)) == ["p2", "p1", "p0"]


def test_preferred_ones_come_first_and_without_a_strategy_that_is_meant() -> None:
    assert names(request(preferred=["p2", "p1"]), THREE) == ["p2", "p1", "p0"]
    assert routed(request(preferred=["p2"]), THREE).explanation["strategy"] == "preferred"


def test_fixed_keeps_the_named_order_and_ignores_scores() -> None:
    assert names(request(strategy="fixed", providers=["p2", "p0"]), THREE) == ["p2", "p0"]
    assert names(request(strategy="fixed"), THREE) == ["p0", "p1", "p2"]


def test_a_failing_provider_loses_its_place_to_one_that_is_as_able() -> None:
    failing = offer(0, *SOL, record=Record(50, 5, 10.0))
    sound = offer(1, Vendor.ANTHROPIC, "claude-opus-5-5", record=Record(50, 50, 10.0))
    assert names(request(), (failing, sound))[0] == "p1"


def test_the_tenants_strategy_holds_unless_the_task_names_one() -> None:
    config = RoutingConfig(strategy=Strategy.CHEAPEST)
    told = [routed(task, THREE, config).explanation for task in (request(), request(strategy="fastest"))]
    assert [(each["strategy"], each["chosen_by"]) for each in told] == [
        ("cheapest", "tenant"),
        ("fastest", "task"),
    ]
    assert routed(request(), THREE).explanation["chosen_by"] == "default"


def test_a_tenants_weights_change_the_order() -> None:
    money = Weights(capability=0, cost=100, history=0, preference=0)
    assert names(request(), THREE)[0] == "p0"
    assert names(request(), THREE, RoutingConfig(weights=money))[0] == "p1"


TWINS = (offer(0, *SOL), offer(1, *SOL), offer(2, *LUNA))


def test_accounts_of_one_vendor_take_turns() -> None:
    firsts = Counter(names(request(), TWINS, chance=Chance(turn))[0] for turn in range(100))
    assert firsts == {"p0": 50, "p1": 50}
    assert all(names(request(), TWINS, chance=Chance(turn))[2] == "p2" for turn in range(10))


@pytest.mark.parametrize(
    "burden",
    [{"gate": "rate_limited"}, {"in_flight": 40}, {"in_flight": 4, "concurrency_limit": 4}],
    ids=["cooling down", "busy", "full"],
)
def test_an_account_without_headroom_leaves_the_first_place_to_its_twin(burden: dict[str, Any]) -> None:
    offers = (offer(0, *SOL, **burden), *TWINS[1:])
    assert {names(request(), offers, chance=Chance(turn))[0] for turn in range(10)} == {"p1"}


def test_an_account_that_fails_is_no_twin_any_more() -> None:
    offers = (offer(0, *SOL, record=Record(50, 5)), *TWINS[1:])
    assert {names(request(), offers, chance=Chance(turn))[0] for turn in range(10)} == {"p1"}


def test_a_model_that_its_maker_has_shut_down_is_tried_last_there_and_nowhere_else() -> None:
    gone = (offer(0, Vendor.OPENAI, "gpt-4.1-nano"), offer(1, Vendor.CUSTOM, "nobody-knows"))
    assert names(request(), gone) == ["p1", "p0"]
    assert names(request(strategy="fixed"), gone) == ["p0", "p1"]
    elsewhere = (offer(0, Vendor.AZURE, "gpt-4.1-nano"), gone[1])
    assert names(request(), elsewhere)[0] == "p0"
    played = (offer(0, Vendor.OPENAI, "gpt-4.1-nano", simulated=True), gone[1])
    assert names(request(), played)[0] == "p0"
