"""Admit: may this tenant submit this task now. Pure; what it can't see (schemas) is already checked."""

from datetime import datetime, timedelta
from typing import Final

from schemas.errors import FieldError, InvalidRequest
from schemas.privacy import RedactionRule
from schemas.results import VerificationLevel
from schemas.routing import RoutingConfig
from schemas.structured import fault_of
from schemas.tasks import CODE_REQUESTS, SUPPORTED_LEVELS, CacheUse, ChatRequest, EmbedRequest, TaskRequest

MAX_DELAY: Final = timedelta(days=90)
_USUAL: Final = RoutingConfig()


def admit(
    request: TaskRequest,
    now: datetime,
    *,
    tests: bool = False,
    config: RoutingConfig = _USUAL,
) -> None:
    """Raise `InvalidRequest` naming each field that makes the task impossible.

    `tests`: they may run here; `config` is the tenant's.
    """
    errors = [
        *_times(request, now),
        *_level(request),
        *_tests(request, allowed=tests),
        *_schema(request),
        *_model(request),
        *_consent(request, config.redaction),
        *_consensus(request),
        *_cache(request, similar=config.similar is not None),
    ]
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
        return _judged(request, wanted)
    listed = ", ".join(offered)
    return [_error("preferences.verification_level", f"must be one of {listed} for {request.kind}")]


def _schema(request: TaskRequest) -> list[FieldError]:
    schema = request.context.answer_schema if isinstance(request, ChatRequest) else None
    fault = fault_of(schema) if schema is not None else None
    return [_error("context.answer_schema", f"must be a JSON Schema; {fault}")] if fault else []


def _model(request: TaskRequest) -> list[FieldError]:
    if not isinstance(request, EmbedRequest) or request.preferences.model is not None:
        return []
    return [_error("preferences.model", "is required: vectors of different models can't be compared")]


def _judged(request: TaskRequest, wanted: VerificationLevel | None) -> list[FieldError]:
    """A level that needs something to be held against is nothing without it."""
    if not isinstance(request, CODE_REQUESTS):
        return []
    needs = {
        VerificationLevel.CRITERIA: ("context.acceptance_criteria", request.context.acceptance_criteria),
        VerificationLevel.TESTS: ("context.constraints.tests", request.context.constraints.tests),
    }
    field, given = needs.get(wanted, ("", True)) if wanted else ("", True)
    return [] if given else [_error("preferences.verification_level", f"can't be {wanted} without {field}")]


def _tests(request: TaskRequest, *, allowed: bool) -> list[FieldError]:
    if allowed or not isinstance(request, CODE_REQUESTS) or request.context.constraints.tests is None:
        return []
    why = "can't be run here: the operator has to set ORCHESTRATOR_SANDBOXED_TESTS=true"
    return [_error("context.constraints.tests", why)]


def _consent(request: TaskRequest, rule: RedactionRule) -> list[FieldError]:
    if rule.permits(request.preferences.redaction):
        return []
    message = "must not be off: the tenant's configuration requires redaction (PUT /config, `redaction`)"
    return [_error("preferences.redaction", message)]


def _cache(request: TaskRequest, *, similar: bool) -> list[FieldError]:
    if request.preferences.cache is not CacheUse.SIMILAR:
        return []
    if not isinstance(request, ChatRequest):
        why = (
            f"can't be similar for {request.kind}: only the answer to a chat may be that of another question"
        )
        return [_error("preferences.cache", why)]
    why = "can't be similar: the tenant's configuration says nothing of it (PUT /config, `similar`)"
    return [] if similar else [_error("preferences.cache", why)]


def _consensus(request: TaskRequest) -> list[FieldError]:
    if request.preferences.consensus is None:
        return []
    if isinstance(request, EmbedRequest):
        return [_error("preferences.consensus", "must be left out: vectors are one model's alone")]
    if not isinstance(request, ChatRequest) or not request.context.stream:
        return []
    why = "must be left out where context.stream asks for one answer as it comes"
    return [_error("preferences.consensus", why)]


def _error(field: str, message: str) -> FieldError:
    return FieldError(field=field, message=f"{field} {message}", code="invalid_value")
