"""Ollama's own wire: what is sent, what is read, and what each failure means."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue import tokens
from schemas.calls import Usage
from schemas.errors import Category
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.context import Message
from workers.framing import JsonLines
from workers.providers.base import Ask, Reply
from workers.providers.ollama import SMALLEST_CONTEXT, Ollama, room

WIRE = Ollama()


def ask(model: str = "qwen3-coder:30b", **more: Any) -> Ask:
    return wires.ask(Wire.OLLAMA, Vendor.OLLAMA, model, **more)


def line(content: str = "", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    told = {
        "model": "qwen3-coder:30b",
        "created_at": "2026-11-20T12:00:00Z",
        "message": message,
        "done": False,
    }
    return told | more


def done(reason: str = "stop", **more: Any) -> dict[str, Any]:
    counts = {"prompt_eval_count": 26, "eval_count": 298, "eval_duration": 4_700_000_000, "total_duration": 5}
    return line(done=True, done_reason=reason) | counts | more


ANSWER = (line("a"), line("ü"), done())


def test_the_request_is_ollamas_own_and_needs_no_key() -> None:
    request = WIRE.request(ask(), None, "call-1")
    assert request.path == "/api/chat"
    assert request.headers["Accept"] == "application/x-ndjson"
    assert request.headers["X-Client-Request-Id"] == "call-1"
    assert "Authorization" not in request.headers
    assert orjson.loads(request.body) == {
        "model": "qwen3-coder:30b",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "ü"}],
        "stream": True,
        "options": {"num_predict": 500, "num_ctx": SMALLEST_CONTEXT, "temperature": 0.1},
    }


def test_ollamas_cloud_takes_a_key_as_bearer_token() -> None:
    assert WIRE.request(ask(), "key", "c").headers["Authorization"] == "Bearer key"


@given(st.integers(0, 200_000))
def test_the_context_holds_the_prompt_and_the_answer(size: int) -> None:
    given_ = ask(messages=(Message("user", "x" * size),))
    needed = tokens.estimate("x" * size) + given_.max_output_tokens
    assert needed <= room(given_) <= max(SMALLEST_CONTEXT, 2 * needed)


def test_an_answer_that_must_fit_a_schema_is_asked_for_as_format() -> None:
    assert wires.sent(WIRE, ask(schema=wires.SCHEMA))["format"] == wires.SCHEMA


def test_an_answer_is_put_together_from_its_lines() -> None:
    reply = wires.fed(WIRE, *ANSWER)
    assert (reply.text, reply.model, WIRE.closed(reply)) == ("aü", "qwen3-coder:30b", None)
    assert reply.usage == Usage(input_tokens=26, output_tokens=298)
    assert reply.raw_usage == {
        "prompt_eval_count": 26, "eval_count": 298, "eval_duration": 4_700_000_000, "total_duration": 5,
    }  # fmt: skip
    assert WIRE.framing is JsonLines


def test_thinking_moves_an_answer_on_and_is_no_part_of_it() -> None:
    reply = Reply()
    thinking = line() | {"message": {"role": "assistant", "content": "", "thinking": "hm"}}
    moved = [WIRE.feed(reply, orjson.dumps(each)) for each in (line(), thinking, line("a"), done())]
    assert moved == [False, True, True, True]
    assert reply.text == "a"


def test_an_end_without_counts_has_no_usage() -> None:
    assert wires.fed(WIRE, line("a"), line(done=True, done_reason="stop")).usage is None


@pytest.mark.parametrize(
    ("pieces", "category"),
    [
        ((), Category.TRUNCATED),
        ((line("half"),), Category.TRUNCATED),
        ((line("x"), done("length")), Category.OUTPUT_LIMIT),
        ((done("load"),), Category.MALFORMED),
        ((line("x"), {"error": "an error was encountered while running the model"}), Category.SERVER_ERROR),
        (({"error": "server busy, please try again.  maximum pending requests exceeded"},),
         Category.OVERLOADED),
        (({"error": "the input length exceeds the context length"},), Category.CONTEXT_TOO_LONG),
        (({"error": 'model "llama9" not found, try pulling it first'},), Category.MODEL_NOT_FOUND),
        (({"error": {"message": "odd"}},), Category.SERVER_ERROR),
    ],
)  # fmt: skip
def test_a_stream_that_ends_without_a_whole_answer_is_a_failure(
    pieces: tuple[Any, ...], category: Category
) -> None:
    ended = WIRE.closed(wires.fed(WIRE, *pieces))
    assert ended is not None
    assert ended.category is category


@pytest.mark.parametrize(
    ("status", "body", "headers", "category"),
    [
        (400, {"error": "invalid options"}, {}, Category.BAD_REQUEST),
        (400, {"error": "the input length exceeds the context length"}, {}, Category.CONTEXT_TOO_LONG),
        (401, {"error": "unauthorized"}, {}, Category.UNAUTHORIZED),
        (404, {"error": "model 'llama9' not found"}, {}, Category.MODEL_NOT_FOUND),
        (429, {"error": "too many requests"}, {"retry-after": "3"}, Category.RATE_LIMITED),
        (500, {"error": "model requires more system memory (44 GiB) than is available (7 GiB)"}, {},
         Category.SERVER_ERROR),
        (503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, {},
         Category.OVERLOADED),
        (502, None, {}, Category.SERVER_ERROR),
    ],
)  # fmt: skip
def test_the_table_of_errors(status: int, body: Any, headers: dict[str, str], category: Category) -> None:
    assert wires.failed(WIRE, status, body, headers) is category


JSON = wires.json_of(
    "message",
    "content",
    "thinking",
    "done",
    "done_reason",
    "model",
    "error",
    "prompt_eval_count",
    "eval_count",
)


@given(st.lists(st.one_of(st.binary(max_size=20), JSON.map(orjson.dumps)), max_size=4))
def test_whatever_comes_is_an_answer_a_failure_or_malformed(pieces: list[bytes]) -> None:
    reply = Reply()
    try:
        for piece in pieces:
            WIRE.feed(reply, piece)
        WIRE.closed(reply)
    except wires.MALFORMED:
        pass
    assert isinstance(reply.text, str)
    assert reply.model is None or isinstance(reply.model, str)


@given(st.integers(100, 999), st.one_of(st.binary(max_size=40), JSON.map(orjson.dumps)))
def test_whatever_an_error_says_it_has_a_category(status: int, body: bytes) -> None:
    named = WIRE.failure(status, {}, body)
    assert named.category in Category
    assert named.message
    assert "\0" not in named.message
