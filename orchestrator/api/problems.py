"""Every error leaves as `application/problem+json` (RFC 9457), whoever raised it.

A problem says what would be right and names the field; it never shows what happened inside.
"""

from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from orchestrator.api.complaints import field_error
from orchestrator.api.openai_errors import is_front, refused
from schemas.errors import (
    FieldError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    OrchestratorError,
    PayloadTooLarge,
    Unauthenticated,
)

MEDIA_TYPE: Final = "application/problem+json"
_MOST_ERRORS: Final = 50
_STATUSES: Final[dict[int, type[OrchestratorError]]] = {404: NotFound, 405: MethodNotAllowed}


class UnknownAddress(NotFound):
    """There is nothing at this address; /docs lists what there is."""


class WrongMethod(MethodNotAllowed):
    """This address takes another method; the Allow header names it."""


def problem(
    scope: Scope, error: OrchestratorError, headers: dict[str, str] | None = None, status: int | None = None
) -> Response:
    """The response an error becomes; `status` where it is not the error's own."""
    if is_front(scope["path"]):
        return refused(error, status).response({**_headers(error), **(headers or {})})
    code = f"http_{status}" if status else error.code
    body: dict[str, Any] = {
        "type": f"urn:orchestrator:problem:{code}",
        "title": error.title,
        "status": status or error.status,
        "detail": error.detail,
        "instance": scope["path"],
        "code": code,
        "request_id": scope.get("state", {}).get("request_id", ""),
        "retryable": error.retryable,
        "errors": [each.model_dump() for each in error.errors[:_MOST_ERRORS]],
    }
    sent = {**_headers(error), **(headers or {})}
    return Response(orjson.dumps(body), status or error.status, headers=sent, media_type=MEDIA_TYPE)


def _headers(error: OrchestratorError) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="orchestrator"'
    if isinstance(error, PayloadTooLarge):
        headers["Connection"] = "close"
    return headers


def invalid(errors: list[FieldError]) -> InvalidRequest:
    """The error for fields that don't fit; its detail is the first of them."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return InvalidRequest(errors[0].message + more, errors=tuple(errors))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OrchestratorError)
    return problem(request.scope, error)


async def _not_fitting(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    complaints = [field_error({**each, "loc": each["loc"][1:]}, None) for each in error.errors()]
    return problem(request.scope, invalid(complaints))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(request.scope, UnknownAddress())
    if error.status_code == 405:
        return problem(request.scope, WrongMethod(), dict(error.headers or {}))
    raised = OrchestratorError(str(error.detail))
    return problem(request.scope, raised, dict(error.headers or {}), error.status_code)


async def _fault(request: Request, _: Exception) -> Response:
    return problem(request.scope, OrchestratorError("Something went wrong here; it was logged."))


def install(app: FastAPI) -> None:
    """Let every error of the application leave as a problem."""
    app.add_exception_handler(OrchestratorError, _refused)
    app.add_exception_handler(RequestValidationError, _not_fitting)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
