"""Doors of routing: why a task goes where it goes, where one would go, and the tenant's configuration."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import WHO_IS_ADMIN, Reader, Visit, Writer, no_task
from orchestrator.api.previews import planned
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE, raw
from orchestrator.api.submissions import read_request
from orchestrator.auth import Scope
from orchestrator.flow.tune import tune
from orchestrator.store import views
from schemas.errors import Forbidden
from schemas.routing import RouteExplanation, RoutingConfig, TaskRoute

router = APIRouter(prefix=BASE, tags=["routing"])
_CONFIG = TypeAdapter(RoutingConfig)


@router.get(
    "/tasks/{task_id}/explain",
    response_model=None,
    responses={200: {"model": TaskRoute}, **problems(403, 404, 422)},
)
async def explain_task(visit: Reader, task_id: UUID) -> Response:
    """Show why a task went where it went: candidates with their scores, and who was left out and why."""
    found = await views.stored_route(visit.parts.db, visit.tenant_id, task_id)
    if found is None:
        raise no_task(task_id)
    shape = {"task_id": task_id, "current": found.candidate, "provider": found.provider}
    return json_reply({**shape, "route": raw(found.explanation)})


@router.post(
    "/routing/explain",
    response_model=None,
    responses={200: {"model": RouteExplanation}, **problems(400, 403, 413, 415, 422)},
    openapi_extra=body_of("TaskRequest"),
)
async def explain_request(request: Request, visit: Reader) -> Response:
    """Show where a task would go, and why; nothing is stored."""
    asked = read_request(await read_json(request, visit.parts.config.max_body_bytes), None)
    return json_reply((await planned(visit, asked)).explanation)


@router.get("/config", response_model=None, responses={200: {"model": RoutingConfig}, **problems(403)})
async def get_config(visit: Reader) -> Response:
    """Show how the tenant's tasks are routed."""
    config = await views.routing_config(visit.parts.db, visit.tenant_id)
    return json_reply(config.model_dump(mode="json"))


@router.put(
    "/config",
    response_model=None,
    responses={200: {"model": RoutingConfig}, **problems(400, 403, 413, 415, 422)},
    openapi_extra=body_of("RoutingConfig"),
)
async def set_config(request: Request, visit: Writer) -> Response:
    """Replace the routing configuration; what is left out goes back to its default.

    A looser rule of `redaction` than the present one takes a key with the scope `admin`."""
    body = await read_json(request, visit.parts.config.max_body_bytes)
    try:
        asked = _CONFIG.validate_python(body)
    except ValidationError as error:
        raise invalid(field_errors(error, RoutingConfig, skip=0)) from error
    await _may_loosen(visit, asked)
    await tune(visit.parts, visit.tenant_id, asked)
    return json_reply(asked.model_dump(mode="json"))


async def _may_loosen(visit: Visit, asked: RoutingConfig) -> None:
    """Raise `Forbidden` where more would leave than now, and the key may not decide so."""
    views.forget_routing(visit.tenant_id)
    now = await views.routing_config(visit.parts.db, visit.tenant_id)
    if asked.redaction.looser_than(now.redaction) and Scope.ADMIN not in visit.who.scopes:
        raise Forbidden(
            f"redaction can't be loosened from {now.redaction} to {asked.redaction}: this API key lacks the "
            f"scope {Scope.ADMIN}. {WHO_IS_ADMIN}"
        )
