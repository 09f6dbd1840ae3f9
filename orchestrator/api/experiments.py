"""Doors of experiments: make them, change them, and see what they have shown."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Reader, Writer
from orchestrator.api.providers import taken
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.flow.adjust import adjust
from orchestrator.flow.appraise import appraise
from orchestrator.flow.experiment import experiment
from orchestrator.store import views
from schemas.errors import NotFound
from schemas.experiments import (
    ExperimentPage,
    ExperimentPatch,
    ExperimentReport,
    ExperimentRequest,
    ExperimentView,
)

router = APIRouter(prefix=BASE, tags=["experiments"])
_SHOWN: Final[dict[int | str, dict[str, Any]]] = {200: {"model": ExperimentView}}


@router.get("/experiments", response_model=None, responses={200: {"model": ExperimentPage}, **problems(403)})
async def list_experiments(visit: Reader) -> Response:
    """List the tenant's experiments, oldest first: the first one that fits takes a task."""
    found = await views.experiments(visit.parts.db, visit.tenant_id)
    return json_reply({"data": [each.model_dump(mode="json") for each in found]})


@router.post(
    "/experiments",
    response_model=None,
    status_code=201,
    responses={201: {"model": ExperimentView}, **problems(400, 403, 409, 413, 415, 422)},
    openapi_extra=body_of("ExperimentRequest"),
)
async def make_experiment(request: Request, visit: Writer) -> Response:
    """Give tasks to weighted arms from now on, a session always to the same one."""
    asked = await taken(request, visit, ExperimentRequest)
    made = await experiment(visit.parts, visit.tenant_id, asked)
    return json_reply(made.model_dump(mode="json"), 201, {"Location": f"{BASE}/experiments/{made.name}"})


@router.get(
    "/experiments/{name}",
    response_model=None,
    responses={200: {"model": ExperimentReport}, **problems(403, 404, 422)},
)
async def get_experiment(visit: Reader, name: str) -> Response:
    """Show what an experiment has shown so far: samples of each arm, and how sure a difference is."""
    found = await views.experiment(visit.parts.db, visit.tenant_id, name)
    if found is None:
        raise NotFound(f"There is no experiment {name!r}.")
    outcomes = await views.arm_outcomes(visit.parts.db, visit.tenant_id, found.id)
    return json_reply(appraise(found, outcomes).model_dump(mode="json"))


@router.patch(
    "/experiments/{name}",
    response_model=None,
    responses={**_SHOWN, **problems(400, 403, 404, 413, 415, 422)},
    openapi_extra=body_of("ExperimentPatch"),
)
async def patch_experiment(request: Request, visit: Writer, name: str) -> Response:
    """Pause, resume or end an experiment, or shift its weights."""
    patch = await taken(request, visit, ExperimentPatch)
    changed = await adjust(visit.parts, visit.tenant_id, name, patch)
    return json_reply(changed.model_dump(mode="json"))
