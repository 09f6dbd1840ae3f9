"""What OpenAI's errors mean, on both of its wires and at every server that speaks them.

Some compatible servers put the status into `code`, some send the error without the object around it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import Category, Failure
from workers.providers.base import by_status, error_body, hinted, said

_QUOTA_CODES: Final = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
)
_BY_CODE: Final[dict[str, Category]] = {
    "context_length_exceeded": Category.CONTEXT_TOO_LONG,
    "exceed_context_size_error": Category.CONTEXT_TOO_LONG,
    "content_filter": Category.CONTENT_FILTERED,
    "content_policy_violation": Category.CONTENT_FILTERED,
    "image_content_policy_violation": Category.CONTENT_FILTERED,
    "model_not_found": Category.MODEL_NOT_FOUND,
    "DeploymentNotFound": Category.MODEL_NOT_FOUND,
    "invalid_api_key": Category.UNAUTHORIZED,
    "invalid_prompt": Category.CONTENT_FILTERED,
    "rate_limit_exceeded": Category.RATE_LIMITED,
    "slow_down": Category.RATE_LIMITED,
    "overloaded_error": Category.OVERLOADED,
    "server_is_overloaded": Category.OVERLOADED,
    "server_error": Category.SERVER_ERROR,
}
_TOO_LONG: Final = re.compile(
    r"maximum (?:context|prompt) length|exceeds the (?:available context size|context window)"
)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[smhd])")
_DURATION: Final = re.compile(f"(?:{_PART.pattern})*")


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an HTTP error means: by the error object where there is one, else by the status alone."""
    told = error_body(body)
    if isinstance(told, dict) and not told.get("error") and told.keys() & {"message", "code", "detail"}:
        told = {"error": {"message": told.get("message") or told.get("detail"), "code": told.get("code")}}
    error = told.get("error") if isinstance(told, dict) else None
    return failure_of(status, error, retry_after(headers))


def failure_of(status: int | None, error: Any, hint: float | None) -> Failure:
    """The failure of an error object; `status` None inside a stream."""
    details = error if isinstance(error, dict) else {"message": error}
    codes = [str(details[key]) for key in ("code", "type") if details.get(key)]
    return Failure(
        category=_category(status, codes, details, hint),
        message=said(details.get("message"), status),
        http_status=status,
        code=codes[0][:200] if codes else None,
        retry_after=hint,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: as the headers say, or until a used-up rate is reset; None if unsaid."""
    seconds = hinted(headers)
    if seconds is not None:
        return seconds
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def _duration(text: str) -> float | None:
    """`20ms`, `7.5s`, `6m0s` in seconds."""
    parts = _DURATION.fullmatch(text)
    if parts is None or not text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _category(
    status: int | None, codes: list[str], details: Mapping[str, Any], hint: float | None
) -> Category:
    if any(code in _QUOTA_CODES for code in codes):
        return Category.QUOTA_EXHAUSTED
    if status is None:
        return _in_stream(codes, details)
    if status == 429:
        named = any(_BY_CODE.get(code) is Category.RATE_LIMITED for code in codes)
        return Category.RATE_LIMITED if named else by_status(status, hint)
    if status == 402 and hint is not None:
        return Category.RATE_LIMITED
    return _named(codes) or _worded(status, details) or by_status(status, hint)


def _in_stream(codes: list[str], details: Mapping[str, Any]) -> Category:
    """An error inside a 200: by its code, which at some is a status; the rest is the server's fault."""
    named = _named(codes)
    status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), None)
    if named is not None or status is None:
        return named or _worded(400, details) or Category.SERVER_ERROR
    if status == 429:
        return Category.RATE_LIMITED
    return _worded(status, details) or by_status(status, None)


def _named(codes: list[str]) -> Category | None:
    return next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)


def _worded(status: int, details: Mapping[str, Any]) -> Category | None:
    """What only the words or the metadata say: a prompt too long (400), moderation (OpenRouter's 403)."""
    metadata = details.get("metadata")
    if status == 403 and isinstance(metadata, dict) and metadata.keys() & {"reasons", "flagged_input"}:
        return Category.CONTENT_FILTERED
    if status == 400 and _TOO_LONG.search(str(details.get("message"))):
        return Category.CONTEXT_TOO_LONG
    return None
