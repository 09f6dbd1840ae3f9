"""Doors of money limits: make, show and drop budgets."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Admin, Reader, Visit
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.limits.budgets import add_budget, drop_budget
from orchestrator.store import views
from schemas.api import BudgetPage
from schemas.budgets import Budget, BudgetRequest, Scope
from schemas.errors import FieldError, NotFound

router = APIRouter(prefix=BASE, tags=["budgets"])
_REQUEST = TypeAdapter(BudgetRequest)


@router.get("/budgets", response_model=None, responses={200: {"model": BudgetPage}, **problems(403)})
async def list_budgets(visit: Reader) -> Response:
    """List the tenant's budgets with what their current windows have used."""
    found = await views.budgets(visit.parts.db, visit.tenant_id)
    return json_reply({"data": [each.model_dump(mode="json") for each in found]})


@router.post(
    "/budgets",
    response_model=None,
    status_code=201,
    responses={201: {"model": Budget}, **problems(400, 403, 413, 415, 422)},
    openapi_extra=body_of("BudgetRequest"),
)
async def make_budget(request: Request, visit: Admin) -> Response:
    """Make a budget, or give the one of the same scope, subject, period and hardness a new limit."""
    body = await read_json(request, visit.parts.config.max_body_bytes)
    try:
        asked = _REQUEST.validate_python(body)
    except ValidationError as error:
        raise invalid(field_errors(error, BudgetRequest, skip=0)) from error
    await _check_subject(visit, asked)
    budget_id = await add_budget(visit.parts.db, visit.tenant_id, asked)
    return await _shown(visit, budget_id, 201)


@router.get(
    "/budgets/{budget_id}", response_model=None, responses={200: {"model": Budget}, **problems(403, 404, 422)}
)
async def get_budget(visit: Reader, budget_id: UUID) -> Response:
    """Show one budget."""
    return await _shown(visit, budget_id, 200)


@router.delete(
    "/budgets/{budget_id}", response_model=None, status_code=204, responses=problems(403, 404, 422)
)
async def remove_budget(visit: Admin, budget_id: UUID) -> Response:
    """Drop a budget: it limits nothing from now on, and its history stays."""
    if not await drop_budget(visit.parts.db, visit.tenant_id, budget_id):
        raise _none(budget_id)
    return Response(status_code=204)


async def _check_subject(visit: Visit, asked: BudgetRequest) -> None:
    """Raise `InvalidRequest` where a provider's budget would bind nothing."""
    if asked.scope is not Scope.PROVIDER:
        return
    names = sorted(each.name for each in await views.configured(visit.parts.db, visit.tenant_id))
    if asked.subject not in names:
        known = ", ".join(names) or "none"
        message = f"subject: there is no provider {asked.subject!r}; there are: {known}."
        raise invalid([FieldError(field="subject", message=message[:500], code="unknown_provider")])


async def _shown(visit: Visit, budget_id: UUID, status: int) -> Response:
    found = await views.budget(visit.parts.db, visit.tenant_id, budget_id)
    if found is None:
        raise _none(budget_id)
    return json_reply(found.model_dump(mode="json"), status)


def _none(budget_id: UUID) -> NotFound:
    return NotFound(f"There is no budget {budget_id}.")
