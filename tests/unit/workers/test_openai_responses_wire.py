"""OpenAI's responses wire: what is sent, what is read, and what each failure means."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import Category
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.providers.base import Ask, Reply
from workers.providers.openai_responses import OpenAIResponses

WIRE = OpenAIResponses()
COUNTS = {
    "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 7},
    "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 150,
}  # fmt: skip


def ask(model: str = "gpt-4.1-mini", **more: Any) -> Ask:
    return wires.ask(Wire.OPENAI_RESPONSES, Vendor.OPENAI, model, **more)


def delta(text: str, kind: str = "response.output_text.delta") -> dict[str, Any]:
    return {"type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text}


def response(kind: str, status: str, **more: Any) -> dict[str, Any]:
    inner = {"id": "resp_1", "model": "gpt-4.1-mini-2025-04-14", "status": status, "output": []}
    return {"type": f"response.{kind}", "sequence_number": 1, "response": inner | more}


CREATED = response("created", "in_progress", service_tier="auto", usage=None)
COMPLETED = response("completed", "completed", service_tier="default", usage=COUNTS)
ANSWER = (CREATED, response("in_progress", "in_progress"), delta("a"), delta("ü"), COMPLETED)


def ended(*pieces: Any) -> Category | None:
    failure = WIRE.closed(wires.fed(WIRE, *pieces))
    return failure.category if failure else None


def test_the_request_is_streamed_and_asks_to_store_nothing() -> None:
    request = WIRE.request(ask(messages=wires.TALK), "key", "call-1")
    assert request.path == "/responses"
    assert request.headers["Authorization"] == "Bearer key"
    assert request.headers["X-Client-Request-Id"] == "call-1"
    assert orjson.loads(request.body) == {
        "model": "gpt-4.1-mini",
        "instructions": "s",
        "input": [
            {"role": "user", "content": "ü"},
            {"role": "assistant", "content": "x"},
            {"role": "user", "content": "mend"},
        ],
        "stream": True,
        "store": False,
        "service_tier": "default",
        "max_output_tokens": 500,
        "temperature": 0.1,
    }


def test_a_model_that_reasons_gets_no_temperature() -> None:
    assert "temperature" not in wires.sent(WIRE, ask("gpt-5-mini"))


def test_an_answer_that_must_fit_a_schema_is_asked_for_as_text_format() -> None:
    assert wires.sent(WIRE, ask(schema=wires.SCHEMA))["text"] == {
        "format": {"type": "json_schema", "name": "answer", "schema": wires.SCHEMA, "strict": True}
    }


def test_an_answer_is_put_together_from_its_events() -> None:
    reply = wires.fed(WIRE, *ANSWER)
    assert (reply.text, reply.model, reply.tier) == ("aü", "gpt-4.1-mini-2025-04-14", "default")
    assert WIRE.closed(reply) is None
    assert reply.raw_usage == COUNTS
    assert reply.usage == Usage(
        input_tokens=100, cached_tokens=60, cache_write_tokens=7, output_tokens=50, reasoning_tokens=40
    )


def test_an_answer_that_came_in_no_pieces_is_taken_from_the_last_event() -> None:
    output = [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "whole"}, {"type": "refusal"}]},
    ]
    assert wires.fed(WIRE, response("completed", "completed", output=output)).text == "whole"


def test_reasoning_moves_an_answer_on_and_an_announcement_does_not() -> None:
    reply = Reply()
    thought = delta("hm", "response.reasoning_summary_text.delta")
    added = {"type": "response.output_item.added", "item": {}}
    moved = [
        WIRE.feed(reply, orjson.dumps(each)) for each in (CREATED, added, delta(""), thought, delta("a"))
    ]
    assert moved == [False, False, False, True, True]
    assert reply.text == "a"


@pytest.mark.parametrize(
    ("pieces", "category"),
    [
        ((), Category.TRUNCATED),
        ((CREATED, delta("half")), Category.TRUNCATED),
        ((delta("x"), response("incomplete", "incomplete", usage=COUNTS,
                               incomplete_details={"reason": "max_output_tokens"})), Category.OUTPUT_LIMIT),
        ((response("incomplete", "incomplete", incomplete_details={"reason": "content_filter"}),),
         Category.CONTENT_FILTERED),
        ((delta("x"), response("incomplete", "incomplete", incomplete_details=None)), Category.TRUNCATED),
        ((response("failed", "failed", error={"code": "server_error", "message": "m"}),),
         Category.SERVER_ERROR),
        ((delta("x"), response("failed", "failed", error={"code": "rate_limit_exceeded"})),
         Category.RATE_LIMITED),
        ((response("failed", "failed", error=None),), Category.SERVER_ERROR),
        (({"type": "error", "code": "server_is_overloaded", "message": "m"},), Category.OVERLOADED),
        (({"type": "error", "error": {"type": "overloaded_error"}},), Category.OVERLOADED),
        (({"type": "error", "code": None, "message": "m"},), Category.SERVER_ERROR),
        ((delta("No.", "response.refusal.delta"), COMPLETED), Category.CONTENT_FILTERED),
        ((COMPLETED,), Category.MALFORMED),
        ((*ANSWER, {"type": "response.of_the_future"}), None),
    ],
)  # fmt: skip
def test_how_a_stream_may_end(pieces: tuple[Any, ...], category: Category | None) -> None:
    assert ended(*pieces) is category


def test_an_incomplete_answer_is_paid_by_its_usage() -> None:
    reply = wires.fed(WIRE, response("incomplete", "incomplete", usage=COUNTS))
    assert (reply.usage or Usage()).output_tokens == 50


@pytest.mark.parametrize(
    ("status", "body", "headers", "category"),
    [
        (400, {"error": {"type": "invalid_request_error"}}, {}, Category.BAD_REQUEST),
        (400, {"error": {"code": "context_length_exceeded"}}, {}, Category.CONTEXT_TOO_LONG),
        (400, {"error": {"code": "invalid_prompt"}}, {}, Category.CONTENT_FILTERED),
        (401, {"error": {"code": "invalid_api_key"}}, {}, Category.UNAUTHORIZED),
        (404, {"error": {"code": "model_not_found"}}, {}, Category.MODEL_NOT_FOUND),
        (429, {"error": {"code": "insufficient_quota"}}, {}, Category.QUOTA_EXHAUSTED),
        (429, {"error": {"code": "rate_limit_exceeded"}}, {"retry-after": "3"}, Category.RATE_LIMITED),
        (503, None, {}, Category.OVERLOADED),
    ],
)
def test_its_errors_are_those_of_the_chat_wire(
    status: int, body: Any, headers: dict[str, str], category: Category
) -> None:
    assert wires.failed(WIRE, status, body, headers) is category


JSON = wires.json_of(
    "response", "delta", "output", "content", "text", "usage", "model", "service_tier", "error", "code",
    "incomplete_details", "reason", "input_tokens", "output_tokens", "input_tokens_details", "message",
)  # fmt: skip
KINDS = st.sampled_from(
    ["response.completed", "response.incomplete", "response.failed", "response.output_text.delta", "error"]
)
EVENTS = st.one_of(st.binary(max_size=20), JSON.map(orjson.dumps)) | st.builds(
    lambda kind, rest: orjson.dumps((rest if isinstance(rest, dict) else {}) | {"type": kind}), KINDS, JSON
)


@given(st.lists(EVENTS, max_size=4))
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
    assert reply.tier is None or isinstance(reply.tier, str)
