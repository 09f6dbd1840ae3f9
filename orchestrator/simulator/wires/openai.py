"""What all of OpenAI's doors share: the key, the headers, the errors, the list of models."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import orjson

from orchestrator.simulator import models
from orchestrator.simulator.rates import Standing
from orchestrator.simulator.wire import (
    MEGABYTE,
    Caching,
    Cause,
    ErrorReply,
    Message,
    Refusal,
    Refused,
    Role,
    Usage,
)
from orchestrator.simulator.wires import openai_headers

ROOT: Final = "/openai/v1"
BAD_KEY: Final = "bad"
_BEARER: Final = re.compile(r"Bearer\s+(\S+)\s*", re.IGNORECASE)
_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}
_CACHE_STEP: Final = 128
Tier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
_MODELS_SINCE: Final = 1_700_000_000
_INVALID: Final = "invalid_request_error"


class _Words(NamedTuple):
    """How OpenAI puts a refusal; `{detail}` and `{param}` are filled in."""

    status: int
    kind: str
    code: str | None
    message: str
    param: str | None = None


_WORDS: Final[dict[Cause, _Words]] = {
    Cause.UNREADABLE: _Words(400, _INVALID, None, "We could not parse the JSON body of your request."),
    Cause.MISSING_FIELD: _Words(
        400, _INVALID, "missing_required_parameter", "Missing required parameter: '{param}'."
    ),
    Cause.INVALID_VALUE: _Words(400, _INVALID, "invalid_value", "Invalid value for '{param}': {detail}."),
    Cause.BAD_REQUEST: _Words(400, _INVALID, None, "Invalid request (simulated). {detail}"),
    Cause.NO_KEY: _Words(
        401, _INVALID, None, "You didn't provide an API key. Provide it in an Authorization header (Bearer)."
    ),
    Cause.WRONG_KEY: _Words(401, _INVALID, "invalid_api_key", "Incorrect API key provided (simulated)."),
    Cause.FORBIDDEN: _Words(
        403, _INVALID, "unsupported_country_region_territory", "Country, region, or territory not supported."
    ),
    # OpenAI itself says 429; of the servers that speak its wire, some say 402, in DeepSeek's words.
    Cause.PAYMENT: _Words(402, "unknown_error", _INVALID, "Insufficient Balance (simulated)."),
    Cause.UNKNOWN_PATH: _Words(404, _INVALID, "unknown_url", "Unknown request URL: {detail}."),
    Cause.WRONG_METHOD: _Words(405, _INVALID, None, "Not allowed: {detail}."),
    Cause.MISSING_MODEL: _Words(
        404,
        _INVALID,
        "model_not_found",
        "The model `{detail}` does not exist or you do not have access to it.",
        "model",
    ),
    Cause.TOO_LARGE: _Words(413, _INVALID, "request_too_large", "The body is too large (simulated)."),
    Cause.CONTEXT_TOO_LONG: _Words(
        400,
        _INVALID,
        "context_length_exceeded",
        "This model's maximum context length is exceeded (simulated). {detail}",
        "messages",
    ),
    Cause.RATE_LIMITED: _Words(429, "requests", "rate_limit_exceeded", "Rate limit reached (simulated)."),
    Cause.QUOTA: _Words(
        429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota (simulated)."
    ),
    Cause.SERVER_ERROR: _Words(500, "server_error", None, "The server had an error (simulated)."),
    Cause.UNAVAILABLE: _Words(503, "server_error", None, "The engine is overloaded (simulated)."),
    Cause.OVERLOADED: _Words(
        529,
        "service_unavailable_error",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later. (simulated)",
    ),
}


class OpenAI:
    """The manners of OpenAI's API; `blocked` is the code that a blocked prompt is refused with."""

    models = models.OPENAI
    max_body = 64 * MEGABYTE
    blocks_in_answer = False
    stream_type = "text/event-stream; charset=utf-8"
    blocked = "invalid_prompt"

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Any key will do but the one that stands for a wrong one: a bearer token, or Azure's `api-key`."""
        token = _BEARER.fullmatch(headers.get("authorization", ""))
        key = token[1] if token else headers.get("api-key")
        if not key:
            raise Refused(Refusal(Cause.NO_KEY))
        if key == BAD_KEY:
            raise Refused(Refusal(Cause.WRONG_KEY))

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """Ids and rates."""
        return openai_headers.usual(request_id, processing_ms, standing)

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """`retry-after` and its finer twin."""
        return openai_headers.retry(seconds, limited)

    def error(self, refusal: Refusal, request_id: str) -> ErrorReply:
        """An error body."""
        error, status = self.told(refusal)
        return ErrorReply(status, error["code"], orjson.dumps({"error": error}))

    def told(self, refusal: Refusal) -> tuple[dict[str, Any], int]:
        """The `error` object and its status."""
        if refusal.cause is Cause.BLOCKED:
            message = "Invalid prompt: it was flagged as potentially violating the usage policy (simulated)."
            words = _Words(400, _INVALID, self.blocked, message, "prompt")
        else:
            words = _WORDS[refusal.cause]
        message = words.message.format(detail=refusal.detail, param=refusal.param).strip()
        error = {
            "message": refusal.detail if refusal.code else message,
            "type": words.kind,
            "param": refusal.param or words.param,
            "code": refusal.code or words.code,
        }
        return error, words.status

    def listing(self) -> bytes:
        """The list of models, under both of each one's names."""
        data = [
            {"id": name, "object": "model", "created": _MODELS_SINCE, "owned_by": "simulator"}
            for name in models.names(models.OPENAI)
        ]
        return orjson.dumps({"object": "list", "data": data})


def schema_of(format_: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The JSON schema of a `response_format` or `text.format`: an empty one for any object, None for text."""
    if format_ is None or format_.get("type") not in ("json_schema", "json_object"):
        return None
    named = format_.get("json_schema")
    schema = (named if isinstance(named, Mapping) else format_).get("schema")
    return schema if isinstance(schema, Mapping) else {}


def refuse_sampling(model: str, temperature: float | None) -> None:
    """The reasoning models take no temperature, and clients must know it."""
    if temperature not in (None, 1) and models.refuses_sampling(models.OPENAI, model):
        message = "Unsupported value: 'temperature'. Only the default (1) is supported."
        raise Refused(Refusal(Cause.INVALID_VALUE, message, "temperature", "unsupported_value"))


def role_of(name: str, param: str) -> Role:
    """The role by OpenAI's names; raises Refused."""
    role = _ROLES.get(name)
    if role is None:
        raise Refused(Refusal(Cause.INVALID_VALUE, f"Invalid value: '{name}'.", param, "invalid_value"))
    return role


def caching_of(model: str, messages: tuple[Message, ...]) -> Caching:
    """OpenAI keeps the beginning of every prompt, in steps; from GPT-5.6 on, writing it there is billed."""
    prefix = "\n".join(message.text for message in messages if message.role is Role.SYSTEM)
    return Caching((prefix,), _CACHE_STEP, writes=model.startswith("gpt-5.6"))


def input_details(model: str, usage: Usage) -> dict[str, int]:
    """The classes of input; writing to the cache is told where it is billed."""
    details = {"cached_tokens": usage.cached}
    return details | {"cache_write_tokens": usage.written} if model.startswith("gpt-5.6") else details
