"""Anthropic's wire: what is sent, what is read, and what each failure means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import clock
from schemas.calls import Usage
from schemas.errors import Category
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.providers.anthropic import AnthropicMessages, retry_after
from workers.providers.base import Ask, Reply

WIRE = AnthropicMessages()
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-6",
        "stop_reason": None,
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
            "output_tokens": 1, "service_tier": "standard",
        },
    },
}  # fmt: skip
PING = {"type": "ping"}


def ask(model: str = "claude-sonnet-4-6", **more: Any) -> Ask:
    return wires.ask(Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC, model, **more)


def delta(text: str) -> dict[str, Any]:
    inner = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": inner}


def stop(reason: str | None, **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


ANSWER = (
    START, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, PING,
    delta("a"), delta("ü"), {"type": "content_block_stop", "index": 0}, stop("end_turn", output_tokens=77),
    {"type": "message_stop"},
)  # fmt: skip


def error(kind: str, message: str = "m", **details: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": kind, "message": message}
    return {
        "type": "error",
        "error": inner | ({"details": details} if details else {}),
        "request_id": "req_1",
    }


def ended(*pieces: Any) -> Category | None:
    failure = WIRE.closed(wires.fed(WIRE, *pieces))
    return failure.category if failure else None


def test_the_request_keeps_the_system_prompt_apart_and_always_limits_the_output() -> None:
    request = WIRE.request(ask(messages=wires.TALK), "key", "call-1")
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == "key"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.headers["X-Client-Request-Id"] == "call-1"
    assert "Authorization" not in request.headers
    assert orjson.loads(request.body) == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 500,
        "system": "s",
        "messages": [
            {"role": "user", "content": "ü"},
            {"role": "assistant", "content": "x"},
            {"role": "user", "content": "mend"},
        ],
        "stream": True,
        "temperature": 0.1,
    }


def test_a_base_url_that_has_the_version_already_gets_it_once() -> None:
    assert WIRE.request(ask(base_url="http://x/v1/"), "key", "c").path == "/messages"


def test_another_endpoint_of_this_wire_gets_its_key_in_the_same_header() -> None:
    custom = wires.ask(Wire.ANTHROPIC_MESSAGES, Vendor.CUSTOM, "m")
    assert WIRE.request(custom, "key", "c").headers["x-api-key"] == "key"
    assert "x-api-key" not in WIRE.request(custom, None, "c").headers


@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-5-5", "claude-fable-5", "claude-new"])
def test_the_newest_models_get_no_temperature(model: str) -> None:
    assert "temperature" not in wires.sent(WIRE, ask(model))


def test_a_temperature_stays_within_what_the_vendor_takes() -> None:
    assert wires.sent(WIRE, ask(temperature=1.7))["temperature"] == 1.0


def test_an_answer_that_must_fit_a_schema_is_asked_for_as_output_format() -> None:
    body = wires.sent(WIRE, ask(schema=wires.SCHEMA))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": wires.SCHEMA}}


def test_a_schema_that_no_grammar_can_be_made_of_is_put_in_words() -> None:
    for beyond in ({"maxLength": 3}, {"$ref": "#"}):
        schema = wires.SCHEMA | {"properties": {"a": {"type": "string", **beyond}}}
        body = wires.sent(WIRE, ask(schema=schema))
        assert "output_config" not in body
        assert "JSON Schema" in body["system"]


def test_an_answer_is_put_together_from_its_events() -> None:
    reply = wires.fed(WIRE, *ANSWER)
    assert (reply.text, reply.model, reply.tier) == ("aü", "claude-sonnet-4-6", "standard")
    assert WIRE.closed(reply) is None
    assert reply.usage == Usage(
        input_tokens=3_210, cached_tokens=3_000, cache_write_tokens=200, cache_write_1h_tokens=50,
        output_tokens=77,
    )  # fmt: skip


def test_the_last_counts_stand_for_all_and_are_not_added_up() -> None:
    last = stop("end_turn", input_tokens=11, cache_read_input_tokens=None, output_tokens=90,
                output_tokens_details={"thinking_tokens": 60})  # fmt: skip
    reply = wires.fed(WIRE, START, delta("x"), stop(None, output_tokens=40), last)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cached_tokens) == (3_211, 3_000)
    assert (reply.usage.output_tokens, reply.usage.reasoning_tokens) == (90, 60)


def test_the_placeholder_of_the_start_is_no_usage() -> None:
    assert wires.fed(WIRE, START, delta("half")).usage is None
    assert wires.fed(WIRE, START, delta("x"), stop("end_turn")).usage is None


def test_a_ping_is_no_progress_and_thinking_is() -> None:
    reply = Reply()
    thinking = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}
    signature = {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "x"}}
    moved = [WIRE.feed(reply, orjson.dumps(event)) for event in (PING, thinking, signature, delta("a"))]
    assert moved == [False, True, False, True]
    assert reply.text == "a"


@pytest.mark.parametrize(
    ("pieces", "category"),
    [
        ((), Category.TRUNCATED),
        ((START, delta("half")), Category.TRUNCATED),
        ((START, delta("x"), stop("max_tokens", output_tokens=2)), Category.OUTPUT_LIMIT),
        ((START, stop("refusal", output_tokens=2)), Category.CONTENT_FILTERED),
        ((START, delta("x"), stop("model_context_window_exceeded")), Category.CONTEXT_TOO_LONG),
        ((START, delta("x"), stop("pause_turn")), Category.TRUNCATED),
        ((START, delta("x"), stop("tool_use")), Category.MALFORMED),
        ((START, delta("x"), stop("something_new")), Category.MALFORMED),
        ((START, delta(" "), stop("end_turn")), Category.MALFORMED),
        ((START, delta("x"), stop("stop_sequence")), None),
        ((START, delta("x"), error("overloaded_error")), Category.OVERLOADED),
        ((error("api_error"),), Category.SERVER_ERROR),
        ((error("rate_limit_error"),), Category.RATE_LIMITED),
        (({"type": "error"},), Category.SERVER_ERROR),
        ((*ANSWER, {"type": "of_the_future", "x": 1}), None),
    ],
)
def test_how_a_stream_may_end(pieces: tuple[Any, ...], category: Category | None) -> None:
    assert ended(*pieces) is category


def test_a_refusal_is_paid_by_its_usage() -> None:
    reply = wires.fed(WIRE, START, stop("refusal", output_tokens=2))
    assert (reply.usage or Usage()).output_tokens == 2


@pytest.mark.parametrize(
    ("status", "body", "headers", "category"),
    [
        (400, error("invalid_request_error"), {}, Category.BAD_REQUEST),
        (400, error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), {},
         Category.CONTEXT_TOO_LONG),
        (400, error("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 > 8"), {},
         Category.CONTEXT_TOO_LONG),
        (400, error("invalid_request_error", "Your credit balance is too low to access the API."), {},
         Category.QUOTA_EXHAUSTED),
        (400, error("invalid_request_error", "You have reached your specified API usage limits."), {},
         Category.QUOTA_EXHAUSTED),
        (400, error("invalid_request_error", "Output blocked by content filtering policy"), {},
         Category.CONTENT_FILTERED),
        (401, error("authentication_error"), {}, Category.UNAUTHORIZED),
        (402, error("billing_error"), {}, Category.QUOTA_EXHAUSTED),
        (403, error("permission_error"), {}, Category.UNAUTHORIZED),
        (404, error("not_found_error"), {}, Category.MODEL_NOT_FOUND),
        (413, error("request_too_large"), {}, Category.CONTEXT_TOO_LONG),
        (429, error("rate_limit_error"), {"retry-after": "7"}, Category.RATE_LIMITED),
        (429, error("rate_limit_error"), {}, Category.QUOTA_EXHAUSTED),
        (429, error("rate_limit_error", error_code="enforced_spend_limit_reached"), {"retry-after": "7"},
         Category.QUOTA_EXHAUSTED),
        (500, error("api_error"), {}, Category.SERVER_ERROR),
        (504, error("timeout_error"), {}, Category.SERVER_ERROR),
        (529, error("overloaded_error"), {}, Category.OVERLOADED),
        (529, "no object", {}, Category.OVERLOADED),
        (502, None, {}, Category.SERVER_ERROR),
        (418, error("teapot_error"), {}, Category.BAD_REQUEST),
    ],
)  # fmt: skip
def test_the_table_of_errors(status: int, body: Any, headers: dict[str, str], category: Category) -> None:
    assert wires.failed(WIRE, status, body, headers) is category


def test_a_spend_limit_is_named() -> None:
    body = orjson.dumps(error("rate_limit_error", error_code="enforced_spend_limit_reached"))
    assert WIRE.failure(429, {}, body).code == "enforced_spend_limit_reached"


def test_a_used_up_rate_is_waited_for_until_its_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)

    def reset(rate: str, remaining: str, at: datetime) -> dict[str, str]:
        name = f"anthropic-ratelimit-{rate}"
        return {f"{name}-remaining": remaining, f"{name}-reset": at.strftime("%Y-%m-%dT%H:%M:%SZ")}

    soon, later = now + timedelta(seconds=5), now + timedelta(seconds=40)
    assert retry_after(reset("requests", "0", soon) | reset("input-tokens", "0", later)) == 40.0
    assert retry_after(reset("requests", "0", soon) | reset("output-tokens", "9", later)) == 5.0
    assert retry_after({"retry-after": "3"} | reset("tokens", "0", later)) == 3.0
    assert retry_after(reset("tokens", "0", now - timedelta(seconds=9))) == 0.0
    assert retry_after({"anthropic-ratelimit-tokens-remaining": "0"}) is None
    garbled = {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-20"}
    assert retry_after(garbled) is None


def test_an_answer_is_known_by_its_request_id() -> None:
    reply = Reply()
    WIRE.head(reply, {"request-id": "req_1"})
    assert reply.request_id == "req_1"


JSON = wires.json_of(
    "type", "message", "delta", "usage", "text", "stop_reason", "model", "error", "details", "error_code",
    "input_tokens", "output_tokens", "cache_creation", "ephemeral_1h_input_tokens", "service_tier",
    "cache_read_input_tokens", "output_tokens_details", "thinking_tokens",
)  # fmt: skip
KINDS = st.sampled_from(["message_start", "content_block_delta", "message_delta", "error", "ping"])
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


@given(st.integers(100, 999), st.one_of(st.binary(max_size=40), JSON.map(orjson.dumps)))
def test_whatever_an_error_says_it_has_a_category(status: int, body: bytes) -> None:
    named = WIRE.failure(status, {}, body)
    assert named.category in Category
    assert named.message
    assert "\0" not in named.message
