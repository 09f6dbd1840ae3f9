"""Doors of prompts: how those of each kind begin, and a tenant's own text in place of the built-in one."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Reader, Visit, Writer
from orchestrator.api.providers import taken
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.catalogue import leads
from orchestrator.flow.lead import lead
from orchestrator.store import views
from schemas.api import PromptPage, PromptRequest, PromptView
from schemas.errors import NotFound

router = APIRouter(prefix=BASE, tags=["prompts"])


@router.get("/prompts", response_model=None, responses={200: {"model": PromptPage}, **problems(403)})
async def list_prompts(visit: Reader) -> Response:
    """List how the prompts of each kind begin for the tenant."""
    own = await views.prompts(visit.parts.db, visit.tenant_id)
    return json_reply({"data": [_view(name, own.get(name)) for name in leads.NAMES]})


@router.get(
    "/prompts/{name}", response_model=None, responses={200: {"model": PromptView}, **problems(403, 404, 422)}
)
async def get_prompt(visit: Reader, name: str) -> Response:
    """Show how the prompts of a kind begin for the tenant."""
    return await _shown(visit, name)


@router.put(
    "/prompts/{name}",
    response_model=None,
    responses={200: {"model": PromptView}, **problems(400, 403, 404, 413, 415, 422)},
    openapi_extra=body_of("PromptRequest"),
)
async def put_prompt(request: Request, visit: Writer, name: str) -> Response:
    """Begin the prompts of a kind with a text of one's own; it is tried before it is kept."""
    asked = await taken(request, visit, PromptRequest)
    await lead(visit.parts, visit.tenant_id, name, asked.template)
    return await _shown(visit, name)


@router.delete(
    "/prompts/{name}", response_model=None, status_code=204, responses={204: {}, **problems(403, 404, 422)}
)
async def delete_prompt(visit: Writer, name: str) -> Response:
    """Go back to the built-in text."""
    await lead(visit.parts, visit.tenant_id, name, None)
    return Response(status_code=204)


async def _shown(visit: Visit, name: str) -> Response:
    if name not in leads.NAMES:
        raise NotFound(f"There is no prompt {name[:100]!r}; there are {', '.join(leads.NAMES)}.")
    return json_reply(_view(name, (await views.prompts(visit.parts.db, visit.tenant_id)).get(name)))


def _view(name: str, own: views.OwnPrompt | None) -> dict[str, Any]:
    template = own.template if own else leads.built_in(name)
    return {
        "name": name,
        "template": template,
        "version": own.version if own else leads.version(template),
        "built_in": own is None,
        "variables": leads.VARIABLES,
        "updated_at": own.updated_at if own else None,
    }
