"""The bill's arithmetic, by hand and against the prices the rest of the product uses."""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import genai_prices
import pytest

from orchestrator.simulator import models, tokens
from orchestrator.simulator.bill import Bill, Line, charge
from orchestrator.simulator.wire import Caching, Usage

LISTED = [
    (vendor, name)
    for vendor in (models.OPENAI, models.ANTHROPIC, models.GOOGLE)
    for name in sorted(models.LISTED[vendor])
]


def model(name: str, vendor: str = models.OPENAI) -> models.Model:
    found = models.find(vendor, name)
    assert found is not None
    return found


def line(name: str, vendor: str = models.OPENAI) -> Line:
    return Line(name, vendor, "default", "openai_chat")


def test_cached_tokens_are_charged_once_and_cheaper() -> None:
    usage = Usage(prompt=2_000, cached=1_024, completion=300, reasoning=128)
    assert charge(model("gpt-5-mini"), usage) == 976 * 250 + 1_024 * 25 + 300 * 2_000


def test_tokens_written_to_the_cache_are_charged_once_and_dearer_for_an_hour() -> None:
    sonnet = model("claude-sonnet-5-5", models.ANTHROPIC)
    usage = Usage(prompt=5_000, cached=1_000, completion=10, written=3_000, written_hour=500)
    assert charge(sonnet, usage) == (1_000 * 2_000 + 1_000 * 100 + 2_500 * 2_500 + 500 * 4_000 + 10 * 10_000)


def test_reasoning_is_part_of_the_completion_and_not_charged_again() -> None:
    with_thought = Usage(prompt=10, completion=100, reasoning=64)
    assert charge(model("o4-mini"), with_thought) == charge(
        model("o4-mini"), Usage(prompt=10, completion=100)
    )


def test_those_who_can_wait_pay_half_where_the_model_is_sold_so() -> None:
    usage = Usage(prompt=2_000, cached=1_025, completion=301)
    for name, sold in (("gpt-5-mini", True), ("gpt-4.1", False)):
        full = charge(model(name), usage)
        assert charge(model(name), usage, "flex") == (-(-full // 2) if sold else full)
        assert charge(model(name), usage, "priority") == full


def test_a_long_prompt_makes_every_token_dearer() -> None:
    pro = model("gemini-2.5-pro", models.GOOGLE)
    assert charge(pro, Usage(prompt=200_000, completion=1)) == 200_000 * 1_250 + 10_000
    assert charge(pro, Usage(prompt=200_001, completion=1)) == 200_001 * 2_500 + 15_000


@pytest.mark.parametrize("tier", ["default", "flex"])
@pytest.mark.parametrize("prompt", [2_000, 300_000], ids=["short", "long"])
@pytest.mark.parametrize(("vendor", "name"), LISTED)
def test_the_copied_prices_are_those_of_the_served_model_and_tier(
    vendor: str, name: str, prompt: int, tier: str
) -> None:
    served = model(name, vendor).name
    writes = model(name, vendor).price.written > 0
    embeds = model(name, vendor).dimensions is not None
    written, output = (500 if writes else 0), (0 if embeds else 300)
    cached = 0 if embeds else 1_024
    usage = genai_prices.Usage(
        input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=output
    )
    at = datetime(2026, 11, 25, tzinfo=UTC)
    context = {"service_tier": tier} if model(name, vendor).flex else None
    price = genai_prices.calc_price(
        usage, served, provider_id=vendor, genai_request_timestamp=at, price_context=context
    ).total_price
    own = charge(model(served, vendor), Usage(prompt, cached, output, written=written), tier)
    assert (price * 1_000_000_000).to_integral_value(ROUND_CEILING) == Decimal(own)


def test_an_unlisted_model_has_the_stated_default_price_and_is_marked() -> None:
    bill = Bill()
    usage = Usage(prompt=10, completion=5)
    bill.add(line("llama-9"), usage, charge(model("llama-9"), usage))
    bill.add(line("gpt-4o-2024-08-06"), Usage(prompt=1), 2_500)
    view = bill.view()
    assert view["models"]["llama-9"]["listed"] is False
    assert view["models"]["llama-9"]["nano_dollars"] == 10 * 1_000 + 5 * 4_000
    assert view["models"]["gpt-4o-2024-08-06"]["listed"] is True
    assert view["total"]["nano_dollars"] == 32_500
    assert view["wires"]["openai_chat"]["requests"] == 2


def test_every_model_is_free_on_the_callers_own_machine() -> None:
    usage = Usage(prompt=1_000, completion=1_000)
    assert charge(model("llama3.2", models.OLLAMA), usage) == 0
    assert charge(model("my-own:7b", models.OLLAMA), usage) == 0


def test_what_costs_nothing_is_counted_as_a_request_only() -> None:
    bill = Bill()
    bill.add(line("gpt-5"), Usage(), 0)
    assert (bill.total.requests, bill.total.charged) == (1, 0)


def test_the_same_long_beginning_is_cached_the_second_time() -> None:
    seen = tokens.SeenPrefixes()
    long = Caching(("x" * 4 * 1_100,), step=128)
    assert seen.look("a", "gpt-5", long) == (0, 0)
    assert seen.look("a", "gpt-5", long) == (1_024, 0)
    assert seen.look("b", "gpt-5", long) == (0, 0)
    assert seen.look("a", "gpt-4o", long) == (0, 0)
    seen.forget()
    assert seen.look("a", "gpt-5", long) == (0, 0)


def test_what_follows_a_cached_beginning_is_written_in_its_turn() -> None:
    seen = tokens.SeenPrefixes()
    first, second = "x" * 4 * 2_000, "x" * 4 * 3_000
    assert seen.look("a", "gpt-5", Caching((first,), writes=True)) == (0, 2_000)
    assert seen.look("a", "gpt-5", Caching((first, second), writes=True)) == (2_000, 1_000)
    assert seen.look("a", "gpt-5", Caching((first, second), writes=True)) == (3_000, 0)


def test_a_short_beginning_is_never_cached() -> None:
    seen = tokens.SeenPrefixes()
    short = Caching(("x" * 4 * 1_023,), writes=True)
    assert [seen.look("a", "gpt-5", short) for _ in range(2)] == [(0, 0), (0, 0)]


def test_a_text_is_cut_between_characters() -> None:
    assert tokens.first("äöü", 1) == "äö"
    assert tokens.count(tokens.first("日本語" * 10, 3)) <= 3
