"""Gemini's wire: what is sent, what is read, and what each failure means."""

from typing import Any
from urllib.parse import unquote

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import Category
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.providers.base import Ask, Reply
from workers.providers.gemini import Gemini

WIRE = Gemini()
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
RETRY = "type.googleapis.com/google.rpc.RetryInfo"


def ask(model: str = "gemini-2.5-flash", **more: Any) -> Ask:
    return wires.ask(Wire.GEMINI, Vendor.GOOGLE, model, **more)


def chunk(
    text: str | None = None, finish: str | None = None, usage: Any = None, **part: Any
) -> dict[str, Any]:
    parts = [] if text is None else [{"text": text} | part]
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    told = {"usageMetadata": usage} if usage else {}
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r-1"} | told


EARLY = {"promptTokenCount": 100, "candidatesTokenCount": 1, "totalTokenCount": 101}
COUNTS = {
    "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 20,
    "toolUsePromptTokenCount": 3, "thoughtsTokenCount": 50, "totalTokenCount": 173, "serviceTier": "STANDARD",
}  # fmt: skip
ANSWER = (chunk("hm", thought=True, usage=EARLY), chunk("a"), chunk("ü"), chunk("", "STOP", COUNTS))


def error(code: int, status: str, *details: Any, message: str = "m") -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def quota(name: str) -> dict[str, Any]:
    return {"@type": QUOTA, "violations": [{"quotaMetric": "requests", "quotaId": name}]}


def delay(written: str) -> dict[str, Any]:
    return {"@type": RETRY, "retryDelay": written}


PER_DAY = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
PER_MINUTE = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")


def test_the_request_keeps_the_system_prompt_apart_and_names_the_roles_its_way() -> None:
    request = WIRE.request(ask(messages=wires.TALK), "key", "call-1")
    assert request.path == "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert request.headers["x-goog-api-key"] == "key"
    assert request.headers["X-Client-Request-Id"] == "call-1"
    assert "key=" not in request.path
    assert orjson.loads(request.body) == {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "ü"}]},
            {"role": "model", "parts": [{"text": "x"}]},
            {"role": "user", "parts": [{"text": "mend"}]},
        ],
        "generationConfig": {"maxOutputTokens": 500, "temperature": 0.1},
    }


def test_a_model_of_the_third_generation_keeps_its_own_temperature() -> None:
    assert "temperature" not in wires.sent(WIRE, ask("gemini-3.5-flash"))["generationConfig"]


def test_an_answer_that_must_fit_a_schema_is_asked_for_as_json() -> None:
    asked = wires.sent(WIRE, ask(schema=wires.SCHEMA))["generationConfig"]
    assert (asked["responseMimeType"], asked["responseJsonSchema"]) == ("application/json", wires.SCHEMA)


@given(
    st.text(min_size=1, max_size=30) | st.sampled_from(["//evil.example/x", "..", "@evil.example", "a?b#c"])
)
def test_no_name_of_a_model_leads_to_another_host_or_path(model: str) -> None:
    path = WIRE.request(ask(model), "key", "c").path
    with_base = httpx.Client(base_url="http://the-provider/v1beta", trust_env=False, verify=False)
    url = with_base.build_request("POST", path).url
    assert (url.scheme, url.host, url.query) == ("http", "the-provider", b"alt=sse")
    raw = url.raw_path.decode().partition("?")[0]
    assert raw.count("/") == 3
    named = raw.removeprefix("/v1beta/models/").removesuffix(":streamGenerateContent")
    assert unquote(named) == model.removeprefix("models/")


def test_an_answer_is_put_together_from_its_chunks_and_thoughts_are_no_part_of_it() -> None:
    reply = wires.fed(WIRE, *ANSWER)
    assert (reply.text, reply.model, reply.tier) == ("aü", "gemini-2.5-flash", "standard")
    assert reply.request_id == "r-1"
    assert WIRE.closed(reply) is None
    assert reply.usage == Usage(input_tokens=103, cached_tokens=60, output_tokens=70, reasoning_tokens=50)
    assert reply.usage.input_tokens + reply.usage.output_tokens == COUNTS["totalTokenCount"]


def test_what_was_counted_before_the_end_is_no_usage() -> None:
    assert wires.fed(WIRE, chunk("half", usage=EARLY)).usage is None
    assert wires.fed(WIRE, chunk("half", usage=EARLY), chunk("x", "STOP")).usage is None


def test_counts_may_come_after_the_finish_reason() -> None:
    reply = wires.fed(WIRE, chunk("x", "STOP"), {"usageMetadata": EARLY})
    assert reply.usage == Usage(input_tokens=100, output_tokens=1)


def test_the_tier_that_served_may_stand_in_the_headers() -> None:
    reply = Reply()
    WIRE.head(reply, {"x-gemini-service-tier": "Priority", "x-request-id": "h-1"})
    WIRE.feed(reply, orjson.dumps(chunk("x", "STOP", EARLY)))
    assert (reply.tier, reply.request_id) == ("priority", "h-1")


def test_thinking_moves_an_answer_on_and_an_empty_chunk_does_not() -> None:
    reply = Reply()
    moved = [
        WIRE.feed(reply, orjson.dumps(each))
        for each in (chunk(), {"usageMetadata": EARLY}, chunk("hm", thought=True), chunk("a"))
    ]
    assert moved == [False, False, True, True]


@pytest.mark.parametrize(
    ("pieces", "category"),
    [
        ((), Category.TRUNCATED),
        ((chunk("half"),), Category.TRUNCATED),
        ((chunk("half", "FINISH_REASON_UNSPECIFIED"),), Category.TRUNCATED),
        ((chunk("x", "MAX_TOKENS"),), Category.OUTPUT_LIMIT),
        ((chunk("x", "SAFETY"),), Category.CONTENT_FILTERED),
        ((chunk(None, "RECITATION"),), Category.CONTENT_FILTERED),
        ((chunk(None, "PROHIBITED_CONTENT"),), Category.CONTENT_FILTERED),
        ((chunk("x", "MALFORMED_FUNCTION_CALL"),), Category.MALFORMED),
        ((chunk("x", "OTHER"),), Category.MALFORMED),
        ((chunk(None, "STOP"),), Category.MALFORMED),
        (({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": EARLY},), Category.CONTENT_FILTERED),
        ((chunk("x"), error(503, "UNAVAILABLE")), Category.OVERLOADED),
        ((chunk("x"), error(500, "INTERNAL")), Category.SERVER_ERROR),
        ((chunk("x"), error(429, "RESOURCE_EXHAUSTED", delay("5s"))), Category.RATE_LIMITED),
        (({"error": "gone"},), Category.SERVER_ERROR),
    ],
)
def test_a_stream_that_ends_without_a_whole_answer_is_a_failure(
    pieces: tuple[Any, ...], category: Category
) -> None:
    ended = WIRE.closed(wires.fed(WIRE, *pieces))
    assert ended is not None
    assert ended.category is category


def test_a_refused_prompt_is_paid_by_its_usage() -> None:
    reply = wires.fed(WIRE, {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": EARLY})
    assert (reply.usage or Usage()).input_tokens == 100


@pytest.mark.parametrize(
    ("status", "body", "category", "seconds"),
    [
        (400, error(400, "INVALID_ARGUMENT"), Category.BAD_REQUEST, None),
        (400, [error(400, "INVALID_ARGUMENT")], Category.BAD_REQUEST, None),
        (400, error(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), Category.UNAUTHORIZED, None),
        (400, error(400, "FAILED_PRECONDITION"), Category.UNAUTHORIZED, None),
        (400, error(400, "INVALID_ARGUMENT",
                    message="The input token count (9) exceeds the maximum number of tokens allowed (8)."),
         Category.CONTEXT_TOO_LONG, None),
        (400, error(400, "INVALID_ARGUMENT",
                    message="Request payload size exceeds the limit: 20971520 bytes."),
         Category.CONTEXT_TOO_LONG, None),
        (401, error(401, "UNAUTHENTICATED"), Category.UNAUTHORIZED, None),
        (403, error(403, "PERMISSION_DENIED"), Category.UNAUTHORIZED, None),
        (404, error(404, "NOT_FOUND"), Category.MODEL_NOT_FOUND, None),
        (429, error(429, "RESOURCE_EXHAUSTED", PER_MINUTE, delay("36s")), Category.RATE_LIMITED, 36.0),
        (429, [error(429, "RESOURCE_EXHAUSTED", delay("36.5s"))], Category.RATE_LIMITED, 36.5),
        (429, error(429, "RESOURCE_EXHAUSTED", PER_DAY, delay("36s")), Category.QUOTA_EXHAUSTED, None),
        (429, error(429, "RESOURCE_EXHAUSTED", PER_MINUTE, PER_DAY, delay("3s")), Category.QUOTA_EXHAUSTED,
         None),
        (429, error(429, "RESOURCE_EXHAUSTED"), Category.QUOTA_EXHAUSTED, None),
        (429, error(429, "RESOURCE_EXHAUSTED", delay("soon")), Category.QUOTA_EXHAUSTED, None),
        (500, error(500, "INTERNAL"), Category.SERVER_ERROR, None),
        (503, error(503, "UNAVAILABLE"), Category.OVERLOADED, None),
        (504, error(504, "DEADLINE_EXCEEDED"), Category.SERVER_ERROR, None),
        (502, [], Category.SERVER_ERROR, None),
        (503, [7], Category.OVERLOADED, None),
    ],
)  # fmt: skip
def test_the_table_of_errors(status: int, body: Any, category: Category, seconds: float | None) -> None:
    failure = WIRE.failure(status, {}, orjson.dumps(body))
    assert (failure.category, failure.retry_after) == (category, seconds)


def test_a_header_that_says_when_comes_before_the_body() -> None:
    body = orjson.dumps(error(429, "RESOURCE_EXHAUSTED", delay("36s")))
    assert WIRE.failure(429, {"retry-after": "7"}, body).retry_after == 7.0


JSON = wires.json_of(
    "candidates", "content", "parts", "text", "thought", "finishReason", "usageMetadata", "promptFeedback",
    "blockReason", "modelVersion", "responseId", "error", "code", "status", "message", "details",
    "violations", "quotaId", "retryDelay", "reason", "promptTokenCount", "candidatesTokenCount",
    "thoughtsTokenCount",
)  # fmt: skip


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
    assert reply.tier is None or isinstance(reply.tier, str)


@given(st.integers(100, 999), st.one_of(st.binary(max_size=40), JSON.map(orjson.dumps)))
def test_whatever_an_error_says_it_has_a_category(status: int, body: bytes) -> None:
    named = WIRE.failure(status, {}, body)
    assert named.category in Category
    assert named.message
    assert "\0" not in named.message
