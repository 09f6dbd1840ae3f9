"""OpenAI's chat completions, as OpenAI and every compatible server speak them.

`prompt_tokens` includes cached ones and `completion_tokens` includes reasoning. A stream without a
finish reason is a failure, not an answer.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from orchestrator.catalogue.models import takes_temperature
from schemas.calls import Usage
from schemas.errors import Category, Failure
from schemas.providers import Vendor
from workers.providers.base import Ask, Reply, WireRequest

_QUOTA_CODES: Final = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
)
_BY_STATUS: Final[dict[int, Category]] = {
    400: Category.BAD_REQUEST,
    401: Category.UNAUTHORIZED,
    402: Category.QUOTA_EXHAUSTED,
    403: Category.UNAUTHORIZED,
    404: Category.MODEL_NOT_FOUND,
    408: Category.SERVER_ERROR,
    413: Category.CONTEXT_TOO_LONG,
    422: Category.BAD_REQUEST,
    429: Category.RATE_LIMITED,
    503: Category.OVERLOADED,
    529: Category.OVERLOADED,
}
_BY_CODE: Final[dict[str, Category]] = {
    "context_length_exceeded": Category.CONTEXT_TOO_LONG,
    "content_filter": Category.CONTENT_FILTERED,
    "content_policy_violation": Category.CONTENT_FILTERED,
    "model_not_found": Category.MODEL_NOT_FOUND,
    "invalid_api_key": Category.UNAUTHORIZED,
    "rate_limit_exceeded": Category.RATE_LIMITED,
    "slow_down": Category.RATE_LIMITED,
    "overloaded_error": Category.OVERLOADED,
    "server_is_overloaded": Category.OVERLOADED,
    "server_error": Category.SERVER_ERROR,
}
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[smhd])")
_DURATION: Final = re.compile(f"(?:{_PART.pattern})*")
_BY_FINISH: Final[dict[str, Failure]] = {
    "length": Failure(
        category=Category.OUTPUT_LIMIT, message="The answer reached the output limit; raise max_tokens."
    ),
    "content_filter": Failure(
        category=Category.CONTENT_FILTERED, message="The provider's content filter cut the answer."
    ),
}


class OpenAIChat:
    """`POST {base_url}/chat/completions`, always streamed."""

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request; our call id travels as `X-Client-Request-Id`."""
        limit = "max_completion_tokens" if ask.provider.vendor is Vendor.OPENAI else "max_tokens"
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: ask.max_output_tokens,
        }
        if ask.temperature is not None and takes_temperature(ask.model):
            body["temperature"] = ask.temperature
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "X-Client-Request-Id": call_id,
        }
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        # orjson hands back a buffer much larger than its content; the request is held as long as the call.
        return WireRequest("/chat/completions", headers, bytes(memoryview(orjson.dumps(body))))

    def feed(self, reply: Reply, data: bytes) -> None:
        """Take in one chunk; an `error` object inside the stream ends it as a failure."""
        if data == b"[DONE]":
            return
        chunk = orjson.loads(data)
        if not isinstance(chunk, dict):
            raise TypeError("a chunk must be an object")
        if chunk.get("error"):
            reply.failure = _failure_of(None, chunk["error"], None)
            return
        reply.model = _text(chunk, "model") or reply.model
        reply.tier = _text(chunk, "service_tier") or reply.tier
        if chunk.get("usage"):
            reply.raw_usage = chunk["usage"]
            reply.usage = _usage(chunk["usage"])
        for choice in chunk.get("choices") or ():
            _take_choice(reply, choice)

    def closed(self, reply: Reply) -> Failure | None:
        """None if the answer is complete."""
        if reply.failure is not None:
            return reply.failure
        if not reply.finished:
            return Failure(category=Category.TRUNCATED, message="The stream ended without a finish reason.")
        if not reply.text.strip():
            return Failure(category=Category.MALFORMED, message="The answer was empty.")
        return None

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error object where there is one, else the status alone."""
        try:
            parsed = orjson.loads(body)
        except ValueError:
            parsed = None
        error = parsed.get("error") if isinstance(parsed, dict) else None
        return _failure_of(status, error, retry_after(headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `retry-after-ms`, `retry-after`, or until a used-up rate is reset; None if unsaid."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if 0 <= seconds < 10**7:
            return seconds
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def _duration(text: str) -> float | None:
    """`20ms`, `7.5s`, `6m0s` in seconds."""
    parts = _DURATION.fullmatch(text)
    if parts is None or not text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _text(chunk: dict[str, Any], key: str) -> str | None:
    value = chunk.get(key)
    return value[:200] if isinstance(value, str) else None


def _take_choice(reply: Reply, choice: dict[str, Any]) -> None:
    content = (choice.get("delta") or {}).get("content")
    if content and not isinstance(content, str):
        raise TypeError("content must be a text")
    if content:
        reply.parts.append(content)
    finish = choice.get("finish_reason")
    if finish:
        reply.finished = True
        reply.failure = _BY_FINISH.get(finish, reply.failure)


def _usage(raw: dict[str, Any]) -> Usage:
    prompt = raw.get("prompt_tokens_details") or {}
    completion = raw.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=raw.get("prompt_tokens") or 0,
        cached_tokens=prompt.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        output_tokens=raw.get("completion_tokens") or 0,
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
    )


def _failure_of(status: int | None, error: Any, hint: float | None) -> Failure:
    details = error if isinstance(error, dict) else {}
    codes = [str(details[key]) for key in ("code", "type") if details.get(key)]
    return Failure(
        category=_category(status, codes, hint),
        message=_message(details.get("message") or f"The provider answered with status {status}."),
        http_status=status,
        code=codes[0] if codes else None,
        retry_after=hint,
    )


def _message(told: object) -> str:
    """Postgres keeps neither a NUL nor half a character."""
    return str(told)[:1000].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _category(status: int | None, codes: list[str], hint: float | None) -> Category:
    if any(code in _QUOTA_CODES for code in codes):
        return Category.QUOTA_EXHAUSTED
    if status == 429:
        named = any(_BY_CODE.get(code) is Category.RATE_LIMITED for code in codes)
        return Category.RATE_LIMITED if named or hint is not None else Category.QUOTA_EXHAUSTED
    for code in codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if status is None:
        return Category.SERVER_ERROR
    return _BY_STATUS.get(status, Category.SERVER_ERROR if status >= 500 else Category.BAD_REQUEST)
