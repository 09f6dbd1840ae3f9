"""Doors of the gates: show what says "not now" of each provider, and let an operator overrule it."""

from fastapi import APIRouter
from starlette.responses import Response

from orchestrator.api.described import problems
from orchestrator.api.doorway import Admin, Reader
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.flow.reset import reset
from orchestrator.limits.inspection import inspect
from schemas.gates import CircuitBreakerPage

router = APIRouter(prefix=BASE, tags=["circuit breakers"])


@router.get(
    "/circuit-breakers", response_model=None, responses={200: {"model": CircuitBreakerPage}, **problems(403)}
)
async def list_circuit_breakers(visit: Reader) -> Response:
    """List the gates of the tenant's providers: health circuit, cool-down and credential of each."""
    found = await inspect(visit.parts.db, visit.breakers, visit.tenant_id)
    return json_reply({"data": [each.model_dump(mode="json") for each in found]})


@router.post(
    "/circuit-breakers/{gate_id}/reset",
    response_model=None,
    status_code=204,
    responses=problems(403, 404, 422),
)
async def reset_circuit_breaker(visit: Admin, gate_id: str) -> Response:
    """Let everything through a gate again, at once and in all processes."""
    await reset(visit.parts, visit.breakers, visit.tenant_id, gate_id)
    return Response(status_code=204)
