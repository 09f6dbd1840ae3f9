"""Anthropic's messages, streamed.

Its `input_tokens` are only those that no cache had a part in: the total is the sum of three. `message_start`
carries a placeholder and the counts of `message_delta` are cumulative, so that usage is final with the stop
reason and not before. `ping` is no progress, and an `error` event may come inside a 200.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from orchestrator import clock
from schemas.calls import Usage
from schemas.errors import Category, Failure
from schemas.structured import Schema, is_strict, keywords, leads_back
from workers.providers.base import (
    LONGEST_WAIT,
    OUTPUT_LIMIT,
    REFUSED,
    WINDOW_FULL,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    by_status,
    error_body,
    hinted,
    inside,
    parsed,
    post,
    said,
    short,
    text,
    tokens,
)

VERSION: Final = "2023-06-01"
_BOUNDS: Final = frozenset(
    {
        "exclusiveMaximum", "exclusiveMinimum", "maximum", "maxItems", "maxLength", "maxProperties",
        "minimum", "minItems", "minLength", "minProperties", "multipleOf", "pattern", "uniqueItems",
    }
)  # fmt: skip
"""Keywords that its structured output refuses."""
_SPEND_LIMIT: Final = "enforced_spend_limit_reached"
_SPENT: Final = re.compile(r"API usage limits|credit balance is too low", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"prompt is too long|exceeds? (?:the )?context (?:limit|window)", re.IGNORECASE)
_FILTERED: Final = re.compile(r"blocked by content filtering", re.IGNORECASE)
_COMPLETE: Final = frozenset({"end_turn", "stop_sequence"})
_BY_STOP: Final[dict[str, Failure]] = {
    "max_tokens": OUTPUT_LIMIT,
    "refusal": REFUSED,
    "model_context_window_exceeded": WINDOW_FULL,
    "pause_turn": Failure(
        category=Category.TRUNCATED, message="The provider paused in the middle of its turn."
    ),
}
_BY_TYPE: Final[dict[str, Category]] = {
    "invalid_request_error": Category.BAD_REQUEST,
    "authentication_error": Category.UNAUTHORIZED,
    "permission_error": Category.UNAUTHORIZED,
    "billing_error": Category.QUOTA_EXHAUSTED,
    "not_found_error": Category.MODEL_NOT_FOUND,
    "request_too_large": Category.CONTEXT_TOO_LONG,
    "rate_limit_error": Category.RATE_LIMITED,
    "timeout_error": Category.SERVER_ERROR,
    "api_error": Category.SERVER_ERROR,
    "overloaded_error": Category.OVERLOADED,
}
_MAY_BE_SPENT: Final = frozenset({Category.BAD_REQUEST, Category.RATE_LIMITED})
_RATES: Final = ("requests", "tokens", "input-tokens", "output-tokens")


class AnthropicMessages(WireFormat):
    """`POST {base_url}/v1/messages`, always streamed."""

    request_id_headers: tuple[str, ...] = ("request-id", "x-request-id")

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request; the system prompt stands beside the messages."""
        schema = ask.schema if ask.schema is not None and _is_taken(ask.schema) else None
        ask = ask if schema is not None else ask.told_its_schema
        body: dict[str, Any] = {
            "model": ask.model,
            "max_tokens": ask.max_output_tokens,
            "messages": [{"role": message.role, "content": message.content} for message in ask.turns],
            "stream": True,
        }
        if ask.system:
            body["system"] = ask.system
        if ask.temperature_taken is not None:
            body["temperature"] = min(1.0, ask.temperature_taken)
        if schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        versioned = ask.provider.base_url.rstrip("/").endswith("/v1")
        path = "/messages" if versioned else "/v1/messages"
        return post(
            ask,
            credential,
            call_id,
            path,
            body,
            **{"anthropic-version": ask.provider.options.anthropic_version or VERSION},
        )

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one event."""
        event = parsed(data)
        match event.get("type"):
            case "message_start":
                message = inside(event, "message")
                reply.model = short(message, "model") or reply.model
                _count(reply, inside(message, "usage"))
                return True
            case "content_block_delta":
                return _take_delta(reply, inside(event, "delta"))
            case "message_delta":
                counts = inside(event, "usage")
                _count(reply, counts)
                stop = text(inside(event, "delta").get("stop_reason"), "stop_reason")
                if stop:
                    _stop(reply, stop, final="output_tokens" in counts)
                return bool(stop)
            case "error":
                reply.failure = _failure(None, event.get("error"), None)
                return True
            case _:
                return False

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error object where there is one, else the status alone."""
        told = error_body(body)
        return _failure(status, told.get("error") if isinstance(told, dict) else None, retry_after(headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: as the headers say, or until a used-up rate is reset; None if unsaid."""
    seconds = hinted(headers)
    if seconds is not None:
        return seconds
    resets = [
        _until(headers.get(f"anthropic-ratelimit-{rate}-reset", ""))
        for rate in _RATES
        if headers.get(f"anthropic-ratelimit-{rate}-remaining") == "0"
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def _until(moment: str) -> float | None:
    """Seconds until a time as RFC 3339 writes it; 0 where it has passed."""
    try:
        seconds = (datetime.fromisoformat(moment) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds) if seconds < LONGEST_WAIT else None


def _is_taken(schema: Schema) -> bool:
    """Whether its grammars can be made from a schema; another one is put in words, and verified too."""
    return is_strict(schema) and not keywords(schema) & _BOUNDS and not leads_back(schema)


def _take_delta(reply: Reply, delta: dict[str, Any]) -> bool:
    kind = delta.get("type")
    if kind == "text_delta":
        piece = text(delta.get("text"))
        if piece:
            reply.parts.append(piece)
        return bool(piece)
    return kind == "thinking_delta" and bool(delta.get("thinking"))


def _count(reply: Reply, counts: dict[str, Any]) -> None:
    """Later counts replace earlier ones; what an event leaves out stays as it was."""
    told = {key: value for key, value in counts.items() if value is not None}
    reply.raw_usage = (reply.raw_usage or {}) | told
    reply.tier = short(reply.raw_usage, "service_tier")


def _stop(reply: Reply, stop: str, *, final: bool) -> None:
    reply.finished = True
    if final and reply.raw_usage:
        reply.usage = _usage(reply.raw_usage)
    if stop not in _COMPLETE:
        message = f"The answer ended with the stop reason {stop!r}, which was not asked for."
        reply.failure = _BY_STOP.get(stop) or Failure(category=Category.MALFORMED, message=message[:200])


def _usage(raw: dict[str, Any]) -> Usage:
    cached = tokens(raw, "cache_read_input_tokens")
    written = tokens(raw, "cache_creation_input_tokens")
    return Usage(
        input_tokens=tokens(raw, "input_tokens") + written + cached,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=tokens(inside(raw, "cache_creation"), "ephemeral_1h_input_tokens"),
        output_tokens=tokens(raw, "output_tokens"),
        reasoning_tokens=tokens(inside(raw, "output_tokens_details"), "thinking_tokens"),
    )


def _failure(status: int | None, error: Any, hint: float | None) -> Failure:
    details = error if isinstance(error, dict) else {}
    more = details.get("details")
    limit = short(more, "error_code") if isinstance(more, dict) else None
    kind = short(details, "type")
    return Failure(
        category=_category(status, kind, limit, str(details.get("message")), hint),
        message=said(details.get("message"), status),
        http_status=status,
        code=limit or kind,
        retry_after=hint,
    )


def _category(
    status: int | None, kind: str | None, limit: str | None, message: str, hint: float | None
) -> Category:
    """A spend limit lasts until the next month, whatever else the answer says."""
    named = _BY_TYPE.get(kind or "")
    if limit == _SPEND_LIMIT or (named in _MAY_BE_SPENT and _SPENT.search(message)):
        return Category.QUOTA_EXHAUSTED
    if named is Category.BAD_REQUEST and _TOO_LONG.search(message):
        return Category.CONTEXT_TOO_LONG
    if named is Category.BAD_REQUEST and _FILTERED.search(message):
        return Category.CONTENT_FILTERED
    if status == 429:
        return by_status(status, hint)
    if named is not None:
        return named
    return Category.SERVER_ERROR if status is None else by_status(status, hint)
