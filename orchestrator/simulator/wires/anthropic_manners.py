"""What surrounds Anthropic's messages: headers with rates and ids, errors, the list of models."""

import math
import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from orchestrator.simulator import models
from orchestrator.simulator.rates import REQUESTS_PER_WINDOW, TOKENS_PER_WINDOW, Standing
from orchestrator.simulator.wire import Cause, ErrorReply, Refusal

_RATES: Final = "anthropic-ratelimit"
_ORGANISATION: Final = "00000000-0000-4000-8000-000000000000"
_INVALID: Final = "invalid_request_error"


class _Words(NamedTuple):
    """How Anthropic puts a refusal; `{detail}` and `{param}` are filled in."""

    status: int
    kind: str
    message: str


_WORDS: Final[dict[Cause, _Words]] = {
    Cause.UNREADABLE: _Words(400, _INVALID, "The request body is not valid JSON: {detail}"),
    Cause.MISSING_FIELD: _Words(400, _INVALID, "{param}: {detail}"),
    Cause.INVALID_VALUE: _Words(400, _INVALID, "{param}: {detail}"),
    Cause.BAD_REQUEST: _Words(400, _INVALID, "{detail}"),
    Cause.NO_KEY: _Words(401, "authentication_error", "x-api-key header is required"),
    Cause.WRONG_KEY: _Words(401, "authentication_error", "invalid x-api-key"),
    Cause.FORBIDDEN: _Words(
        403, "permission_error", "Your API key does not have permission to use the specified resource."
    ),
    Cause.PAYMENT: _Words(
        402, "billing_error", "There is an issue with your billing or payment information."
    ),
    Cause.UNKNOWN_PATH: _Words(404, "not_found_error", "Not Found"),
    Cause.WRONG_METHOD: _Words(405, _INVALID, "Method Not Allowed"),
    Cause.MISSING_MODEL: _Words(404, "not_found_error", "model: {detail}"),
    Cause.TOO_LARGE: _Words(413, "request_too_large", "Request exceeds the maximum size"),
    Cause.CONTEXT_TOO_LONG: _Words(400, _INVALID, "prompt is too long: {detail} tokens > {most} maximum"),
    Cause.BLOCKED: _Words(400, _INVALID, "Output blocked by content filtering policy"),
    Cause.RATE_LIMITED: _Words(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit. Please try again later.",
    ),
    Cause.QUOTA: _Words(
        429,
        "rate_limit_error",
        "This request would exceed your account's monthly spend limit. Please try again later.",
    ),
    Cause.SERVER_ERROR: _Words(500, "api_error", "Internal server error"),
    Cause.UNAVAILABLE: _Words(503, "api_error", "Service unavailable"),
    Cause.OVERLOADED: _Words(529, "overloaded_error", "Overloaded"),
}
_PLANNED: Final = {
    Cause.BAD_REQUEST: "Invalid request (simulated).",
    Cause.CONTEXT_TOO_LONG: "200001 > 200000",
}
_SPEND_LIMIT: Final = "enforced_spend_limit_reached"


def error(refusal: Refusal, request_id: str) -> ErrorReply:
    """An error body."""
    words = _WORDS[refusal.cause]
    detail, _, most = (refusal.detail or _PLANNED.get(refusal.cause, "")).partition(" > ")
    told: dict[str, Any] = {
        "details": {"error_code": _SPEND_LIMIT} if refusal.cause is Cause.QUOTA else None,
        "type": words.kind,
        "message": words.message.format(detail=detail, most=most, param=refusal.param),
    }
    body: dict[str, Any] = {"type": "error", "error": told}
    if request_id:
        body["request_id"] = request_id
    code = _SPEND_LIMIT if refusal.cause is Cause.QUOTA else words.kind
    return ErrorReply(words.status, code, orjson.dumps(body))


def usual_headers(request_id: str, standing: Standing) -> dict[str, str]:
    """What every answer carries."""
    headers = {"request-id": request_id, "anthropic-organization-id": _ORGANISATION}
    reset = _in(standing.resets_in_seconds)
    for what, limit, left in (
        ("requests", REQUESTS_PER_WINDOW, standing.requests_left),
        ("tokens", TOKENS_PER_WINDOW, standing.tokens_left),
        ("input-tokens", TOKENS_PER_WINDOW, standing.tokens_left),
        ("output-tokens", TOKENS_PER_WINDOW, standing.tokens_left),
    ):
        headers[f"{_RATES}-{what}-limit"] = str(limit)
        headers[f"{_RATES}-{what}-remaining"] = str(left)
        headers[f"{_RATES}-{what}-reset"] = reset
    return headers


def retry_headers(seconds: float, limited: bool) -> dict[str, str]:
    """When to come again; for a rate limit the rate headers say the same."""
    headers = {"retry-after": str(math.ceil(seconds))}
    if limited:
        headers |= {f"{_RATES}-requests-remaining": "0", f"{_RATES}-requests-reset": _in(seconds)}
    return headers


def listing() -> bytes:
    """The list of models, newest names first."""
    data = [
        {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": "2025-01-01T00:00:00Z",
            "max_input_tokens": model.context_tokens,
        }
        for name in reversed(models.names(models.ANTHROPIC))
        if (model := models.find(models.ANTHROPIC, name))
    ]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return orjson.dumps({"data": data, "has_more": False, **ends})


def _in(seconds: float) -> str:
    """A moment as RFC 3339, in whole seconds, rounded up."""
    at = datetime.fromtimestamp(math.ceil(time.time() + seconds), UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
