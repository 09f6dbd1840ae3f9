"""A stream means the same wherever the network cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.providers import Wire
from tests.unit.workers import test_anthropic_wire as anthropic
from tests.unit.workers import test_gemini_wire as gemini
from tests.unit.workers import test_ollama_wire as ollama
from tests.unit.workers import test_openai_responses_wire as responses
from tests.unit.workers import wires
from workers.framing import JsonLines, ServerSentEvents
from workers.providers import WIRES

CHAT = (
    {"model": "m", "choices": [{"delta": {"content": "aü"}}]},
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
)
STREAMS = {
    Wire.OPENAI_CHAT: b": OPENROUTER PROCESSING\n\n" + wires.events(*CHAT) + b"data: [DONE]\n\n",
    Wire.OPENAI_RESPONSES: wires.events(*responses.ANSWER, named=True),
    Wire.ANTHROPIC_MESSAGES: wires.events(*anthropic.ANSWER, named=True),
    Wire.GEMINI: wires.events(*gemini.ANSWER, end="\r\n"),
    Wire.OLLAMA: wires.lines(*ollama.ANSWER),
}


def test_there_is_a_stream_of_every_wire() -> None:
    assert set(STREAMS) == set(Wire) - {Wire.CUSTOM, Wire.ADAPTER} == set(WIRES)


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 2_000), max_size=30))
def test_a_stream_means_the_same_wherever_it_is_cut(wire: Wire, places: list[int]) -> None:
    stream = STREAMS[wire]
    cut = wires.heard(WIRES[wire], wires.cut(stream, places))
    assert cut == wires.heard(WIRES[wire], [stream])
    assert cut.text == "aü"
    assert WIRES[wire].closed(cut) is None


@given(st.sampled_from(sorted(STREAMS)), st.integers(0, 2_000))
def test_a_stream_that_breaks_off_is_never_half_a_bill(wire: Wire, place: int) -> None:
    """Whatever is missing, the usage is either the whole one or none."""
    stream, whole = STREAMS[wire], wires.heard(WIRES[wire], [STREAMS[wire]])
    kept = stream[: place % len(stream)]
    broken = wires.heard(WIRES[wire], [kept])
    assert broken.usage in (None, whole.usage)
    if broken.usage is None:
        assert WIRES[wire].closed(broken) is not None or wire is Wire.OPENAI_CHAT


@pytest.mark.parametrize("wire", sorted(STREAMS))
def test_a_stream_of_single_bytes_is_read(wire: Wire) -> None:
    stream = STREAMS[wire]
    assert wires.heard(WIRES[wire], [bytes([byte]) for byte in stream]).text == "aü"


def test_the_lines_of_one_event_are_one_piece() -> None:
    framing = ServerSentEvents()
    assert list(framing.take(b"event: x\nid: 1\ndata: a\ndata:b\n: no\n\ndata:  c\n\n\n")) == [b"a\nb", b" c"]
    assert list(framing.take(b"data: never finished\n")) == []


def test_empty_lines_between_json_texts_are_nothing() -> None:
    framing = JsonLines()
    assert list(framing.take(b'{"a":1}\r\n\n{"b":2}\n{"half"')) == [b'{"a":1}', b'{"b":2}']
    assert list(framing.take(b":3}\n")) == [b'{"half":3}']
