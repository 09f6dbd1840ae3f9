"""Filters: each says whom it took away, and why; what is left fits the task."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.catalogue.abilities import takes
from orchestrator.catalogue.models import Model, describe
from orchestrator.flow.fit import Terms
from orchestrator.flow.route import route
from schemas.copilot import CopilotOptions, JobWay
from schemas.errors import NoProvider
from schemas.providers import ProviderOptions, Vendor
from schemas.routing import FilterReason, Offer, Record, RoutingConfig
from schemas.tasks import TASK_REQUEST, TaskKind, TaskRequest
from tests.unit.flow.test_routing import LUNA, NOW, SOL, THREE, names, offer, request, routed


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


def test_a_model_of_unknown_size_is_not_refused_but_earns_no_points_for_it() -> None:
    found = routed(request(), (offer(0, Vendor.CUSTOM, "nobody-knows"),), tokens=5_000_000)
    assert found.explanation["candidates"][0]["capability"]["context"] == 0


def test_a_vendor_that_can_not_review_gets_no_reviews() -> None:
    copilot = offer(0, Vendor.COPILOT, "copilot")
    assert reasons(request("review_code"), copilot) == {"p0": FilterReason.CAPABILITY}
    assert reasons(request("fix_bug"), copilot) == {}


def test_a_vendor_that_brings_changes_of_code_gets_nothing_else() -> None:
    copilot, other = offer(0, Vendor.COPILOT, "auto"), offer(1, Vendor.OPENAI, "gpt-5-mini")
    asked = TASK_REQUEST.validate_python({"kind": "chat", "context": {"prompt": "What is a lease?"}})
    assert reasons(asked, copilot, other) == {"p0": FilterReason.CAPABILITY}
    assert takes(Vendor.OPENAI, TaskKind.CHAT)


def test_a_provider_that_is_paid_by_the_month_is_free_to_ask_once_more() -> None:
    dear = offer(0, Vendor.OPENAI, "gpt-6-astra")
    paid = dear.provider.model_copy(update={"options": ProviderOptions(monthly_fee_usd="20")})
    found = routed(request(max_cost_usd="0.000001"), (replace(dear, provider=paid),))
    (told,) = found.explanation["candidates"]
    assert (told["estimated_cost_usd"], told["free"]) == ("0.00", True)


def test_a_job_that_is_billed_by_credits_is_not_free_and_costs_what_is_held_for_it() -> None:
    agent = CopilotOptions(repository="a/b", way=JobWay.AGENT_TASK, max_credits=150)
    flat = CopilotOptions(repository="a/b")
    offers = []
    for number, options in enumerate((agent, flat)):
        made = offer(number, Vendor.COPILOT, "auto")
        asked = made.provider.model_copy(update={"options": ProviderOptions(copilot=options)})
        offers.append(replace(made, provider=asked))
    found = {each["provider"]: each for each in routed(request(), tuple(offers)).explanation["candidates"]}
    assert (found["p0"]["free"], found["p0"]["estimated_cost_usd"]) == (False, "1.50")
    assert (found["p1"]["free"], found["p1"]["estimated_cost_usd"]) == (True, "0.00")


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


def test_only_who_can_answer_by_a_schema_is_asked_to() -> None:
    context = {"prompt": "p", "answer_schema": {"type": "object"}}
    asked = TASK_REQUEST.validate_python({"kind": "chat", "context": context})
    offers = [
        offer(1, Vendor.OPENAI, "gpt-6.1-sol"),
        offer(2, Vendor.CUSTOM, "nobody-knows"),
        offer(3, Vendor.OLLAMA, "llama3"),
    ]
    told = offers[1].provider.options.model_copy(update={"structured_output": True})
    able = replace(offers[1], provider=offers[1].provider.model_copy(update={"options": told}))
    terms = Terms(RoutingConfig(), 100, NOW)
    filtered = route(asked, offers, terms).explanation["filtered"]
    assert [(each["provider"], each["reason"]) for each in filtered] == [("p2", "structured_output")]
    assert route(asked, [offers[0], able], terms).explanation["filtered"] == []


def test_texts_go_to_who_serves_the_model_and_cost_no_output() -> None:
    given = {"kind": "embed", "context": {"inputs": ["short", "text " * 100]}}
    asked = TASK_REQUEST.validate_python(given | {"preferences": {"model": "text-embedding-3-small"}})
    offers = [offer(1, Vendor.OPENAI, "gpt-6.1-sol"), offer(2, Vendor.ANTHROPIC, "claude-sonnet-5-5")]
    found = route(asked, offers, Terms(RoutingConfig(), 10_000, NOW))
    assert [each.model for each in found.candidates] == ["text-embedding-3-small"]
    assert found.explanation["output_tokens"] == 0
    assert found.explanation["candidates"][0]["capability"]["context"] == 100
    assert [each["reason"] for each in found.explanation["filtered"]] == ["capability"]
    chat = TASK_REQUEST.validate_python(
        {"kind": "chat", "context": {"prompt": "p"}, "preferences": {"model": "text-embedding-3-small"}}
    )
    with pytest.raises(NoProvider):
        route(chat, offers, Terms(RoutingConfig(), 100, NOW))
