"""Token estimates."""

from hypothesis import given
from hypothesis import strategies as st

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
