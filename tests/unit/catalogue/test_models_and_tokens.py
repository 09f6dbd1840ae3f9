"""Token estimates and what is known of models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue.models import DEFAULT_MAX_OUTPUT, most_output, takes_temperature
from orchestrator.catalogue.tokens import estimate


def test_no_text_takes_no_tokens() -> None:
    assert estimate("") == 0


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_an_estimate_is_never_below_a_third_of_the_bytes(text: str) -> None:
    size = len(text.encode())
    assert size / 3 <= estimate(text) <= size / 2 + 1


@given(st.text(alphabet="abc ", max_size=50), st.text(alphabet="abc ", max_size=50))
def test_more_text_never_takes_fewer_tokens(first: str, second: str) -> None:
    assert estimate(first + second) >= estimate(first)


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
        ("gemini-2.5-pro", True), ("gemini-3-flash-preview", False), ("google/gemini-3.5-flash", False),
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
def test_no_more_output_is_asked_for_than_the_model_can_give(
    model: str, wished: int | None, asked: int
) -> None:
    assert most_output(model, wished) == asked
