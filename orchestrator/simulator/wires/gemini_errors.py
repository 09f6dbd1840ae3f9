"""Google's errors: a status in words, and details that say which quota, and when to come again.

A used-up day's quota comes with a delay of seconds all the same: only the quota's name tells them apart.
"""

import math
from typing import Any, Final, NamedTuple

from orchestrator.simulator.wire import Cause, Refusal

QUOTA_DELAY_SECONDS: Final = 36.0
_TYPES: Final = "type.googleapis.com/google.rpc"
_METRIC: Final = "generativelanguage.googleapis.com/generate_content_paid_tier_requests"
_PER_MINUTE: Final = "GenerateRequestsPerMinutePerProjectPerModel"
_PER_DAY: Final = "GenerateRequestsPerDayPerProjectPerModel"
_INVALID: Final = "INVALID_ARGUMENT"
_EXHAUSTED: Final = "RESOURCE_EXHAUSTED"
_QUOTA: Final = "You exceeded your current quota, please check your plan and billing details (simulated)."


class _Words(NamedTuple):
    """How Google puts a refusal; `{detail}` and `{param}` are filled in."""

    status: int
    name: str
    message: str


_WORDS: Final[dict[Cause, _Words]] = {
    Cause.UNREADABLE: _Words(400, _INVALID, "Invalid JSON payload received. {detail}"),
    Cause.MISSING_FIELD: _Words(400, _INVALID, "* GenerateContentRequest.{param}: {param} is not specified"),
    Cause.INVALID_VALUE: _Words(400, _INVALID, "* GenerateContentRequest.{param}: {detail}"),
    Cause.BAD_REQUEST: _Words(400, _INVALID, "Request contains an invalid argument. {detail}"),
    Cause.NO_KEY: _Words(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity).",
    ),
    Cause.WRONG_KEY: _Words(400, _INVALID, "API key not valid. Please pass a valid API key."),
    Cause.FORBIDDEN: _Words(403, "PERMISSION_DENIED", "Your project has been denied access (simulated)."),
    Cause.PAYMENT: _Words(429, _EXHAUSTED, "Your prepayment credits are depleted (simulated)."),
    Cause.UNKNOWN_PATH: _Words(404, "NOT_FOUND", "Unknown path: {detail}"),
    Cause.WRONG_METHOD: _Words(405, _INVALID, "Method not allowed: {detail}"),
    Cause.MISSING_MODEL: _Words(
        404,
        "NOT_FOUND",
        "models/{detail} is not found for API version v1beta, or is not supported for generateContent.",
    ),
    Cause.TOO_LARGE: _Words(400, _INVALID, "Request payload size exceeds the limit: {detail} bytes."),
    Cause.CONTEXT_TOO_LONG: _Words(
        400,
        _INVALID,
        "The input token count ({detail}) exceeds the maximum number of tokens allowed ({most}).",
    ),
    Cause.BLOCKED: _Words(400, _INVALID, "The prompt was blocked (simulated)."),
    Cause.RATE_LIMITED: _Words(429, _EXHAUSTED, _QUOTA),
    Cause.QUOTA: _Words(429, _EXHAUSTED, _QUOTA),
    Cause.SERVER_ERROR: _Words(500, "INTERNAL", "An internal error has occurred (simulated)."),
    Cause.UNAVAILABLE: _Words(503, "UNAVAILABLE", "The service is currently unavailable (simulated)."),
    Cause.OVERLOADED: _Words(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_PLANNED: Final = {Cause.TOO_LARGE: str(20 * 1024 * 1024), Cause.CONTEXT_TOO_LONG: "1048577 > 1048576"}
"""What is told of a refusal that has no such reason."""


def told(refusal: Refusal) -> tuple[int, str, dict[str, Any]]:
    """HTTP status, the status in words, and the `error` object."""
    words = _WORDS[refusal.cause]
    detail, _, most = (refusal.detail or _PLANNED.get(refusal.cause, "")).partition(" > ")
    message = words.message.format(detail=detail, most=most, param=refusal.param).strip()
    error: dict[str, Any] = {"code": words.status, "message": message, "status": words.name}
    if details := _details(refusal):
        error["details"] = details
    return words.status, words.name, error


def _details(refusal: Refusal) -> list[dict[str, Any]]:
    match refusal.cause:
        case Cause.WRONG_KEY:
            reason = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            return [{"@type": f"{_TYPES}.ErrorInfo", **reason}]
        case Cause.RATE_LIMITED:
            return [_violated(_PER_MINUTE), *_retry(refusal.retry_after)]
        case Cause.QUOTA:
            return [_violated(_PER_DAY), *_retry(QUOTA_DELAY_SECONDS)]
        case Cause.PAYMENT:
            return []
        case _:
            return _retry(refusal.retry_after)


def _violated(quota: str) -> dict[str, Any]:
    violation = {"quotaMetric": _METRIC, "quotaId": quota, "quotaDimensions": {"location": "global"}}
    return {"@type": f"{_TYPES}.QuotaFailure", "violations": [violation]}


def _retry(seconds: float | None) -> list[dict[str, Any]]:
    if seconds is None:
        return []
    return [{"@type": f"{_TYPES}.RetryInfo", "retryDelay": f"{math.ceil(seconds * 1000) / 1000:g}s"}]
