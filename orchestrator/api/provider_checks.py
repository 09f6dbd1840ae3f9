"""Doors that look at providers: try one, its models, what it used, how it does."""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import clock
from orchestrator.api.bodies import read_json
from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Reader, Writer
from orchestrator.api.problems import invalid
from orchestrator.api.providers import fitting, no_provider
from orchestrator.api.replies import json_reply, wait_asked
from orchestrator.api.shapes import BASE
from orchestrator.flow.inquire import inquire
from orchestrator.limits.standing import overview, standing
from orchestrator.store import views
from schemas.configured import (
    CheckRequest,
    CheckStatus,
    CheckView,
    HealthOverview,
    ModelPage,
    ProviderHealth,
    ProviderUsage,
)
from schemas.errors import FieldError, NotFound

router = APIRouter(prefix=BASE, tags=["providers"])

USUAL_WAIT: Final = 20
LONGEST_USAGE: Final = timedelta(days=92)
_WAIT: Final[dict[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": f"`wait=N`: hold the answer at most N (60) seconds; {USUAL_WAIT} without it",
    "schema": {"type": "string"},
}
From = Annotated[AwareDatetime | None, Query(alias="from", description="from when; without it 30 days ago")]
To = Annotated[AwareDatetime | None, Query(description="until before when; without it now")]
Live = Annotated[bool, Query(description="have the endpoint asked now")]


@router.post(
    "/providers/{name}/test",
    response_model=None,
    responses={
        200: {"model": CheckView, "description": "It was tried."},
        202: {"model": CheckView, "description": "No worker has done it yet; `Location` names it."},
        **problems(400, 403, 404, 413, 415, 422),
    },
    openapi_extra={**body_of("CheckRequest"), "parameters": [_WAIT]},
)
async def test_provider(request: Request, visit: Writer, name: str) -> Response:
    """Try a provider: whether it answers, how fast, and whether it takes the credential.

    With a body it is tried with those changes; one that is not there is tried without being kept.
    """
    asked = fitting(CheckRequest, await _body(request, visit.parts.config.max_body_bytes))
    seconds = wait_asked(request)
    found = await inquire(
        visit.parts, visit.tenant_id, name, asked, float(USUAL_WAIT if seconds is None else seconds)
    )
    headers = {} if seconds is None else {"Preference-Applied": f"wait={seconds}"}
    if found.status is CheckStatus.PENDING:
        headers |= {"Location": f"{BASE}/provider-checks/{found.id}", "Retry-After": "2"}
        return json_reply(found.model_dump(mode="json"), 202, headers)
    return json_reply(found.model_dump(mode="json"), headers=headers)


@router.get(
    "/provider-checks/{check_id}",
    response_model=None,
    responses={200: {"model": CheckView}, **problems(403, 404, 422)},
)
async def get_check(visit: Reader, check_id: UUID) -> Response:
    """Show what a test of a provider found; it is kept for a day."""
    found = await views.check(visit.parts.db, visit.tenant_id, check_id)
    if found is None:
        raise NotFound(f"There is no check {check_id}.")
    return json_reply(found.model_dump(mode="json"))


@router.get(
    "/providers/{name}/models",
    response_model=None,
    responses={200: {"model": ModelPage}, **problems(403, 404, 422)},
)
async def list_models(visit: Reader, name: str, live: Live = False) -> Response:
    """List a provider's models: its default, and those that its endpoint listed when it was last asked."""
    if live:
        await inquire(visit.parts, visit.tenant_id, name, CheckRequest(), float(USUAL_WAIT))
    found = await views.models_of(visit.parts.db, visit.tenant_id, name)
    if found is None:
        raise no_provider(name)
    return json_reply(found.model_dump(mode="json"))


@router.get(
    "/providers/{name}/usage",
    response_model=None,
    responses={200: {"model": ProviderUsage}, **problems(403, 404, 422)},
)
async def get_usage(visit: Reader, name: str, starts: From = None, to: To = None) -> Response:
    """Sum up a provider's calls in a time, by model: calls, tokens, cost."""
    ends = to or clock.now()
    since = starts or ends - timedelta(days=30)
    if not timedelta(0) < ends - since <= LONGEST_USAGE:
        message = f"from must lie before to, by at most {LONGEST_USAGE.days} days"
        raise invalid([FieldError(field="from", message=message, code="range")])
    found = await views.usage(visit.parts.db, visit.tenant_id, name, since, ends)
    if found is None:
        raise no_provider(name)
    return json_reply(found.model_dump(mode="json"))


@router.get("/health", response_model=None, responses={200: {"model": HealthOverview}, **problems(403)})
async def get_overview(visit: Reader) -> Response:
    """Tell how all providers do: by their gates, their latest calls, and active checks."""
    found = await overview(visit.parts.db, visit.breakers, visit.tenant_id)
    return json_reply(found.model_dump(mode="json"))


@router.get(
    "/providers/{name}/health",
    response_model=None,
    responses={200: {"model": ProviderHealth}, **problems(403, 404, 422)},
)
@router.get(
    "/health/{name}",
    response_model=None,
    responses={200: {"model": ProviderHealth}, **problems(403, 404, 422)},
)
async def get_health(visit: Reader, name: str) -> Response:
    """Tell how a provider does, by its gates and its calls of the last quarter of an hour."""
    found = await standing(visit.parts.db, visit.breakers, visit.tenant_id, name)
    if found is None:
        raise no_provider(name)
    return json_reply(found.model_dump(mode="json"))


async def _body(request: Request, most: int) -> Any:
    """The body; nothing at all means that nothing is changed for the try."""
    declared = request.headers.get("content-length", "0" if "content-type" not in request.headers else "")
    if declared == "0" and "transfer-encoding" not in request.headers:
        return {}
    return await read_json(request, most)
