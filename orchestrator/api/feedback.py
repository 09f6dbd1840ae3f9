"""Doors of feedback: say what a task's result was worth, and read what was said."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Reader, Writer, no_task
from orchestrator.api.providers import taken
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.flow.rate import rate
from orchestrator.store import views
from schemas.feedback import FeedbackPage, FeedbackRequest, FeedbackView

router = APIRouter(prefix=BASE, tags=["tasks"])


@router.post(
    "/tasks/{task_id}/feedback",
    response_model=None,
    responses={200: {"model": FeedbackView}, **problems(400, 403, 404, 409, 413, 415, 422)},
    openapi_extra=body_of("FeedbackRequest"),
)
async def give_feedback(request: Request, visit: Writer, task_id: UUID) -> Response:
    """Say what an ended task's result was worth; again takes the place of what this key said before."""
    said = await taken(request, visit, FeedbackRequest)
    found = await rate(visit.parts, visit.tenant_id, task_id, visit.who.key_id, said)
    return json_reply(found.model_dump(mode="json"))


@router.get(
    "/tasks/{task_id}/feedback",
    response_model=None,
    responses={200: {"model": FeedbackPage}, **problems(403, 404, 422)},
)
async def get_feedback(visit: Reader, task_id: UUID) -> Response:
    """List what was said of a task's result."""
    if await views.state(visit.parts.db, visit.tenant_id, task_id) is None:
        raise no_task(task_id)
    found = await views.feedback(visit.parts.db, visit.tenant_id, task_id)
    return json_reply({"data": [each.model_dump(mode="json") for each in found]})
