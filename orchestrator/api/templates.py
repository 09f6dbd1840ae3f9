"""Doors of templates: list them, keep one's own, make a provider from one."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Admin, Reader, Visit
from orchestrator.api.problems import invalid
from orchestrator.api.providers import fitting, made, taken
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.catalogue.templates import BUILT_IN, filled, missing
from orchestrator.flow.keep_template import keep_template
from orchestrator.store import views
from schemas.configured import (
    ProviderMade,
    ProviderRequest,
    Template,
    TemplateFilling,
    TemplatePage,
    TemplateView,
)
from schemas.errors import FieldError, NotFound

router = APIRouter(prefix=BASE, tags=["provider templates"])


@router.get(
    "/provider-templates", response_model=None, responses={200: {"model": TemplatePage}, **problems(403)}
)
async def list_templates(visit: Reader) -> Response:
    """List the built-in templates and the tenant's own."""
    own = await views.templates(visit.parts.db, visit.tenant_id)
    data = [_view(each, built_in=True) for each in BUILT_IN.values()]
    data += [_view(each, built_in=False) for each in own]
    return json_reply({"data": [each.model_dump(mode="json") for each in data]})


@router.post(
    "/provider-templates",
    response_model=None,
    status_code=201,
    responses={201: {"model": TemplateView}, **problems(400, 403, 413, 415, 422)},
    openapi_extra=body_of("Template"),
)
async def make_template(request: Request, visit: Admin) -> Response:
    """Keep a template of one's own, or replace the one of its name."""
    template = await taken(request, visit, Template)
    await keep_template(visit.parts, visit.tenant_id, template)
    return json_reply(_view(template, built_in=False).model_dump(mode="json"), 201)


@router.post(
    "/provider-templates/{template}/create",
    response_model=None,
    status_code=201,
    responses={201: {"model": ProviderMade}, **problems(400, 403, 404, 409, 413, 415, 422)},
    openapi_extra=body_of("TemplateFilling"),
)
async def create_from_template(request: Request, visit: Admin, template: str) -> Response:
    """Make a provider from a template, with values for its variables."""
    known = await _template(visit, template)
    asked = _request(known, await taken(request, visit, TemplateFilling))
    return await made(visit, asked)


async def _template(visit: Visit, name: str) -> Template:
    if name in BUILT_IN:
        return BUILT_IN[name]
    own = await views.templates(visit.parts.db, visit.tenant_id)
    found = next((each for each in own if each.name == name), None)
    if found is None:
        raise NotFound(f"There is no template {name!r}.")
    return found


def _request(template: Template, filling: TemplateFilling) -> ProviderRequest:
    values = {name: value.get_secret_value() for name, value in filling.variables.items()}
    wrong = [
        FieldError(
            field=f"variables.{name}",
            message=f"variables.{name} is required: {template.variables[name].description}",
            code="missing",
        )
        for name in missing(template, values)
    ]
    known = ", ".join(sorted(template.variables)) or "none"
    wrong += [
        FieldError(
            field=f"variables.{name}",
            message=f"the template has no variable {name}; known are {known}",
            code="unknown_field",
        )
        for name in sorted(set(values) - set(template.variables))
    ]
    if wrong:
        raise invalid(wrong)
    body = filled(template, values)
    return fitting(ProviderRequest, {**body, "name": filling.name} if filling.name else body)


def _view(template: Template, *, built_in: bool) -> TemplateView:
    return TemplateView(**template.model_dump(), built_in=built_in)
