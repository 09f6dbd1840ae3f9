"""The bill's arithmetic, by hand and against the prices the rest of the product uses."""

from decimal import Decimal

import genai_prices
import pytest

from orchestrator.simulator import models, tokens
from orchestrator.simulator.bill import Bill, charge
from orchestrator.simulator.wire import Message, Role, Usage


def model(name: str) -> models.Model:
    found = models.find(name)
    assert found is not None
    return found


def test_cached_tokens_are_charged_once_and_cheaper() -> None:
    usage = Usage(prompt=2_000, cached=1_024, completion=300, reasoning=128)
    assert charge(model("gpt-5-mini"), usage) == 976 * 250 + 1_024 * 25 + 300 * 2_000


def test_reasoning_is_part_of_the_completion_and_not_charged_again() -> None:
    with_thought = Usage(prompt=10, completion=100, reasoning=64)
    assert charge(model("o4-mini"), with_thought) == charge(
        model("o4-mini"), Usage(prompt=10, completion=100)
    )


@pytest.mark.parametrize("name", sorted(models.LISTED))
def test_the_copied_prices_are_those_of_the_served_model(name: str) -> None:
    served = model(name).name
    assert served != name
    usage = genai_prices.Usage(input_tokens=2_000, cache_read_tokens=1_024, output_tokens=300)
    price = genai_prices.calc_price(usage, served, provider_id="openai").total_price
    own = charge(model(served), Usage(prompt=2_000, cached=1_024, completion=300))
    assert price * 1_000_000_000 == Decimal(own)


def test_an_unlisted_model_has_the_stated_default_price_and_is_marked() -> None:
    bill = Bill()
    usage = Usage(prompt=10, completion=5)
    bill.add("llama-9", "default", usage, charge(model("llama-9"), usage))
    bill.add("gpt-4o-2024-08-06", "default", Usage(prompt=1), 2_500)
    view = bill.view()
    assert view["models"]["llama-9"]["listed"] is False
    assert view["models"]["llama-9"]["nano_dollars"] == 10 * 1_000 + 5 * 4_000
    assert view["models"]["gpt-4o-2024-08-06"]["listed"] is True
    assert view["total"]["nano_dollars"] == 32_500


def test_what_costs_nothing_is_counted_as_a_request_only() -> None:
    bill = Bill()
    bill.add("gpt-5", "default", Usage(), 0)
    assert (bill.total.requests, bill.total.charged) == (1, 0)


def test_the_same_long_system_prompt_is_cached_the_second_time() -> None:
    seen = tokens.SeenPrefixes()
    long = (Message(Role.SYSTEM, "x" * 4 * 1_100), Message(Role.USER, "hello"))
    assert seen.cached_tokens("a", long) == 0
    assert seen.cached_tokens("a", long) == 1_024
    assert seen.cached_tokens("b", long) == 0
    seen.forget()
    assert seen.cached_tokens("a", long) == 0


def test_a_short_system_prompt_is_never_cached() -> None:
    seen = tokens.SeenPrefixes()
    short = (Message(Role.SYSTEM, "x" * 4 * 1_023),)
    assert [seen.cached_tokens("a", short) for _ in range(2)] == [0, 0]


def test_a_text_is_cut_between_characters() -> None:
    assert tokens.first("äöü", 1) == "äö"
    assert tokens.count(tokens.first("日本語" * 10, 3)) <= 3
