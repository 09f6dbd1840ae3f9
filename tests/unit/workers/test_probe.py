"""What a list of models is read as, whatever an endpoint sends."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.probe import MOST_MODELS, listed


def test_ids_are_taken_once_in_their_order() -> None:
    body = orjson.dumps({"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}, {"id": ""}, {"id": 5}, "x", {}]})
    assert listed(body) == ["b", "a"]
    assert listed(orjson.dumps([{"id": "a"}])) == ["a"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"5", b'{"data": 5}', b'{"data": {"id": "a"}}', b"\xff"]
)
def test_what_is_no_list_lists_nothing(body: bytes) -> None:
    assert listed(body) == []


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists) | st.binary())
def test_nothing_that_is_sent_makes_it_stumble(sent: object) -> None:
    listed(sent if isinstance(sent, bytes) else orjson.dumps(str(sent)))


def test_a_list_without_end_is_cut() -> None:
    body = orjson.dumps({"data": [{"id": f"m{number}"} for number in range(10_000)]})
    assert len(listed(body)) == MOST_MODELS
