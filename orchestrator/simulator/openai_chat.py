"""OpenAI's chat completions, as its own clients expect them: requests, answers, streams and errors."""

import re
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.simulator import models, openai_headers
from orchestrator.simulator.faults import INVALID_KEY, invalid
from orchestrator.simulator.rates import Standing
from orchestrator.simulator.wire import Ask, Framing, Message, Refusal, Refused, Reply, Role, Usage

CHAT: Final = "/openai/v1/chat/completions"
MODELS: Final = "/openai/v1/models"
FINGERPRINT: Final = "simulator"
BAD_KEY: Final = "bad"
_BEARER: Final = re.compile(r"Bearer\s+(\S+)\s*", re.IGNORECASE)
_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}
_MODELS_SINCE: Final = 1_700_000_000


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = None

    def plain(self) -> Message:
        if self.role not in _ROLES:
            raise invalid(f"Invalid value: '{self.role}'.", "messages", "invalid_value")
        content = self.content or ""
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return Message(_ROLES[self.role], text)


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _Body(BaseModel):
    """The fields that change the answer; the vendor's many others are accepted unread."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(min_length=1)
    messages: list[_Message] = Field(min_length=1)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)


class OpenAIChat:
    """The wire of `POST /openai/v1/chat/completions`."""

    name = "openai"
    stream_type = "text/event-stream; charset=utf-8"
    correlation_header = "x-client-request-id"

    def authorise(self, headers: dict[str, str]) -> None:
        """Any bearer token will do but the one that stands for a wrong key."""
        token = _BEARER.fullmatch(headers.get("authorization", ""))
        if token is None:
            message = "You didn't provide an API key. Provide it in an Authorization header (Bearer)."
            raise Refused(Refusal(401, "invalid_request_error", None, message))
        if token[1] == BAD_KEY:
            raise Refused(INVALID_KEY)

    def read(self, body: bytes) -> Ask:
        """The request's meaning; raises Refused."""
        try:
            request = _Body.model_validate_json(body)
        except ValidationError as error:
            raise _unreadable(error) from None
        _refuse_what_the_model_cannot(request)
        return Ask(
            model=request.model,
            messages=tuple(message.plain() for message in request.messages),
            stream=request.stream,
            include_usage=request.stream_options is not None and request.stream_options.include_usage,
            max_tokens=request.max_completion_tokens or request.max_tokens,
        )

    def whole(self, reply: Reply) -> bytes:
        """A `chat.completion`."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.text,
            "refusal": None,
            "annotations": [],
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        body = _envelope(reply, "chat.completion") | {"choices": [choice]}
        if reply.shows_usage:
            body["usage"] = _usage(reply.usage)
        return orjson.dumps(body)

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The events of a stream."""
        return _Events(reply, ask.include_usage)

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """Ids and rates."""
        return openai_headers.usual(request_id, processing_ms, standing)

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """`retry-after` and its finer twin."""
        return openai_headers.retry(seconds, limited)

    def error(self, refusal: Refusal) -> bytes:
        """An error body."""
        return orjson.dumps(_error(refusal))

    def models(self) -> bytes:
        """The list of models, under both of each one's names."""
        names = sorted({*models.LISTED, *(model.name for model in models.LISTED.values())})
        data = [
            {"id": name, "object": "model", "created": _MODELS_SINCE, "owned_by": "simulator"}
            for name in names
        ]
        return orjson.dumps({"object": "list", "data": data})


class _Events:
    """`chat.completion.chunk` events; what they share is written once."""

    def __init__(self, reply: Reply, include_usage: bool) -> None:
        self._reply = reply
        self._include_usage = include_usage
        fields: dict[str, Any] = _envelope(reply, "chat.completion.chunk")
        if include_usage:
            fields["usage"] = None
        self._start = b"data: " + orjson.dumps(fields)[:-1] + b',"choices":[{"index":0,"delta":'
        self._end = b',"logprobs":null,"finish_reason":null}]}\n\n'

    def opening(self) -> bytes:
        return self._start + b'{"role":"assistant","content":"","refusal":null}' + self._end

    def piece(self, text: str) -> bytes:
        return self._start + b'{"content":' + orjson.dumps(text) + b"}" + self._end

    def closing(self) -> bytes:
        finish = orjson.dumps(self._reply.finish)
        events = self._start + b'{},"logprobs":null,"finish_reason":' + finish + b"}]}\n\n"
        if self._include_usage and self._reply.shows_usage:
            fields = _envelope(self._reply, "chat.completion.chunk")
            events += _event(fields | {"choices": [], "usage": _usage(self._reply.usage)})
        return events + b"data: [DONE]\n\n"

    def broken(self, refusal: Refusal) -> bytes:
        return _event(_error(refusal))


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _envelope(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _error(refusal: Refusal) -> dict[str, Any]:
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }
    }


def _unreadable(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
    if first["type"] == "json_invalid":
        return invalid("We could not parse the JSON body of your request.")
    return invalid(f"Invalid value for '{param}': {first['msg']}.", param, "invalid_value")


def _refuse_what_the_model_cannot(request: _Body) -> None:
    """The reasoning models take neither `max_tokens` nor a temperature, and clients must know it."""
    if not models.refuses_sampling(request.model):
        return
    if request.max_tokens is not None:
        message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        raise invalid(message, "max_tokens", "unsupported_parameter")
    if request.temperature not in (None, 1):
        message = "Unsupported value: 'temperature'. Only the default (1) is supported."
        raise invalid(message, "temperature", "unsupported_value")
