"""Which providers may take a task, and whether it may be submitted at all."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.flow.admit import MAX_DELAY, admit
from orchestrator.flow.fit import Terms
from orchestrator.flow.route import route
from schemas.errors import InvalidRequest, NoProvider
from schemas.providers import Candidate, Provider, Vendor, Wire
from schemas.routing import Offer, RoutingConfig
from schemas.tasks import TASK_REQUEST, TaskRequest

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ["alpha", "beta", "gamma", "delta"]
SOME = st.lists(st.sampled_from(NAMES), max_size=4)


def request(kind: str = "generate_code", **fields: Any) -> TaskRequest:
    context = {"diff": "@@ -1 +1 @@\n-a\n+b\n"} if kind == "review_code" else {"description": "d"}
    return TASK_REQUEST.validate_python({"kind": kind, "context": context} | fields)


def offer(number: int, *, paused: bool = False) -> Offer:
    provider = Provider(
        id=UUID(int=number),
        name=NAMES[number],
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url="http://x",
        model=f"model-{number}",
        credential="none",
    )
    return Offer(provider, paused, position=10 - number)


ALL = tuple(offer(number) for number in range(4))


def routed(task: TaskRequest, offers: tuple[Offer, ...] = ALL) -> tuple[Candidate, ...]:
    return route(task, offers, Terms(RoutingConfig(), 1_000, NOW)).candidates


def names(offers: tuple[Offer, ...] = ALL, **preferences: Any) -> list[str]:
    return [each.name for each in routed(request(preferences=preferences), offers)]


def test_without_wishes_the_configured_order_decides() -> None:
    assert names() == ["delta", "gamma", "beta", "alpha"]


def test_preferred_providers_come_first_in_the_given_order() -> None:
    assert names(preferred=["alpha", "gamma"]) == ["alpha", "gamma", "delta", "beta"]


def test_only_the_named_providers_are_taken() -> None:
    assert names(providers=["alpha", "beta"]) == ["beta", "alpha"]


def test_excluded_and_paused_providers_are_left_out() -> None:
    assert names((offer(0), offer(1, paused=True), offer(2)), excluded=["gamma"]) == ["alpha"]


@pytest.mark.parametrize("field", ["providers", "preferred", "excluded"])
def test_a_provider_that_is_not_configured_is_an_error_that_names_the_field(field: str) -> None:
    with pytest.raises(NoProvider, match="'omega'") as raised:
        names(ALL, **{field: ["omega"]})
    assert raised.value.errors[0].field == f"preferences.{field}"


def test_nobody_left_is_an_error() -> None:
    with pytest.raises(NoProvider, match=r"alpha is among .*; beta is among"):
        names(excluded=NAMES)
    with pytest.raises(NoProvider, match="No provider is configured"):
        names(())


def test_the_submitters_model_is_asked_for_everywhere() -> None:
    assert {each.model for each in routed(request(preferences={"model": "m"}))} == {"m"}
    assert routed(request())[0].model == "model-3"


@given(SOME, SOME, st.one_of(st.none(), SOME))
def test_candidates_are_those_that_fit_each_once(
    preferred: list[str], excluded: list[str], only: list[str] | None
) -> None:
    fitting = {name for name in NAMES if name not in excluded and (only is None or name in only)}
    try:
        found = names(preferred=preferred, excluded=excluded, providers=only)
    except NoProvider:
        assert not fitting
        return
    assert set(found) == fitting
    assert len(found) == len(fitting)


def faults(task: TaskRequest) -> list[str]:
    try:
        admit(task, NOW)
    except InvalidRequest as error:
        return [each.field for each in error.errors]
    return []


@pytest.mark.parametrize(
    ("run_at", "deadline", "expected"),
    [
        (None, None, []),
        (timedelta(days=-5), None, []),
        (timedelta(days=89), None, []),
        (timedelta(days=91), None, ["run_at"]),
        (None, timedelta(seconds=1), []),
        (None, timedelta(0), ["deadline"]),
        (None, timedelta(days=-1), ["deadline"]),
        (timedelta(hours=2), timedelta(hours=1), ["deadline"]),
        (timedelta(hours=2), timedelta(hours=3), []),
        (None, MAX_DELAY + timedelta(seconds=1), ["deadline"]),
        (timedelta(days=-5), timedelta(hours=1), []),
    ],
)
def test_times_that_make_no_sense_are_refused(
    run_at: timedelta | None, deadline: timedelta | None, expected: list[str]
) -> None:
    times = {
        "run_at": NOW + run_at if run_at is not None else None,
        "deadline": NOW + deadline if deadline is not None else None,
    }
    assert faults(request("generate_code", **times)) == expected


@pytest.mark.parametrize(
    ("kind", "level", "fits"),
    [
        ("generate_code", "syntax", True),
        ("generate_code", "anchored", False),
        ("generate_code", "lint", True),
        ("generate_code", "criteria", False),
        ("generate_code", "tests", False),
        ("review_code", "anchored", True),
        ("review_code", "syntax", False),
    ],
)
def test_a_verification_level_must_be_one_that_the_kind_offers(kind: str, level: str, fits: bool) -> None:
    found = faults(request(kind, preferences={"verification_level": level}))
    assert found == ([] if fits else ["preferences.verification_level"])


def test_a_level_needs_what_it_is_held_against_and_tests_need_the_operator() -> None:
    context = {
        "description": "Do it.",
        "acceptance_criteria": ["It works"],
        "constraints": {"tests": ["pytest", "-q"]},
    }
    wanted = request("generate_code", context=context, preferences={"verification_level": "tests"})
    assert faults(wanted) == ["context.constraints.tests"]
    admit(wanted, NOW, tests=True)
    judged = request(
        "generate_code", context=context | {"constraints": {}}, preferences={"verification_level": "criteria"}
    )
    assert faults(judged) == []
