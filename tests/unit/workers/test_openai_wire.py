"""OpenAI's chat wire: what is sent, what is read, and what each failure means."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import clock
from schemas.calls import Usage
from schemas.errors import FOLLOWS, Category, Follow
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.errand import JOB_WIRES
from workers.providers import WIRES
from workers.providers.base import Ask, Reply
from workers.providers.openai import OpenAIChat
from workers.providers.openai_errors import retry_after

WIRE = OpenAIChat()
MALFORMED = (ValueError, TypeError, AttributeError)


def ask(
    vendor: Vendor = Vendor.OPENAI,
    model: str = "gpt-4.1-mini",
    temperature: float | None = 0.1,
    schema: dict[str, Any] | None = None,
) -> Ask:
    return wires.ask(Wire.OPENAI_CHAT, vendor, model, temperature=temperature, schema=schema)


def sent(given_: Ask) -> dict[str, Any]:
    return wires.sent(WIRE, given_)


def fed(*chunks: Any) -> Reply:
    return wires.fed(WIRE, *chunks)


def delta(content: Any = None, finish: Any = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


def used(counts: dict[str, Any]) -> Reply:
    """A whole answer with these counts after it."""
    return fed(delta("x", "stop"), {"choices": [], "usage": counts})


def failed(status: int, error: Any = None, **headers: str) -> Category:
    body = orjson.dumps({"error": error}) if error is not None else b"<html>"
    return WIRE.failure(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body
    ).category


def test_every_wire_has_its_format() -> None:
    assert set(WIRES) | JOB_WIRES == set(Wire) - {Wire.CUSTOM, Wire.ADAPTER}
    assert not set(WIRES) & JOB_WIRES


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
    reply = used(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 7},
            "completion_tokens_details": {"reasoning_tokens": 40},
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
    reply = used(usage)
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
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 99999 07:28:00 GMT"}, None),
        ({"retry-after": "tomorrow"}, None),
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


JSON = wires.json_of(
    "choices", "delta", "content", "finish_reason", "usage", "model", "service_tier", "error", "code", "type",
    "message", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details",
    "cached_tokens", "reasoning_tokens", "cost", "is_byok", "cost_details", "metadata", "refusal",
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


@pytest.mark.parametrize(
    ("vendor", "limit", "asks_for_usage"),
    [
        (Vendor.OPENAI, "max_completion_tokens", True),
        (Vendor.AZURE, "max_completion_tokens", True),
        (Vendor.GROQ, "max_completion_tokens", True),
        (Vendor.OPENROUTER, "max_tokens", True),
        (Vendor.MISTRAL, "max_tokens", False),
        (Vendor.CUSTOM, "max_tokens", True),
    ],
)
def test_each_vendor_is_asked_in_its_own_way(vendor: Vendor, limit: str, asks_for_usage: bool) -> None:
    body = sent(ask(vendor))
    assert body[limit] == 500
    assert ("stream_options" in body) is asks_for_usage


def test_an_answer_that_must_fit_a_schema_is_asked_for_as_the_vendor_can() -> None:
    schema = wires.SCHEMA
    assert sent(ask(schema=schema))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }
    assert sent(ask(Vendor.DEEPSEEK, schema=schema))["response_format"] == {"type": "json_object"}
    assert "JSON Schema" in sent(ask(Vendor.DEEPSEEK, schema=schema))["messages"][0]["content"]
    loose = sent(ask(schema={"type": "object"}))["response_format"]["json_schema"]
    assert loose["strict"] is False
    assert "response_format" not in sent(ask())


def test_an_azure_deployment_of_an_unknown_model_gets_no_temperature() -> None:
    assert "temperature" not in sent(ask(Vendor.AZURE, "our-deployment"))
    assert "temperature" in sent(ask(Vendor.AZURE, "gpt-4o"))
    assert "temperature" in sent(ask(Vendor.AZURE, "gpt-35-turbo"))


def test_reasoning_that_the_completion_leaves_out_is_added_once() -> None:
    grok = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}
    details = {"completion_tokens_details": {"reasoning_tokens": 94}}
    assert used(grok | details).usage == Usage(input_tokens=32, output_tokens=103, reasoning_tokens=94)
    other = {"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135}
    assert used(other | details).usage == Usage(input_tokens=32, output_tokens=103, reasoning_tokens=94)


def test_deepseeks_cache_hits_are_cached_tokens() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "prompt_cache_hit_tokens": 64}
    assert (used(usage).usage or Usage()).cached_tokens == 64


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        ({"cost": 0.00014}, 140_000),
        ({"cost": 0}, 0),
        ({"cost": 1e-10}, 1),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.19}}, 200_000_000),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.19}}, 10_000_000),
        ({"cost": 0.01, "is_byok": True}, None),
        ({"cost": -1}, None),
        ({"cost": True}, None),
        ({"cost": "1"}, None),
        ({"cost": 1e300}, None),
        ({}, None),
    ],
)
def test_what_a_router_says_it_charged_is_kept(usage: dict[str, Any], nanos: int | None) -> None:
    assert used({"prompt_tokens": 1} | usage).charged_nanos == nanos


@pytest.mark.parametrize(
    ("chunks", "category"),
    [
        (({"choices": [{"delta": {"refusal": "No."}}]}, delta(None, "stop")), Category.CONTENT_FILTERED),
        ((delta("x", "model_length"),), Category.CONTEXT_TOO_LONG),
        ((delta("x", "insufficient_system_resource"),), Category.OVERLOADED),
        ((delta("x"), {"error": {"code": 502}} | delta("", "error")), Category.SERVER_ERROR),
        ((delta("x", "error"),), Category.SERVER_ERROR),
        (({"error": {"code": 503}},), Category.OVERLOADED),
        (({"error": {"code": 429}},), Category.RATE_LIMITED),
        (({"error": {"code": 402}},), Category.QUOTA_EXHAUSTED),
        (({"error": {"message": "This model's maximum context length is 8192 tokens."}},),
         Category.CONTEXT_TOO_LONG),
    ],
)  # fmt: skip
def test_compatible_servers_have_their_own_ways_to_fail(chunks: tuple[Any, ...], category: Category) -> None:
    ended = WIRE.closed(fed(*chunks))
    assert ended is not None
    assert ended.category is category


@pytest.mark.parametrize(
    ("status", "body", "headers", "category"),
    [
        (422, {"object": "error", "message": "Extra inputs are not permitted", "code": "3001"}, {},
         Category.BAD_REQUEST),
        (422, {"detail": [{"type": "extra_forbidden"}]}, {}, Category.BAD_REQUEST),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens."}}, {},
         Category.CONTEXT_TOO_LONG),
        (403, {"error": {"code": 403, "metadata": {"reasons": ["violence"]}}}, {}, Category.CONTENT_FILTERED),
        (402, {"error": {"code": 402}}, {"retry-after": "9"}, Category.RATE_LIMITED),
        (402, {"error": {"code": 402}}, {}, Category.QUOTA_EXHAUSTED),
        (404, {"error": {"code": "DeploymentNotFound"}}, {}, Category.MODEL_NOT_FOUND),
        (410, None, {}, Category.MODEL_NOT_FOUND),
        (503, ["a list"], {}, Category.OVERLOADED),
    ],
)  # fmt: skip
def test_the_errors_of_compatible_servers(
    status: int, body: Any, headers: dict[str, str], category: Category
) -> None:
    assert WIRE.failure(status, headers, orjson.dumps(body)).category is category


def test_thinking_moves_an_answer_on_and_an_empty_chunk_does_not() -> None:
    reply = Reply()
    assert not WIRE.feed(reply, orjson.dumps(delta("")))
    assert not WIRE.feed(reply, b"[DONE]")
    assert WIRE.feed(reply, orjson.dumps({"choices": [{"delta": {"reasoning_content": "hm"}}]}))
    assert WIRE.feed(reply, orjson.dumps(delta("a")))
    assert reply.text == "a"


def test_an_answer_is_known_by_its_vendors_own_id() -> None:
    reply = Reply()
    WIRE.head(reply, {"apim-request-id": "azure-1"})
    assert reply.request_id == "azure-1"
    WIRE.head(reply, {"x-request-id": "req_1", "apim-request-id": "azure-1"})
    assert reply.request_id == "req_1"


def test_what_was_counted_before_the_end_is_no_usage() -> None:
    counted = {"usage": {"prompt_tokens": 9, "completion_tokens": 1, "cost": 1}}
    half = fed(delta("half") | counted)
    assert (half.usage, half.charged_nanos) == (None, None)
    assert fed(delta("half") | counted, delta("x", "stop")).usage is None
    assert fed(delta("half") | counted, delta("x", "stop") | counted).usage is not None


def test_a_date_to_come_again_at_is_a_cool_down_and_no_quota_used_up() -> None:
    at = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    assert 80 < (retry_after({"retry-after": at}) or 0) <= 90
    assert failed(429, {}, **{"retry-after": at}) is Category.RATE_LIMITED
