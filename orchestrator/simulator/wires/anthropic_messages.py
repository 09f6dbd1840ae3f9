"""Anthropic's messages: content blocks, a stream of named events, input counted in three classes.

`input_tokens` leaves out what was read from the cache and what was written to it; `message_start` carries
a placeholder of the usage, and `message_delta` the sum so far. Thinking is part of the output.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson
from pydantic import Field

from orchestrator.simulator import models
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.rates import Standing
from orchestrator.simulator.wire import (
    MEGABYTE,
    Ask,
    Caching,
    Cause,
    ErrorReply,
    Finish,
    Framing,
    Message,
    Refusal,
    Refused,
    Reply,
    Role,
    Usage,
)
from orchestrator.simulator.wires import anthropic_manners as manners

ROOT: Final = "/anthropic/v1"
MESSAGES: Final = f"{ROOT}/messages"
MODELS: Final = f"{ROOT}/models"
BAD_KEY: Final = "bad"
LEAST_BUDGET: Final = 1_024
THOUGHT: Final = "Simulated thinking: no model was asked."
SIGNATURE: Final = "c2ltdWxhdGVk"
_FINISH: Final = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.CONTEXT_FULL: "model_context_window_exceeded",
    Finish.CONTENT_FILTER: "refusal",
    Finish.REFUSAL: "refusal",
}


class _CacheControl(Body):
    type: str
    ttl: Literal["5m", "1h"] = "5m"


class _Block(Body):
    type: str
    text: str = ""
    cache_control: _CacheControl | None = None


class _Message(Body):
    role: str
    content: str | list[_Block]


class _Thinking(Body):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = Field(None, ge=LEAST_BUDGET)


class _OutputConfig(Body):
    format: dict[str, Any] | None = None


class _Body(Body):
    model: str = Field(min_length=1)
    max_tokens: int = Field(ge=1)
    messages: list[_Message] = Field(min_length=1)
    system: str | list[_Block] | None = None
    stream: bool = False
    temperature: float | None = Field(None, ge=0, le=1)
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None


class AnthropicMessages:
    """The wire of `POST /anthropic/v1/messages`."""

    name = "anthropic_messages"
    models = models.ANTHROPIC
    id_prefix = "msg_"
    stream_type = "text/event-stream; charset=utf-8"
    max_body = 32 * MEGABYTE
    blocks_in_answer = False

    def authorise(self, headers: Mapping[str, str]) -> None:
        """A key and a version; any key will do but the one that stands for a wrong one."""
        key = headers.get("x-api-key", "")
        if not key:
            raise Refused(Refusal(Cause.NO_KEY))
        if key == BAD_KEY:
            raise Refused(Refusal(Cause.WRONG_KEY))
        if not headers.get("anthropic-version"):
            raise Refused(Refusal(Cause.MISSING_FIELD, "header is required", "anthropic-version"))

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        _refuse_what_the_model_cannot(request)
        messages, caching = _prompt(request)
        wished = request.output_config.format if request.output_config else None
        schema = wished.get("schema") if wished and wished.get("type") == "json_schema" else None
        return Ask(
            model=request.model,
            messages=messages,
            stream=request.stream,
            include_usage=True,
            max_tokens=request.max_tokens,
            thinks=_thinks(request),
            caching=caching,
            schema=schema if isinstance(schema, Mapping) else None,
        )

    def whole(self, reply: Reply) -> bytes:
        """A `message`."""
        content: list[dict[str, Any]] = []
        if reply.usage.reasoning:
            content.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
        if reply.text:
            content.append({"type": "text", "text": reply.text})
        message = _message(reply) | {"content": content} | _ending(reply)
        if reply.shows_usage:
            message["usage"] = _usage(reply.usage)
        return orjson.dumps(message)

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The events of a stream."""
        return _Events(self, reply)

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """Ids and rates."""
        return manners.usual_headers(request_id, standing)

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """`retry-after` in whole seconds."""
        return manners.retry_headers(seconds, limited)

    def error(self, refusal: Refusal, request_id: str) -> ErrorReply:
        """An error body, with the request's id where there is one."""
        return manners.error(refusal, request_id)

    def listing(self) -> bytes:
        """The list of models."""
        return manners.listing()


class _Events:
    """Named events: a message's start, its blocks one after the other, its end."""

    def __init__(self, wire: AnthropicMessages, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        self._index = 1 if reply.usage.reasoning else 0
        place = f'{{"type":"content_block_delta","index":{self._index},"delta":{{"type":"text_delta","text":'
        self._start = b"event: content_block_delta\ndata: " + place.encode()

    def opening(self) -> bytes:
        events = _named("message_start", message=self._begun()) + self.heartbeat()
        if self._index:
            blank = {"type": "thinking", "thinking": "", "signature": ""}
            events += _named("content_block_start", index=0, content_block=blank)
            for delta in (
                {"type": "thinking_delta", "thinking": THOUGHT},
                {"type": "signature_delta", "signature": SIGNATURE},
            ):
                events += _named("content_block_delta", index=0, delta=delta)
            events += _named("content_block_stop", index=0)
        if self._reply.text:
            block = {"type": "text", "text": ""}
            events += _named("content_block_start", index=self._index, content_block=block)
        return events

    def piece(self, text: str) -> bytes:
        return self._start + orjson.dumps(text) + b"}}\n\n"

    def closing(self) -> bytes:
        events = _named("content_block_stop", index=self._index) if self._reply.text else b""
        usage = {"usage": _summed(self._reply.usage)} if self._reply.shows_usage else {}
        events += _named("message_delta", delta=_ending(self._reply), **usage)
        return events + _named("message_stop")

    def broken(self, refusal: Refusal) -> bytes:
        return b"event: error\ndata: " + self._wire.error(refusal, "").body + b"\n\n"

    def event(self, data: bytes) -> bytes:
        return b"event: content_block_delta\ndata: " + data + b"\n\n"

    def heartbeat(self) -> bytes:
        return _named("ping")

    def _begun(self) -> dict[str, Any]:
        reply = self._reply
        message = _message(reply) | {"content": [], "stop_reason": None, "stop_sequence": None}
        if reply.shows_usage:
            message["usage"] = _usage(reply.usage) | {"output_tokens": 1}
            del message["usage"]["output_tokens_details"]
        return message


def _named(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: ".encode() + orjson.dumps({"type": name, **fields}) + b"\n\n"


def _message(reply: Reply) -> dict[str, Any]:
    return {"id": reply.id, "type": "message", "role": "assistant", "model": reply.model}


def _ending(reply: Reply) -> dict[str, Any]:
    ending: dict[str, Any] = {"stop_reason": _FINISH[reply.finish], "stop_sequence": None}
    if ending["stop_reason"] == "refusal":
        category = "cyber" if reply.finish is Finish.CONTENT_FILTER else None
        ending["stop_details"] = {"type": "refusal", "category": category, "explanation": None}
    return ending


def _usage(usage: Usage) -> dict[str, Any]:
    return _summed(usage) | {
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.written - usage.written_hour,
            "ephemeral_1h_input_tokens": usage.written_hour,
        },
        "service_tier": "standard",
    }


def _summed(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt - usage.cached - usage.written,
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def _prompt(request: _Body) -> tuple[tuple[Message, ...], Caching | None]:
    """The messages, and what was marked for the cache: all that comes before each mark."""
    messages: list[Message] = []
    before = ""
    marked: list[str] = []
    hour = False
    for role, content in _contents(request):
        blocks = [_Block(type="text", text=content)] if isinstance(content, str) else content
        for block in blocks:
            before += block.text + "\n"
            if block.cache_control is not None:
                marked.append(before)
                hour = hour or block.cache_control.ttl == "1h"
        messages.append(Message(role, "".join(block.text for block in blocks)))
    return tuple(messages), Caching(tuple(marked), writes=True, hour=hour) if marked else None


def _contents(request: _Body) -> list[tuple[Role, str | list[_Block]]]:
    roles = {"user": Role.USER, "assistant": Role.ASSISTANT}
    contents: list[tuple[Role, str | list[_Block]]] = []
    if request.system:
        contents.append((Role.SYSTEM, request.system))
    for message in request.messages:
        if message.role not in roles:
            detail = (
                f'Unexpected role "{message.role}". The Messages API accepts a top-level `system` parameter.'
            )
            raise Refused(Refusal(Cause.INVALID_VALUE, detail, "messages"))
        contents.append((roles[message.role], message.content))
    return contents


def _thinks(request: _Body) -> bool:
    if request.thinking is None:
        return models.reasons(models.ANTHROPIC, request.model)
    return request.thinking.type != "disabled"


def _refuse_what_the_model_cannot(request: _Body) -> None:
    """The newest models take no sampling and no thinking budget; a budget must leave room for an answer."""
    fixed = models.refuses_sampling(models.ANTHROPIC, request.model)
    if fixed and request.temperature is not None:
        raise Refused(Refusal(Cause.BAD_REQUEST, "`temperature` is deprecated for this model."))
    thinking = request.thinking
    if thinking is None or thinking.type != "enabled":
        return
    if fixed:
        detail = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".'
        raise Refused(Refusal(Cause.BAD_REQUEST, detail))
    if thinking.budget_tokens is None:
        raise Refused(Refusal(Cause.MISSING_FIELD, "Field required", "thinking.enabled.budget_tokens"))
    if thinking.budget_tokens >= request.max_tokens:
        detail = "`max_tokens` must be greater than `thinking.budget_tokens`."
        raise Refused(Refusal(Cause.BAD_REQUEST, detail))
