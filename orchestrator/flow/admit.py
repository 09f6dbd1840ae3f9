"""Admit: may this tenant submit this task now. Pure; what it can't see (schemas) is already checked."""

from datetime import datetime, timedelta
from typing import Final

from schemas.errors import FieldError, InvalidRequest
from schemas.tasks import SUPPORTED_LEVELS, ChatRequest, TaskRequest

MAX_DELAY: Final = timedelta(days=90)


def admit(request: TaskRequest, now: datetime) -> None:
    """Raise `InvalidRequest` naming each field that makes the task impossible."""
    errors = [*_times(request, now), *_level(request), *_consensus(request)]
    if errors:
        raise InvalidRequest(errors[0].message, errors=tuple(errors))


def _times(request: TaskRequest, now: datetime) -> list[FieldError]:
    errors = []
    start = max(request.run_at or now, now)
    if start > now + MAX_DELAY:
        return [_error("run_at", "must lie within the next 90 days")]
    if request.deadline is not None and request.deadline <= start:
        errors.append(_error("deadline", "must lie in the future, and after run_at"))
    elif request.deadline is not None and request.deadline > start + MAX_DELAY:
        errors.append(_error("deadline", "must lie within 90 days of run_at"))
    return errors


def _level(request: TaskRequest) -> list[FieldError]:
    wanted = request.preferences.verification_level
    offered = SUPPORTED_LEVELS[request.kind]
    if wanted is None or wanted in offered:
        return []
    listed = ", ".join(offered)
    return [_error("preferences.verification_level", f"must be one of {listed} for {request.kind}")]


def _consensus(request: TaskRequest) -> list[FieldError]:
    streams = isinstance(request, ChatRequest) and request.context.stream
    if request.preferences.consensus is None or not streams:
        return []
    return [
        _error(
            "preferences.consensus", "must be left out where context.stream asks for one answer as it comes"
        )
    ]


def _error(field: str, message: str) -> FieldError:
    return FieldError(field=field, message=f"{field} {message}", code="invalid_value")
