"""Ollama's native chat: one JSON object a line, times in nanoseconds, no key, no price.

It has no content filter and no cache that it would tell of; an error in mid-stream is a line of its own.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import Field

from orchestrator.simulator import models
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.rates import Standing
from orchestrator.simulator.wire import (
    MEGABYTE,
    Ask,
    Cause,
    ErrorReply,
    Finish,
    Framing,
    Message,
    Refusal,
    Refused,
    Reply,
    Role,
)

ROOT: Final = "/ollama/api"
CHAT: Final = f"{ROOT}/chat"
TAGS: Final = f"{ROOT}/tags"
BAD_KEY: Final = "Bearer bad"
THOUGHT: Final = "Simulated thinking: no model was asked."
_NANOS_PER_TOKEN: Final = 5_000_000
_LOAD_NANOS: Final = 1_000_000
_WORDS: Final[dict[Cause, tuple[int, str]]] = {
    Cause.UNREADABLE: (400, "invalid JSON: {detail}"),
    Cause.MISSING_FIELD: (400, "{param} is required"),
    Cause.INVALID_VALUE: (400, "{param}: {detail}"),
    Cause.BAD_REQUEST: (400, "invalid request (simulated). {detail}"),
    Cause.NO_KEY: (401, "unauthorized"),
    Cause.WRONG_KEY: (401, "unauthorized"),
    Cause.FORBIDDEN: (403, "forbidden (simulated)"),
    Cause.PAYMENT: (402, "payment required (simulated)"),
    Cause.UNKNOWN_PATH: (404, "404 page not found"),
    Cause.WRONG_METHOD: (405, "405 method not allowed"),
    Cause.MISSING_MODEL: (404, "model '{detail}' not found"),
    Cause.TOO_LARGE: (413, "the request is too large (simulated)"),
    Cause.CONTEXT_TOO_LONG: (400, "the input length exceeds the context length"),
    Cause.BLOCKED: (400, "the prompt was blocked (simulated)"),
    Cause.RATE_LIMITED: (429, "too many requests (simulated)"),
    Cause.QUOTA: (429, "you've reached your hourly usage limit, please wait or upgrade to continue"),
    Cause.SERVER_ERROR: (500, "llama runner process has terminated (simulated)"),
    Cause.UNAVAILABLE: (503, "server busy, please try again.  maximum pending requests exceeded"),
    Cause.OVERLOADED: (503, "server busy, please try again.  maximum pending requests exceeded"),
}


class _Message(Body):
    role: Role
    content: str = ""


class _Options(Body):
    num_predict: int | None = None


class _Body(Body):
    model: str = Field(min_length=1)
    messages: list[_Message] = Field(min_length=1)
    stream: bool = True
    think: bool | str | None = None
    format: str | dict[str, Any] | None = None
    options: _Options = Field(default_factory=_Options)

    def schema_asked(self) -> Mapping[str, Any] | None:
        if isinstance(self.format, dict):
            return self.format
        return {} if self.format == "json" else None


class Ollama:
    """The wire of `POST /ollama/api/chat`."""

    name = "ollama"
    models = models.OLLAMA
    id_prefix = ""
    stream_type = "application/x-ndjson"
    max_body = 64 * MEGABYTE
    blocks_in_answer = False

    def authorise(self, headers: Mapping[str, str]) -> None:
        """It takes no key; only the one that stands for a wrong one is refused, as a proxy would."""
        if headers.get("authorization") == BAD_KEY:
            raise Refused(Refusal(Cause.WRONG_KEY))

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        limit = request.options.num_predict
        thinks = models.reasons(models.OLLAMA, request.model) if request.think is None else request.think
        return Ask(
            model=request.model,
            messages=tuple(Message(message.role, message.content) for message in request.messages),
            stream=request.stream,
            include_usage=True,
            max_tokens=limit if limit is not None and limit > 0 else None,
            thinks=bool(thinks),
            schema=request.schema_asked(),
        )

    def whole(self, reply: Reply) -> bytes:
        """The one object of an answer that isn't streamed."""
        thought = {"thinking": THOUGHT} if reply.usage.reasoning else {}
        message = {"role": "assistant", "content": reply.text} | thought
        return orjson.dumps(_envelope(reply) | {"message": message} | _ending(reply))

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The lines of a stream."""
        return _Lines(self, reply)

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """None of its own."""
        return {}

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """What a proxy before it would say; the server itself says nothing."""
        return {"retry-after": str(math.ceil(seconds))}

    def error(self, refusal: Refusal, request_id: str) -> ErrorReply:
        """An error body: one sentence, no code."""
        status, message = _WORDS[refusal.cause]
        text = message.format(detail=refusal.detail, param=refusal.param).strip()
        return ErrorReply(status, None, orjson.dumps({"error": text}))

    def listing(self) -> bytes:
        """The models that are on the machine."""
        listed = [
            {
                "name": name,
                "model": name,
                "modified_at": "2026-01-01T00:00:00Z",
                "size": 4_000_000_000,
                "digest": "0" * 64,
                "details": {"format": "gguf", "family": name.partition(":")[0]},
            }
            for name in models.names(models.OLLAMA)
        ]
        return orjson.dumps({"models": listed})


class _Lines:
    """Objects that are not done, and one that is."""

    def __init__(self, wire: Ollama, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        envelope = orjson.dumps(_envelope(reply))[:-1]
        self._start = envelope + b',"message":{"role":"assistant","content":'
        self._end = b'},"done":false}\n'

    def opening(self) -> bytes:
        if not self._reply.usage.reasoning:
            return b""
        return self._start + b'"","thinking":' + orjson.dumps(THOUGHT) + self._end

    def piece(self, text: str) -> bytes:
        return self._start + orjson.dumps(text) + self._end

    def closing(self) -> bytes:
        message = {"role": "assistant", "content": ""}
        return self.event(orjson.dumps(_envelope(self._reply) | {"message": message} | _ending(self._reply)))

    def broken(self, refusal: Refusal) -> bytes:
        return self.event(self._wire.error(refusal, "").body)

    def event(self, data: bytes) -> bytes:
        return data + b"\n"

    def heartbeat(self) -> bytes:
        return b""


def _envelope(reply: Reply) -> dict[str, Any]:
    created = datetime.fromtimestamp(reply.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {"model": reply.model, "created_at": created}


def _ending(reply: Reply) -> dict[str, Any]:
    long = reply.finish in (Finish.LENGTH, Finish.CONTEXT_FULL)
    ending: dict[str, Any] = {"done": True, "done_reason": "length" if long else "stop"}
    if not reply.shows_usage:
        return ending
    usage = reply.usage
    reading, writing = usage.prompt * _NANOS_PER_TOKEN // 10, usage.completion * _NANOS_PER_TOKEN
    return ending | {
        "total_duration": _LOAD_NANOS + reading + writing,
        "load_duration": _LOAD_NANOS,
        "prompt_eval_count": usage.prompt,
        "prompt_eval_duration": reading,
        "eval_count": usage.completion,
        "eval_duration": writing,
    }
