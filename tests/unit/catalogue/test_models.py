"""What is known of models: the data agrees with the price list, and nothing is invented for the unknown."""

from datetime import date

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue.estimates import estimate, full_hour, rounded_up
from orchestrator.catalogue.models import (
    DEFAULT_MAX_OUTPUT,
    UNKNOWN_STRENGTH,
    Capability,
    CostModel,
    Model,
    all_models,
    cost_model,
    describe,
    output_asked,
    plain_name,
    takes_temperature,
)
from orchestrator.catalogue.prices import cost
from orchestrator.clock import now
from schemas.calls import Usage
from schemas.providers import Vendor

MODELS = all_models()
LIBRARY = {"xai": "x-ai"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_known_model_is_priced_and_its_context_is_what_the_price_list_says(model: Model) -> None:
    provider = LIBRARY.get(str(model.maker), model.maker)
    _, listed = get_snapshot().find_provider_model(model.id, None, provider, None)
    if listed.context_window is not None and model.context is not None:
        assert model.context == pytest.approx(listed.context_window, rel=0.06)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_limits_and_strengths_make_sense(model: Model) -> None:
    assert set(model.strengths) == set(Capability)
    assert 0 <= min(model.strengths.values()) < max(model.strengths.values()) <= 100
    embeds = model.strengths[Capability.EMBEDDING] > 0
    assert embeds is not (model.strengths[Capability.GENERATION] > 0)
    assert model.context is not None
    assert (model.max_input or 0) + 1 <= model.context
    assert model.max_output is None or 0 < model.max_output <= model.context
    assert model.holds(1, 1)
    assert model.holds(model.context, 1) is False


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("openai/gpt-5-mini", "gpt-5-mini"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("anthropic/claude-sonnet-5-5:beta", "claude-sonnet-5-5"),
        ("models/gemini-3.8-flash", "gemini-3.8-flash"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("GPT-4o", "gpt-4o"),
    ],
)
def test_a_model_is_found_under_its_dated_and_prefixed_names(name: str, known: str) -> None:
    assert describe(Vendor.CUSTOM, name).id == known


def test_nothing_is_invented_for_a_model_that_nobody_knows() -> None:
    model = describe(Vendor.CUSTOM, "nobody-knows")
    assert (model.known, model.context, model.max_output, model.sunset) == (False, None, None, None)
    assert set(model.strengths.values()) == {UNKNOWN_STRENGTH}
    assert model.holds(10**9, 10**9) is None


def test_the_price_list_tells_the_context_of_models_that_only_it_knows() -> None:
    model = describe(Vendor.OPENAI, "gpt-4-turbo")
    assert (model.known, model.context) == (False, 128_000)


def test_a_local_model_is_not_taken_for_one_of_the_same_name_elsewhere() -> None:
    assert describe(Vendor.OLLAMA, "gpt-4-turbo").context is None


def test_copilot_can_be_asked_for_everything_but_reviews() -> None:
    strengths = describe(Vendor.COPILOT, "gpt-5-mini").strengths
    assert {name for name, strength in strengths.items() if not strength} == {
        Capability.REVIEW,
        Capability.EMBEDDING,
    }


def test_a_sunset_counts_at_its_maker_alone_from_its_day_on() -> None:
    model = describe(Vendor.OPENAI, "gpt-5-mini")
    assert not model.retired("openai", date(2026, 12, 10))
    assert model.retired("openai", date(2026, 12, 11))
    assert not model.retired("azure", date(2026, 12, 11))


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("gpt-4.1-mini", True), ("gpt-4o", True), ("gpt-35-turbo", True), ("gpt-oss-120b", True),
        ("o1", False), ("o4-mini", False), ("gpt-5-mini", False), ("gpt-6.1-sol", False), ("gpt-10", False),
        ("openai/gpt-5-mini", False), ("llama3", True), ("mistral-medium-latest", True),
        ("claude-3-5-sonnet-20241022", True), ("claude-sonnet-4-20250514", True),
        ("claude-haiku-4-5-20251001", True), ("claude-opus-4-6", True), ("claude-opus-4-7", False),
        ("anthropic/claude-opus-4.7", False), ("claude-sonnet-5", False), ("claude-fable-5-2", False),
        ("claude-of-tomorrow", False),
        ("claude-haiku-5-5", False), ("gpt-7", False), ("o3", False),
        ("gemini-2.5-pro", True), ("gemini-3-flash-preview", False), ("google/gemini-3.5-flash", False),
        ("gemini-3.8-flash", False),
    ],
)  # fmt: skip
def test_only_models_that_take_a_temperature_get_one(model: str, takes: bool) -> None:
    assert takes_temperature(model) is takes


@pytest.mark.parametrize(
    ("model", "wished", "asked"),
    [
        ("gpt-5-mini", None, DEFAULT_MAX_OUTPUT),
        ("gpt-5-mini", 100_000, 100_000),
        ("gpt-4-turbo", None, 4_096),
        ("openai/gpt-4o", 100_000, 16_384),
        ("claude-3-5-sonnet-20241022", None, 8_192),
        ("claude-3-haiku-20240307", 100, 100),
    ],
)
def test_no_more_output_is_asked_for_than_an_old_or_a_new_model_can_give(
    model: str, wished: int | None, asked: int
) -> None:
    assert output_asked(Vendor.CUSTOM, model, wished) == asked


def test_no_more_output_is_asked_for_than_the_model_gives() -> None:
    assert output_asked(Vendor.CUSTOM, "grok-code-fast-1", None) == 10_000
    assert output_asked(Vendor.CUSTOM, "grok-code-fast-1", 500) == 500
    assert output_asked(Vendor.CUSTOM, "nobody-knows", 50_000) == 50_000


def test_names_without_a_date_stay_as_they_are() -> None:
    assert plain_name("gpt-4.1-mini") == "gpt-4.1-mini"


@given(st.integers(0, 10**7))
def test_a_rounded_count_is_never_lower_and_at_most_a_sixteenth_higher(tokens: int) -> None:
    assert tokens <= rounded_up(tokens) <= tokens * 17 / 16 + 1


@given(
    st.sampled_from([(Vendor.OPENAI, "gpt-5-mini"), (Vendor.ANTHROPIC, "claude-sonnet-4-5")]),
    st.integers(0, 190_000),
    st.integers(0, 50_000),
)
def test_an_estimate_is_never_below_the_price_and_hardly_above(
    model: tuple[Vendor, str], taken: int, given_back: int
) -> None:
    at = full_hour(now())
    exact = cost(*model, None, Usage(input_tokens=taken, output_tokens=given_back), at).nanos
    assert exact <= estimate(*model, taken, given_back, at) <= exact * 17 / 16 + 20_000


def test_what_costs_nothing_more_is_estimated_at_nothing() -> None:
    for vendor in (Vendor.OLLAMA, Vendor.LMSTUDIO, Vendor.COPILOT):
        assert cost_model(vendor) is not CostModel.PER_TOKEN
        assert estimate(vendor, "any", 10**6, 10**6, full_hour(now())) == 0
