"""Token estimates and what is known of models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue.models import takes_temperature
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
    [("gpt-4.1-mini", True), ("gpt-4o", True), ("o4-mini", False), ("gpt-5-mini", False), ("llama3", True)],
)
def test_models_that_reason_take_no_temperature(model: str, takes: bool) -> None:
    assert takes_temperature(model) is takes
