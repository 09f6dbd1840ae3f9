"""OpenAI's responses, streamed and not stored at the vendor.

The last event carries the whole response: its status, its usage (`output_tokens` includes reasoning) and
the model and tier that served it. A stream without that event is a failure, not an answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.catalogue.vendors import FACTS
from schemas.calls import Usage
from schemas.errors import Category, Failure
from schemas.structured import is_strict
from workers.providers.base import (
    FILTERED,
    OUTPUT_LIMIT,
    REFUSED,
    USUAL_TIER,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    inside,
    listed,
    parsed,
    post,
    short,
    text,
    tokens,
)
from workers.providers.openai_errors import failure_of, refusal

_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_THINKING: Final = "response.reasoning"
_BY_REASON: Final[dict[str | None, Failure]] = {
    "max_output_tokens": OUTPUT_LIMIT,
    "content_filter": FILTERED,
}


class OpenAIResponses(WireFormat):
    """`POST {base_url}/responses`."""

    request_id_headers: tuple[str, ...] = ("x-request-id", "apim-request-id")

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request; the system prompt goes as `instructions`."""
        body: dict[str, Any] = {
            "model": ask.model,
            "input": [{"role": message.role, "content": message.content} for message in ask.turns],
            "stream": True,
            "store": False,
            "max_output_tokens": ask.max_output_tokens,
        }
        if ask.system:
            body["instructions"] = ask.system
        if ask.temperature_taken is not None:
            body["temperature"] = ask.temperature_taken
        if FACTS[ask.provider.vendor].takes_tier:
            # Left out, the vendor's project decides, and may choose one that is dearer than what is held.
            body["service_tier"] = ask.tier or USUAL_TIER
        if ask.schema is not None:
            fits: dict[str, Any] = {"type": "json_schema", "name": "answer", "schema": ask.schema}
            fits["strict"] = is_strict(ask.schema)
            body["text"] = {"format": fits}
        return post(ask, credential, call_id, "/responses", body)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one event."""
        event = parsed(data)
        kind = str(event.get("type"))
        if kind == "error":
            reply.failure = failure_of(None, event.get("error") or event | {"type": None}, None)
            return True
        if isinstance(event.get("response"), dict):
            _take_response(reply, kind, event["response"])
            return kind in _LAST
        delta = text(event.get("delta")) if kind.endswith(".delta") else ""
        if kind == "response.output_text.delta" and delta:
            reply.parts.append(delta)
        elif kind == "response.refusal.delta":
            reply.failure = REFUSED
        return bool(delta) and (kind.startswith(_THINKING) or "output_text" in kind or "refusal" in kind)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error object where there is one, else the status alone."""
        return refusal(status, headers, body)


def _take_response(reply: Reply, kind: str, response: dict[str, Any]) -> None:
    reply.model = short(response, "model") or reply.model
    reply.tier = short(response, "service_tier") or reply.tier
    if kind not in _LAST:
        return
    reply.finished = True
    if response.get("usage"):
        reply.raw_usage = inside(response, "usage")
        reply.usage = _usage(reply.raw_usage)
    if not reply.parts:
        reply.parts.extend(_texts(response))
    if kind == "response.failed":
        reply.failure = failure_of(None, response.get("error"), None)
    elif kind == "response.incomplete":
        reply.failure = _incomplete(response)


def _incomplete(response: dict[str, Any]) -> Failure:
    reason = short(inside(response, "incomplete_details"), "reason")
    message = f"The answer is incomplete, for the reason {reason!r}."
    return _BY_REASON.get(reason) or Failure(category=Category.TRUNCATED, message=message)


def _texts(response: dict[str, Any]) -> list[str]:
    """The answer as the last event repeats it, for servers that send no pieces."""
    contents = [part for item in listed(response, "output") for part in listed(item, "content")]
    return [text(part.get("text")) for part in contents if part.get("type") == "output_text"]


def _usage(raw: dict[str, Any]) -> Usage:
    input_details = inside(raw, "input_tokens_details")
    output_details = inside(raw, "output_tokens_details")
    return Usage(
        input_tokens=tokens(raw, "input_tokens"),
        cached_tokens=tokens(input_details, "cached_tokens"),
        cache_write_tokens=tokens(input_details, "cache_write_tokens"),
        output_tokens=tokens(raw, "output_tokens"),
        reasoning_tokens=tokens(output_details, "reasoning_tokens"),
    )
