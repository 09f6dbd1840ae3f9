"""OpenAI's chat wire: what is sent, what is read, and what each failure means."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import FOLLOWS, Category, Follow
from schemas.providers import Provider, Vendor, Wire
from workers.context import Message
from workers.providers import WIRES
from workers.providers.base import Ask, Reply
from workers.providers.openai import OpenAIChat, retry_after

WIRE = OpenAIChat()
MALFORMED = (ValueError, TypeError, AttributeError)


def ask(vendor: Vendor = Vendor.OPENAI, model: str = "gpt-4.1-mini", temperature: float | None = 0.1) -> Ask:
    provider = Provider(
        id=UUID(int=1), name="p", vendor=vendor, wire=Wire.OPENAI_CHAT, base_url="http://x", model=model,
        credential="none",
    )  # fmt: skip
    return Ask(provider, model, (Message("system", "s"), Message("user", "ü")), 500, temperature)


def sent(given_: Ask) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(WIRE.request(given_, "key", "call-1").body)
    return body


def fed(*chunks: Any) -> Reply:
    reply = Reply()
    for chunk in chunks:
        WIRE.feed(reply, chunk if isinstance(chunk, bytes) else orjson.dumps(chunk))
    return reply


def delta(content: Any = None, finish: Any = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


def failed(status: int, error: Any = None, **headers: str) -> Category:
    body = orjson.dumps({"error": error}) if error is not None else b"<html>"
    return WIRE.failure(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body
    ).category


def test_every_wire_has_its_format() -> None:
    assert set(WIRES) == set(Wire)


def test_the_request_carries_the_call_id_the_key_and_the_limit() -> None:
    request = WIRE.request(ask(), "key", "call-1")
    assert request.path == "/chat/completions"
    assert request.headers["X-Client-Request-Id"] == "call-1"
    assert request.headers["Authorization"] == "Bearer key"
    body = sent(ask())
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["max_completion_tokens"] == 500
    assert body["temperature"] == 0.1
    assert body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "ü"}]


def test_an_endpoint_without_a_key_gets_none() -> None:
    assert "Authorization" not in WIRE.request(ask(), None, "c").headers


def test_compatible_servers_get_the_older_name_of_the_limit() -> None:
    body = sent(ask(Vendor.CUSTOM))
    assert body["max_tokens"] == 500
    assert "max_completion_tokens" not in body


def test_a_model_that_reasons_gets_no_temperature() -> None:
    assert "temperature" not in sent(ask(model="gpt-5-mini"))
    assert "temperature" not in sent(ask(temperature=None))


def test_an_answer_is_put_together_from_its_chunks() -> None:
    reply = fed(
        {"model": "m-1", "service_tier": "flex", "usage": None} | delta(""), delta("a"), delta("b"),
        delta(None, "stop"), {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        b"[DONE]",
    )  # fmt: skip
    assert (reply.text, reply.model, reply.tier, reply.finished) == ("ab", "m-1", "flex", True)
    assert reply.usage == Usage(input_tokens=3, output_tokens=2)
    assert reply.raw_usage == {"prompt_tokens": 3, "completion_tokens": 2}
    assert WIRE.closed(reply) is None


def test_cached_and_reasoning_tokens_are_read_as_parts_of_their_totals() -> None:
    reply = fed(
        {
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 7},
                "completion_tokens_details": {"reasoning_tokens": 40},
            }
        }
    )
    assert reply.usage == Usage(
        input_tokens=100, cached_tokens=60, cache_write_tokens=7, output_tokens=50, reasoning_tokens=40
    )


@pytest.mark.parametrize(
    "usage",
    [{}, {"prompt_tokens": None}, {"prompt_tokens": 1, "prompt_tokens_details": None}, {"something": "else"}],
)
def test_usage_with_gaps_counts_what_it_says(usage: dict[str, Any]) -> None:
    reply = fed({"usage": usage})
    assert (reply.usage or Usage()).output_tokens == 0


@pytest.mark.parametrize(
    ("chunks", "category"),
    [
        ((), Category.TRUNCATED),
        ((delta("half"),), Category.TRUNCATED),
        ((delta("x", "length"),), Category.OUTPUT_LIMIT),
        ((delta("x", "content_filter"),), Category.CONTENT_FILTERED),
        ((delta(None, "stop"),), Category.MALFORMED),
        ((delta("  \n", "stop"),), Category.MALFORMED),
        (
            (delta("x"), {"error": {"code": "server_is_overloaded", "type": "server_error"}}),
            Category.OVERLOADED,
        ),
        ((delta("x"), {"error": {"type": "overloaded_error"}}), Category.OVERLOADED),
        ((delta("x"), {"error": "gone"}), Category.SERVER_ERROR),
        ((delta("x", "stop"), {"error": {"code": "rate_limit_exceeded"}}), Category.RATE_LIMITED),
    ],
)
def test_a_stream_that_ends_without_a_whole_answer_is_a_failure(
    chunks: tuple[Any, ...], category: Category
) -> None:
    ended = WIRE.closed(fed(*chunks))
    assert ended is not None
    assert ended.category is category


@pytest.mark.parametrize(
    ("status", "error", "headers", "category", "follow"),
    [
        (500, None, {}, Category.SERVER_ERROR, Follow.RETRY),
        (502, None, {}, Category.SERVER_ERROR, Follow.RETRY),
        (503, {"type": "server_error"}, {}, Category.SERVER_ERROR, Follow.RETRY),
        (503, None, {}, Category.OVERLOADED, Follow.RETRY),
        (529, {"type": "overloaded_error"}, {}, Category.OVERLOADED, Follow.RETRY),
        (408, None, {}, Category.SERVER_ERROR, Follow.RETRY),
        (429, {"code": "rate_limit_exceeded", "type": "requests"}, {}, Category.RATE_LIMITED, Follow.WAIT),
        (429, {"code": "slow_down"}, {}, Category.RATE_LIMITED, Follow.WAIT),
        (429, None, {"retry_after": "3"}, Category.RATE_LIMITED, Follow.WAIT),
        (429, None, {"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "6m0s"},
         Category.RATE_LIMITED, Follow.WAIT),
        (429, None, {}, Category.QUOTA_EXHAUSTED, Follow.REROUTE),
        (429, {"code": "insufficient_quota"}, {"retry_after": "3"}, Category.QUOTA_EXHAUSTED, Follow.REROUTE),
        (429, {"type": "insufficient_quota"}, {}, Category.QUOTA_EXHAUSTED, Follow.REROUTE),
        (429, {"code": "credit_balance_exhausted"}, {}, Category.QUOTA_EXHAUSTED, Follow.REROUTE),
        (402, None, {}, Category.QUOTA_EXHAUSTED, Follow.REROUTE),
        (401, {"code": "invalid_api_key"}, {}, Category.UNAUTHORIZED, Follow.REROUTE),
        (401, None, {}, Category.UNAUTHORIZED, Follow.REROUTE),
        (403, None, {}, Category.UNAUTHORIZED, Follow.REROUTE),
        (400, {"type": "invalid_request_error"}, {}, Category.BAD_REQUEST, Follow.FAIL),
        (422, None, {}, Category.BAD_REQUEST, Follow.FAIL),
        (418, None, {}, Category.BAD_REQUEST, Follow.FAIL),
        (404, {"code": "model_not_found"}, {}, Category.MODEL_NOT_FOUND, Follow.REROUTE),
        (404, None, {}, Category.MODEL_NOT_FOUND, Follow.REROUTE),
        (400, {"code": "context_length_exceeded"}, {}, Category.CONTEXT_TOO_LONG, Follow.REROUTE),
        (413, None, {}, Category.CONTEXT_TOO_LONG, Follow.REROUTE),
        (400, {"code": "content_filter"}, {}, Category.CONTENT_FILTERED, Follow.REROUTE),
        (400, {"code": "content_policy_violation"}, {}, Category.CONTENT_FILTERED, Follow.REROUTE),
    ],
)  # fmt: skip
def test_the_table_of_errors(
    status: int, error: Any, headers: dict[str, str], category: Category, follow: Follow
) -> None:
    assert failed(status, error, **headers) is category
    assert FOLLOWS[category] is follow


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "7", "retry-after-ms": "soon"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0.5s"}, 360.5),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "later"}, None),
        (
            {"retry-after": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"},
            1.0,
        ),
    ],
)
def test_when_to_come_again(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "choices", "delta", "content", "finish_reason", "usage", "model", "service_tier", "error",
                "code", "type", "message", "prompt_tokens", "completion_tokens", "prompt_tokens_details",
                "completion_tokens_details", "cached_tokens", "reasoning_tokens",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(st.one_of(st.binary(max_size=20), JSON.map(orjson.dumps)), max_size=4))
def test_whatever_comes_is_an_answer_a_failure_or_malformed(chunks: list[bytes]) -> None:
    reply = Reply()
    try:
        for chunk in chunks:
            WIRE.feed(reply, chunk)
        WIRE.closed(reply)
    except MALFORMED:
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


def test_a_providers_words_are_kept_within_bounds() -> None:
    told = WIRE.failure(400, {}, orjson.dumps({"error": {"message": "a\0b" + "x" * 10_000}}))
    assert len(told.message) == 1000
    assert told.message.startswith("a�b")
