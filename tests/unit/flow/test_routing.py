"""Strategies and filters: nobody who was left out is chosen, and the explanation is the choice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue.models import Model, describe
from orchestrator.flow.rank import Chance, Contender, rank
from orchestrator.flow.route import Route, Terms, route
from schemas.errors import NoProvider
from schemas.providers import Provider, Vendor, Wire
from schemas.routing import (
    FilterReason,
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


def reasons(task: TaskRequest, *offers: Offer, **given: Any) -> dict[str, str]:
    spare = offer(9, *LUNA)
    found = routed(task, (*offers, spare), **given).explanation["filtered"]
    return {each["provider"]: each["reason"] for each in found}


@pytest.mark.parametrize(
    ("preferences", "given", "reason"),
    [
        ({"providers": ["p9"]}, {}, FilterReason.NOT_NAMED),
        ({"excluded": ["p0"]}, {}, FilterReason.EXCLUDED),
        ({}, {"paused": True}, FilterReason.PAUSED),
        ({}, {"credential": " "}, FilterReason.NO_CREDENTIAL),
        ({"max_cost_usd": "0.01"}, {}, FilterReason.MAX_COST),
    ],
)
def test_each_filter_says_whom_it_took_away(
    preferences: dict[str, Any], given: dict[str, Any], reason: FilterReason
) -> None:
    dear = offer(0, Vendor.OPENAI, "gpt-6-astra", **given)
    assert reasons(request(**preferences), dear) == {"p0": reason}


def test_a_task_that_does_not_fit_into_the_context_goes_elsewhere() -> None:
    small = offer(0, Vendor.OPENAI, "gpt-4o")
    assert reasons(request(), small, tokens=111_000) == {}
    assert reasons(request(), small, tokens=112_000) == {"p0": FilterReason.CONTEXT}
    assert reasons(request(max_tokens=100), small, tokens=127_900) == {}
    assert reasons(request(), offer(0, Vendor.OPENAI, "gpt-5"), tokens=272_001) == {
        "p0": FilterReason.CONTEXT
    }


def test_a_task_whose_files_can_be_cut_to_fit_is_taken_for_fewer_points() -> None:
    small, large = offer(0, Vendor.OPENAI, "gpt-4o"), offer(1, Vendor.OPENAI, "gpt-5")
    terms = Terms(RoutingConfig(), 200_000, NOW, least_tokens=9_000)
    found = route(request(), (small, large), terms)
    points = {each["provider"]: each["capability"]["context"] for each in found.explanation["candidates"]}
    assert points == {"p0": 0, "p1": 100}


def test_a_model_of_unknown_size_is_not_refused_but_earns_no_points_for_it() -> None:
    found = routed(request(), (offer(0, Vendor.CUSTOM, "nobody-knows"),), tokens=5_000_000)
    assert found.explanation["candidates"][0]["capability"]["context"] == 0


def test_a_vendor_that_can_not_review_gets_no_reviews() -> None:
    copilot = offer(0, Vendor.COPILOT, "copilot")
    assert reasons(request("review_code"), copilot) == {"p0": FilterReason.CAPABILITY}
    assert reasons(request("fix_bug"), copilot) == {}


def test_a_model_that_does_not_know_the_language_is_left_out() -> None:
    def lookup(vendor: Vendor, name: str) -> Model:
        return replace(describe(vendor, name), languages=frozenset({"python"}))

    terms = Terms(RoutingConfig(), 100, NOW)
    assert route(request(language="Python"), THREE, terms, lookup).candidates
    with pytest.raises(NoProvider) as raised:
        route(request(language="COBOL"), THREE, terms, lookup)
    assert {error.field for error in raised.value.errors} == {"context.constraints.language"}


def test_where_nobody_is_left_each_provider_is_told_with_its_reason_and_field() -> None:
    offers = (offer(0, *SOL, paused=True), offer(1, Vendor.OPENAI, "gpt-4o"), offer(2, *LUNA))
    with pytest.raises(NoProvider, match="p0 is paused; p1 gpt-4o holds 128,000 tokens") as raised:
        names(request(excluded=["p2"]), offers, tokens=200_000)
    told = [(error.field, error.code) for error in raised.value.errors]
    assert told == [("provider", "paused"), ("context", "context"), ("preferences.excluded", "excluded")]


def test_what_a_provider_used_to_answer_enters_its_estimate() -> None:
    usual, talkative = offer(0, *SOL), offer(1, *SOL, record=Record(50, 50, 20.0, 16_000.0))
    costs = {
        each["provider"]: float(each["estimated_cost_usd"])
        for each in routed(request(), (usual, talkative)).explanation["candidates"]
    }
    assert costs["p1"] > 4 * costs["p0"]
