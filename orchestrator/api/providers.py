"""Doors of a tenant's providers: list, make, show, change, remove, pause and resume."""

from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Admin, Reader, Visit
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.catalogue.choosing import chosen_model
from orchestrator.flow.inquire import inquire
from orchestrator.flow.pause import pause
from orchestrator.flow.provide import provide
from orchestrator.flow.reconfigure import reconfigure
from orchestrator.flow.withdraw import withdraw
from orchestrator.limits.standing import overview
from orchestrator.store import views
from schemas.configured import (
    CheckRequest,
    ProviderMade,
    ProviderPage,
    ProviderPatch,
    ProviderRequest,
    ProviderView,
    Standing,
)
from schemas.errors import FieldError, NotFound

T = TypeVar("T", bound=BaseModel)

router = APIRouter(prefix=BASE, tags=["providers"])
MODEL_SECONDS: Final = 20.0
Healthy = Annotated[
    bool | None, Query(description="true: only those that are healthy; false: only the others")
]
_SHOWN: Final[dict[int | str, dict[str, Any]]] = {200: {"model": ProviderView}}


@router.get("/providers", response_model=None, responses={200: {"model": ProviderPage}, **problems(403, 422)})
async def list_providers(visit: Reader, healthy: Healthy = None) -> Response:
    """List the tenant's providers, in the order in which they are tried."""
    found = await views.configured(visit.parts.db, visit.tenant_id)
    if healthy is not None:
        health = await overview(visit.parts.db, visit.breakers, visit.tenant_id)
        well = {each.provider for each in health.data if each.status is Standing.HEALTHY}
        found = [each for each in found if (each.name in well) is healthy]
    return json_reply({"data": [each.model_dump(mode="json") for each in found]})


@router.get("/healthy-providers", response_model=None, include_in_schema=False)
async def list_healthy_providers(visit: Reader) -> Response:
    """List those that are healthy: another address of `/providers?healthy=true`."""
    return await list_providers(visit, healthy=True)


@router.post(
    "/providers",
    response_model=None,
    status_code=201,
    responses={201: {"model": ProviderMade}, **problems(400, 403, 409, 413, 415, 422)},
    openapi_extra=body_of("ProviderRequest"),
)
async def make_provider(request: Request, visit: Admin) -> Response:
    """Make a provider; an address and a credential are enough."""
    asked = await taken(request, visit, ProviderRequest)
    return await made(visit, asked)


@router.get("/providers/{name}", response_model=None, responses={**_SHOWN, **problems(403, 404, 422)})
async def get_provider(visit: Reader, name: str) -> Response:
    """Show a provider; its credential is never shown."""
    return await shown(visit, name)


@router.put(
    "/providers/{name}",
    response_model=None,
    responses={**_SHOWN, 201: {"model": ProviderMade}, **problems(400, 403, 409, 413, 415, 422)},
    openapi_extra=body_of("ProviderRequest"),
)
async def put_provider(request: Request, visit: Admin, name: str) -> Response:
    """Make a provider of this name, or set all of it anew; a credential that is left out stays."""
    asked = _named(await taken(request, visit, ProviderRequest), name)
    if await views.configured_one(visit.parts.db, visit.tenant_id, name) is None:
        return await made(visit, asked)
    await reconfigure(visit.parts, visit.tenant_id, name, _whole(asked))
    return await shown(visit, name)


@router.patch(
    "/providers/{name}",
    response_model=None,
    responses={**_SHOWN, **problems(400, 403, 404, 413, 415, 422)},
    openapi_extra=body_of("ProviderPatch"),
)
async def change_provider(request: Request, visit: Admin, name: str) -> Response:
    """Change some of a provider; another host needs its credential again."""
    patch = await taken(request, visit, ProviderPatch)
    await reconfigure(visit.parts, visit.tenant_id, name, patch)
    return await shown(visit, name)


@router.delete("/providers/{name}", response_model=None, status_code=204, responses=problems(403, 404, 422))
async def remove_provider(visit: Admin, name: str) -> Response:
    """Remove a provider and shred its credential; tasks that wait for it go to others, or fail."""
    await withdraw(visit.parts, visit.tenant_id, name)
    return Response(status_code=204)


@router.post("/providers/{name}/pause", response_model=None, responses={**_SHOWN, **problems(403, 404, 422)})
async def pause_provider(visit: Admin, name: str) -> Response:
    """Send nothing more to a provider."""
    await pause(visit.parts, visit.tenant_id, name, paused=True)
    return await shown(visit, name)


@router.post("/providers/{name}/resume", response_model=None, responses={**_SHOWN, **problems(403, 404, 422)})
async def resume_provider(visit: Admin, name: str) -> Response:
    """Let tasks go to a provider again."""
    await pause(visit.parts, visit.tenant_id, name, paused=False)
    return await shown(visit, name)


def no_provider(name: str) -> NotFound:
    """The error for a provider that is not there, or not this tenant's."""
    return NotFound(f"There is no provider {name!r}.")


async def shown(visit: Visit, name: str) -> Response:
    """The provider as it is now."""
    return json_reply((await _found(visit, name)).model_dump(mode="json"), 200)


async def made(visit: Visit, asked: ProviderRequest) -> Response:
    """The provider, made."""
    stored = await provide(visit.parts, visit.tenant_id, asked, await model_for(visit, asked))
    found = await _found(visit, stored.name)
    told = {**found.model_dump(mode="json"), "took_over_from": list(stored.took_over_from)}
    return json_reply(told, 201)


async def _found(visit: Visit, name: str) -> ProviderView:
    found = await views.configured_one(visit.parts.db, visit.tenant_id, name)
    if found is None:
        raise no_provider(name)
    return found


async def taken(request: Request, visit: Visit, model: type[T]) -> T:
    """The request's body as a value. Raises `InvalidRequest` naming the fields at fault."""
    return fitting(model, await read_json(request, visit.parts.config.max_body_bytes))


async def model_for(visit: Visit, asked: ProviderRequest) -> str:
    """The model that was named, or one that the endpoint lists. Raises `InvalidRequest`."""
    if asked.model is not None:
        return asked.model
    given = {"vendor", "wire", "base_url", "credential", "options"} & asked.model_fields_set
    check = CheckRequest.model_construct(given, **{field: getattr(asked, field) for field in given})
    found = await inquire(visit.parts, visit.tenant_id, None, check, MODEL_SECONDS)
    model = chosen_model(asked.base_url, found.result.models) if found.result else None
    if model is None:
        said = found.result.message if found.result else f"no worker could ask within {MODEL_SECONDS:g} s"
        message = f"model is required here: the endpoint was asked for its models in vain ({said})"
        raise invalid([FieldError(field="model", message=message, code="model_unknown")])
    return model


def fitting(model: type[T], body: Any) -> T:
    """A JSON value as a value of ours."""
    try:
        return TypeAdapter(model).validate_python(body)
    except ValidationError as error:
        raise invalid(field_errors(error, model, skip=0)) from error


def _named(asked: ProviderRequest, name: str) -> ProviderRequest:
    if asked.name not in (None, name):
        message = f"name must be {name!r}, as in the address, or be left out: providers keep their names"
        raise invalid([FieldError(field="name", message=message, code="fixed")])
    fitting(ProviderRequest, {"name": name, "base_url": asked.base_url})
    return asked.model_copy(update={"name": name})


def _whole(asked: ProviderRequest) -> ProviderPatch:
    """Everything but what a PUT may leave out: the credential, the model, the vendor's ways, the place."""
    fields = {"base_url", "options", "concurrency_limit", "paused"} | asked.model_fields_set - {"name"}
    kept = {field for field in fields if getattr(asked, field) is not None or field in _MAY_BE_NONE}
    return ProviderPatch.model_construct(kept, **{field: getattr(asked, field) for field in kept})


_MAY_BE_NONE: Final = frozenset({"credential", "concurrency_limit"})
