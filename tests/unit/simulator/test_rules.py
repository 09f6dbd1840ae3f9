"""Which rule meets which request, and how often."""

import pytest
from pydantic import ValidationError

from orchestrator.simulator.faults import Fault, Persona, Plan
from orchestrator.simulator.rules import RULES, Facts, Rules, from_header
from orchestrator.simulator.wire import Refused

FACTS = Facts("east", "/openai/v1/chat/completions", "gpt-5-mini", "call-1", "please fix the parser")


def rules(*given: dict[str, object]) -> Rules:
    made = Rules()
    made.replace(RULES.validate_python(list(given)))
    return made


@pytest.mark.parametrize(
    ("match", "meets"),
    [
        ({}, True),
        ({"account": "east"}, True),
        ({"account": "west"}, False),
        ({"path": "/openai/"}, True),
        ({"path": "/anthropic/"}, False),
        ({"model": "gpt-5*"}, True),
        ({"model": "gpt-5"}, False),
        ({"correlation": "call-1"}, True),
        ({"correlation": "call-2"}, False),
        ({"prompt_contains": "parser"}, True),
        ({"prompt_contains": "lexer"}, False),
        ({"account": "east", "model": "gpt-4*"}, False),
    ],
)
def test_a_rule_meets_what_it_matches(match: dict[str, str], meets: bool) -> None:
    plan = rules({"match": match, "fault": "500"}).plan(FACTS)
    assert plan == (Plan(fault=Fault.SERVER_ERROR) if meets else None)


def test_a_rule_is_used_up_and_the_next_one_takes_over() -> None:
    made = rules({"fault": "429", "times": 2, "retry_after": 3}, {"persona": "sloppy"})
    plans = [made.plan(FACTS) for _ in range(3)]
    assert plans[:2] == [Plan(fault=Fault.RATE_LIMITED, retry_after=3)] * 2
    assert plans[2] == Plan(persona=Persona.SLOPPY)
    assert [rule["applied"] for rule in made.view()] == [2, 1]


def test_a_probability_is_the_same_with_the_same_seed() -> None:
    def draws() -> list[bool]:
        made = rules({"fault": "500", "probability": 0.3, "seed": 7})
        return [made.plan(FACTS) is not None for _ in range(1_000)]

    assert draws() == draws()
    assert 250 < sum(draws()) < 350


def test_a_list_of_models_is_met_by_an_outage_or_by_its_own_path_only() -> None:
    facts = Facts("east", "/openai/v1/models", "", None, "")
    assert rules({"fault": "500"}).listing_fault(facts) is None
    assert rules({"fault": "500", "match": {"path": "/openai/v1/models"}}).listing_fault(facts) == "500"
    assert rules({"fault": "outage", "match": {"account": "east"}}).listing_fault(facts) == "outage"
    assert rules({"fault": "outage", "match": {"account": "west"}}).listing_fault(facts) is None


def test_a_header_plans_one_request() -> None:
    header = "latency=300ms, fault=429, retry_after=2, persona=wrong, after_chunks=1, chunk=5ms"
    assert from_header(header) == Plan(
        fault=Fault.RATE_LIMITED,
        persona=Persona.WRONG,
        latency_ms=300,
        chunk_ms=5,
        retry_after=2,
        after_chunks=1,
    )


@pytest.mark.parametrize("header", ["fault=boom", "speed=9", "latency=soon", "fault"])
def test_a_header_that_says_nothing_is_refused(header: str) -> None:
    with pytest.raises(Refused, match="x-simulator"):
        from_header(header)


@pytest.mark.parametrize(
    "rule", [{"fault": "boom"}, {"times": 0}, {"probability": 2}, {"latency_ms": -1}, {"matches": {}}]
)
def test_a_rule_with_a_mistake_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([rule])
