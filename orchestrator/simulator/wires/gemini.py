"""Google's Gemini: parts in contents, thoughts counted beside the answer, zeros left out.

`candidatesTokenCount` leaves the thoughts out; every chunk of a stream carries a usage that is whole only
in the last one. Errors of the streaming door are a list of one.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import orjson
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

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
from orchestrator.simulator.wires import gemini_errors

ROOT: Final = "/gemini/v1beta"
MODELS: Final = f"{ROOT}/models"
BAD_KEY: Final = "bad"
JSON: Final = "application/json"
PATH: Final = re.compile(rf"{MODELS}/([^/:]+):\w+")
_FINISH: Final = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTEXT_FULL: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
    Finish.REFUSAL: "PROHIBITED_CONTENT",
}
_ROLES: Final = {"user": Role.USER, "model": Role.ASSISTANT, "function": Role.TOOL}


class Named(Body):
    """Google takes names in camel case and with underscores."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, alias_generator=to_camel)


class _Part(Named):
    text: str = ""


class Content(Named):
    """What one side says."""

    role: str = "user"
    parts: list[_Part] = Field(default_factory=list)

    def text(self) -> str:
        """Its parts as one text."""
        return "".join(part.text for part in self.parts)


class _ThinkingConfig(Named):
    thinking_budget: int | None = None


class _GenerationConfig(Named):
    max_output_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: _ThinkingConfig | None = None

    def schema_asked(self) -> Mapping[str, Any] | None:
        if self.response_mime_type != JSON:
            return None
        return self.response_json_schema or self.response_schema or {}


class _Body(Named):
    contents: list[Content] = Field(min_length=1)
    system_instruction: Content | None = None
    generation_config: _GenerationConfig = Field(default_factory=_GenerationConfig)

    def messages(self) -> tuple[Message, ...]:
        system = self.system_instruction
        before = (Message(Role.SYSTEM, system.text()),) if system else ()
        return before + tuple(Message(_role(content.role), content.text()) for content in self.contents)


class Gemini:
    """The wires of `POST /gemini/v1beta/models/{model}:generateContent` and `:streamGenerateContent`."""

    name = "gemini"
    models = models.GOOGLE
    id_prefix = "req_"
    stream_type = "text/event-stream"
    max_body = 20 * MEGABYTE
    blocks_in_answer = True

    def __init__(self, *, streams: bool) -> None:
        self._streams = streams

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Any key will do but the one that stands for a wrong one."""
        key = headers.get("x-goog-api-key", "")
        if not key:
            raise Refused(Refusal(Cause.NO_KEY))
        if key == BAD_KEY:
            raise Refused(Refusal(Cause.WRONG_KEY))

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; the model is in the path. Raises Refused."""
        found = PATH.fullmatch(path)
        if found is None:
            raise Refused(Refusal(Cause.UNKNOWN_PATH, path))
        name = unquote(found[1])
        request = read(_Body, body)
        messages = request.messages()
        config = request.generation_config
        prefix = "\n".join(message.text for message in messages if message.role is Role.SYSTEM)
        unthinking = config.thinking_config is not None and config.thinking_config.thinking_budget == 0
        return Ask(
            model=name,
            messages=messages,
            stream=self._streams,
            include_usage=True,
            max_tokens=config.max_output_tokens,
            thinks=models.reasons(models.GOOGLE, name) and not unthinking,
            caching=Caching((prefix,)),
            schema=config.schema_asked(),
        )

    def whole(self, reply: Reply) -> bytes:
        """A `GenerateContentResponse`."""
        return orjson.dumps(_ended(reply, reply.text))

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The chunks of a stream."""
        return _Chunks(self, reply)

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """How long it took; Google tells neither rates nor the request's id in headers."""
        return {"server-timing": f"gfet4t7; dur={processing_ms}"}

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """None: Google says in the body when to come again."""
        return {}

    def error(self, refusal: Refusal, request_id: str) -> ErrorReply:
        """An error body."""
        status, code, error = gemini_errors.told(refusal)
        body = {"error": error}
        return ErrorReply(status, code, orjson.dumps([body] if self._streams else body))

    def listing(self) -> bytes:
        """The list of models."""
        listed = [
            {
                "name": f"models/{name}",
                "version": "001",
                "displayName": name.replace("-", " ").title(),
                "inputTokenLimit": model.context_tokens,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["embedContent" if model.dimensions else "generateContent"],
                "thinking": models.reasons(models.GOOGLE, name),
            }
            for name in models.names(models.GOOGLE)
            if (model := models.find(models.GOOGLE, name))
        ]
        return orjson.dumps({"models": listed})


class _Chunks:
    """Responses with a piece of the answer each; all but the last without a reason to end."""

    def __init__(self, wire: Gemini, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        self._start = b'data: {"candidates":[{"content":{"parts":[{"text":'
        so_far = {} if not reply.shows_usage else {"usageMetadata": _so_far(reply.usage)}
        shared = orjson.dumps(so_far | _envelope(reply))[1:]
        self._end = b'}],"role":"model"},"index":0}],' + shared + b"\n\n"

    def opening(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return self._start + orjson.dumps(text) + self._end

    def closing(self) -> bytes:
        return self.event(orjson.dumps(_ended(self._reply, "")))

    def broken(self, refusal: Refusal) -> bytes:
        _, _, error = gemini_errors.told(refusal)
        return self.event(orjson.dumps({"error": error}))

    def event(self, data: bytes) -> bytes:
        return b"data: " + data + b"\n\n"

    def heartbeat(self) -> bytes:
        return b""


def _role(name: str) -> Role:
    if name not in _ROLES:
        detail = "Please use a valid role: user, model."
        raise Refused(Refusal(Cause.INVALID_VALUE, detail, "contents.role"))
    return _ROLES[name]


def _ended(reply: Reply, text: str) -> dict[str, Any]:
    usage = {"usageMetadata": _usage(reply.usage)} if reply.shows_usage else {}
    if reply.finish is Finish.BLOCKED:
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | usage | _envelope(reply)
    candidate: dict[str, Any] = {
        "content": {"parts": [{"text": text}], "role": "model"},
        "finishReason": _FINISH[reply.finish],
        "index": 0,
    }
    return {"candidates": [candidate]} | usage | _envelope(reply)


def _envelope(reply: Reply) -> dict[str, Any]:
    return {"modelVersion": reply.model, "responseId": reply.id}


def _so_far(usage: Usage) -> dict[str, Any]:
    """What a chunk in the middle tells: the prompt, and no word of the answer."""
    return {"promptTokenCount": usage.prompt, "totalTokenCount": usage.prompt}


def _usage(usage: Usage) -> dict[str, Any]:
    counts = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.completion,
        "cachedContentTokenCount": usage.cached,
        "thoughtsTokenCount": usage.reasoning,
    }
    told: dict[str, Any] = {name: count for name, count in counts.items() if count}
    return told | {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}]}
