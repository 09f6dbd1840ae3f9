"""OpenAI's chat completions, as its own clients expect them: requests, answers, streams and errors."""

from typing import Any, Final

import orjson
from pydantic import Field

from orchestrator.simulator import models
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.wire import (
    DEFAULT_TIER,
    Ask,
    Cause,
    Finish,
    Framing,
    Message,
    Refusal,
    Refused,
    Reply,
)
from orchestrator.simulator.wires.openai import (
    ROOT,
    OpenAI,
    Tier,
    caching_of,
    input_details,
    refuse_sampling,
    role_of,
    schema_of,
)

CHAT: Final = f"{ROOT}/chat/completions"
FINGERPRINT: Final = "simulator"
_FINISH: Final = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.CONTEXT_FULL: "length",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "stop",
}


class _Part(Body):
    type: str
    text: str = ""


class _Message(Body):
    role: str
    content: str | list[_Part] | None = None

    def plain(self) -> Message:
        content = self.content or ""
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return Message(role_of(self.role, "messages"), text)


class _StreamOptions(Body):
    include_usage: bool = False


class _Body(Body):
    model: str = Field(min_length=1)
    messages: list[_Message] = Field(min_length=1)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    response_format: dict[str, Any] | None = None
    service_tier: Tier | None = None


class OpenAIChat(OpenAI):
    """The wire of `POST /openai/v1/chat/completions`."""

    name = "openai_chat"
    id_prefix = "chatcmpl-"
    # Azure speaks this wire too, and blocks with this code.
    blocked = "content_filter"

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        _refuse_old_limit(request)
        refuse_sampling(request.model, request.temperature)
        messages = tuple(message.plain() for message in request.messages)
        return Ask(
            model=request.model,
            messages=messages,
            stream=request.stream,
            include_usage=request.stream_options is not None and request.stream_options.include_usage,
            max_tokens=request.max_completion_tokens or request.max_tokens,
            thinks=models.reasons(models.OPENAI, request.model),
            caching=caching_of(request.model, messages),
            schema=schema_of(request.response_format),
            tier=request.service_tier or DEFAULT_TIER,
        )

    def whole(self, reply: Reply) -> bytes:
        """A `chat.completion`."""
        refused = reply.finish is Finish.REFUSAL
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if refused else reply.text,
            "refusal": reply.text if refused else None,
            "annotations": [],
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[reply.finish]}
        body = _envelope(reply, "chat.completion") | {"choices": [choice]}
        if reply.shows_usage:
            body["usage"] = _usage(reply)
        return orjson.dumps(body)

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The events of a stream."""
        return _Events(self, reply, ask.include_usage)


class _Events:
    """`chat.completion.chunk` events; what they share is written once."""

    def __init__(self, wire: OpenAIChat, reply: Reply, include_usage: bool) -> None:
        self._wire = wire
        self._reply = reply
        self._include_usage = include_usage
        fields: dict[str, Any] = _envelope(reply, "chat.completion.chunk")
        if include_usage:
            fields["usage"] = None
        self._start = b"data: " + orjson.dumps(fields)[:-1] + b',"choices":[{"index":0,"delta":'
        self._end = b',"logprobs":null,"finish_reason":null}]}\n\n'
        self._said = b'{"refusal":' if reply.finish is Finish.REFUSAL else b'{"content":'

    def opening(self) -> bytes:
        return self._start + b'{"role":"assistant","content":"","refusal":null}' + self._end

    def piece(self, text: str) -> bytes:
        return self._start + self._said + orjson.dumps(text) + b"}" + self._end

    def closing(self) -> bytes:
        finish = orjson.dumps(_FINISH[self._reply.finish])
        events = self._start + b'{},"logprobs":null,"finish_reason":' + finish + b"}]}\n\n"
        if self._include_usage and self._reply.shows_usage:
            fields = _envelope(self._reply, "chat.completion.chunk")
            events += self.event(orjson.dumps(fields | {"choices": [], "usage": _usage(self._reply)}))
        return events + b"data: [DONE]\n\n"

    def broken(self, refusal: Refusal) -> bytes:
        return self.event(self._wire.error(refusal, "").body)

    def event(self, data: bytes) -> bytes:
        return b"data: " + data + b"\n\n"

    def heartbeat(self) -> bytes:
        return b""


def _envelope(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "service_tier": reply.tier,
        "system_fingerprint": FINGERPRINT,
    }


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": input_details(reply.model, usage) | {"audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _refuse_old_limit(request: _Body) -> None:
    if request.max_tokens is not None and models.refuses_sampling(models.OPENAI, request.model):
        message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        raise Refused(Refusal(Cause.INVALID_VALUE, message, "max_tokens", "unsupported_parameter"))
