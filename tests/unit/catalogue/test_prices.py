"""What calls cost: to the nano-dollar where a price is known, never nothing where it isn't."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue import prices
from schemas.calls import Cost, Usage
from schemas.providers import Vendor

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PRICED = st.sampled_from(
    [
        (Vendor.OPENAI, "gpt-4.1-mini"), (Vendor.OPENAI, "gpt-5-mini-2025-08-07"),
        (Vendor.ANTHROPIC, "claude-sonnet-4-5"), (Vendor.GOOGLE, "gemini-2.5-pro"),
        (Vendor.OPENAI, "nobody-knows"), (Vendor.CUSTOM, "llama3"), (Vendor.OLLAMA, "llama3"),
        (Vendor.OPENROUTER, "openai/gpt-5-mini"), (Vendor.GROQ, "openai/gpt-oss-120b"),
        (Vendor.MISTRAL, "mistral-medium-latest"), (Vendor.DEEPSEEK, "deepseek-chat"),
        (Vendor.XAI, "grok-code-fast-1"), (Vendor.HUGGINGFACE, "openai/gpt-oss-120b:cerebras"),
        (Vendor.AZURE, "gpt-4o-2024-08-06"), (Vendor.AZURE, "our-deployment"),
    ]
)  # fmt: skip
COUNTS = st.integers(0, 2_000_000)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cached_tokens=COUNTS,
    cache_write_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    output_tokens=COUNTS,
    reasoning_tokens=COUNTS,
)
TIERS = st.sampled_from([None, "", "auto", "default", "standard", "flex", "priority", "batch", "scale", "x"])


def cost(model: str = "gpt-4.1-mini", tier: str | None = None, **tokens: int) -> Cost:
    return prices.cost(Vendor.OPENAI, model, tier, Usage.model_validate(tokens), NOW)


def test_input_and_output_are_priced_to_the_nano_dollar() -> None:
    assert cost(input_tokens=1_000, output_tokens=100).nanos == 1_000 * 400 + 100 * 1_600


def test_cached_tokens_are_counted_once_at_their_own_price() -> None:
    priced = cost(input_tokens=1_000, cached_tokens=600)
    assert priced.nanos == 400 * 400 + 600 * 100
    assert not priced.estimated


def test_reasoning_tokens_are_part_of_the_output_and_counted_once() -> None:
    model = "gpt-5-mini-2025-08-07"
    thinking = cost(model, input_tokens=10, output_tokens=500, reasoning_tokens=400)
    assert thinking == cost(model, input_tokens=10, output_tokens=500)
    assert thinking.nanos == 10 * 250 + 500 * 2_000


def test_a_dated_model_costs_what_its_plain_name_costs() -> None:
    assert cost("gpt-4.1-mini-2025-04-14", input_tokens=9).nanos == cost(input_tokens=9).nanos


@pytest.mark.parametrize("model", ["nobody-knows", "", "llama3"])
def test_an_unknown_model_is_charged_at_the_ceiling(model: str) -> None:
    priced = cost(model, input_tokens=10, output_tokens=3)
    assert priced.nanos == 10 * prices.CEILING_INPUT + 3 * prices.CEILING_OUTPUT
    assert (priced.source, priced.estimated) == ("ceiling", True)


def test_an_unknown_tier_is_charged_at_the_ceiling() -> None:
    assert cost(tier="scale", input_tokens=10).source == "ceiling"
    assert cost(tier="scale", input_tokens=10).nanos == 10 * prices.CEILING_INPUT


def test_the_served_tier_has_its_own_price() -> None:
    tokens = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    standard, flex, priority = (
        cost("gpt-5", tier, **tokens).nanos for tier in ("default", "flex", "priority")
    )
    assert flex < standard < priority


def test_a_dearer_tier_without_a_known_price_is_never_charged_as_the_standard_one() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=10)
    priced = prices.cost(Vendor.ANTHROPIC, "claude-sonnet-4-5", "priority", usage, NOW)
    assert priced.source == "ceiling"


def test_each_class_of_an_answer_by_anthropic_has_its_own_price() -> None:
    usage = Usage(
        input_tokens=3_210, cached_tokens=3_000, cache_write_tokens=200, cache_write_1h_tokens=50,
        output_tokens=77, reasoning_tokens=60,
    )  # fmt: skip
    priced = prices.cost(Vendor.ANTHROPIC, "claude-sonnet-4-6", "standard", usage, NOW)
    assert priced.nanos == 10 * 3_000 + 3_000 * 300 + 150 * 3_750 + 50 * 6_000 + 77 * 15_000


def test_a_batch_has_the_price_of_a_batch() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100)
    half, whole = (
        prices.cost(Vendor.ANTHROPIC, "claude-sonnet-4-6", tier, usage, NOW) for tier in ("batch", None)
    )
    assert half.nanos * 2 == whole.nanos


def test_groqs_usual_tier_is_no_unknown_one() -> None:
    usage = Usage(input_tokens=1_000)
    assert prices.cost(Vendor.GROQ, "openai/gpt-oss-120b", "on_demand", usage, NOW).source == prices.SOURCE


def test_azures_prices_are_those_of_the_model_behind_the_deployment() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    azure = prices.cost(Vendor.AZURE, "gpt-4o-2024-08-06", None, usage, NOW)
    assert azure == prices.cost(Vendor.OPENAI, "gpt-4o-2024-08-06", None, usage, NOW)
    assert prices.cost(Vendor.AZURE, "our-deployment", None, usage, NOW).source == "ceiling"


def test_huggingfaces_price_is_that_of_the_provider_who_is_asked_for() -> None:
    usage = Usage(input_tokens=10_000, output_tokens=10_000)
    asked = "openai/gpt-oss-120b"
    by = {
        name: prices.cost(Vendor.HUGGINGFACE, f"{asked}:{name}", None, usage, NOW)
        for name in ("cerebras", "groq")
    }
    assert {cost.source for cost in by.values()} == {prices.SOURCE}
    assert prices.cost(Vendor.HUGGINGFACE, asked, None, usage, NOW).source == "ceiling"
    assert prices.cost(Vendor.HUGGINGFACE, f"{asked}:cheapest", None, usage, NOW).source == "ceiling"


def test_the_model_that_is_priced_is_the_served_one_but_for_a_router_that_pins_it() -> None:
    assert prices.priced_model(Vendor.OPENAI, "gpt-5", "gpt-5-2025-08-07") == "gpt-5-2025-08-07"
    assert prices.priced_model(Vendor.OPENAI, "gpt-5", None) == "gpt-5"
    assert prices.priced_model(Vendor.HUGGINGFACE, "m:groq", "vendor-m") == "m:groq"


def test_only_a_vendor_that_bills_by_what_it_says_is_believed() -> None:
    assert prices.charged(Vendor.OPENROUTER, 0) == Cost(nanos=0, source="vendor", version="1")
    assert prices.charged(Vendor.OPENROUTER, 140_000) == Cost(nanos=140_000, source="vendor", version="1")
    assert prices.charged(Vendor.OPENROUTER, None) is None
    assert prices.charged(Vendor.CUSTOM, 0) is None


@pytest.mark.parametrize("vendor", [Vendor.OLLAMA, Vendor.LMSTUDIO])
def test_a_model_on_ones_own_machine_costs_a_known_nothing(vendor: Vendor) -> None:
    usage = Usage(input_tokens=10**6, output_tokens=10**6)
    assert prices.cost(vendor, "gpt-4.1", "x", usage, NOW) == Cost(nanos=0, source="local", version="1")


def test_more_cached_than_input_is_an_estimate_and_not_an_error() -> None:
    priced = cost(input_tokens=100, cached_tokens=200, output_tokens=5)
    assert (priced.source, priced.estimated) == ("ceiling", True)
    assert priced.nanos > 0


@given(PRICED, TIERS, USAGES)
def test_no_cost_is_negative_and_every_cost_has_a_source(
    served: tuple[Vendor, str], tier: str | None, usage: Usage
) -> None:
    priced = prices.cost(served[0], served[1], tier, usage, NOW)
    assert priced.nanos >= 0
    assert priced.source
    assert priced.version
    if served[0] not in prices.LOCAL | prices.FLAT and usage.input_tokens + usage.output_tokens > 0:
        assert priced.nanos > 0


@given(PRICED, st.integers(0, 300_000), st.integers(0, 100_000), st.floats(0, 1), st.floats(0, 1))
def test_a_hold_covers_whatever_the_same_tokens_may_cost(
    served: tuple[Vendor, str], input_: int, output: int, cached: float, used: float
) -> None:
    hold = prices.upper_bound(*served, input_, output, NOW)
    read = int(input_ * cached)
    usage = Usage(
        input_tokens=input_,
        cached_tokens=read,
        cache_write_tokens=input_ - read,
        output_tokens=int(output * used),
    )
    assert prices.cost(*served, None, usage, NOW).nanos <= hold
    usage = usage.model_copy(update={"cache_write_tokens": 0})
    assert prices.cost(*served, None, usage, NOW).nanos <= hold
