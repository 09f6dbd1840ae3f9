"""Doors that submit a chat and wait for it in one request: an answer, a labelled refusal, or the task.

Never a hang: when patience ends the task goes on, and the response says where it is.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import clock
from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import IDEMPOTENCY, body_of, problems
from orchestrator.api.doorway import Visit, Writer, no_task
from orchestrator.api.openai_models import chosen
from orchestrator.api.patience import GONE, Gone, abandon, while_there
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply, state_headers
from orchestrator.api.shapes import BASE, cost_shape
from orchestrator.api.submissions import idempotency_key
from orchestrator.flow.submit import submit
from orchestrator.store import views
from orchestrator.store.views.providers import Standing
from schemas.api import Generated, GenerateRequest
from schemas.errors import FieldError
from schemas.tasks import ChatRequest, Preferences, TaskStatus

router = APIRouter(prefix=BASE, tags=["tasks"])
_REQUEST: Final = TypeAdapter(GenerateRequest)
_OF_THE_CONTEXT: Final = ("prompt", "messages", "answer_schema", "session_history")
_MOST_ATTEMPTS: Final = 20
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Generated, "description": "An answer, or a refusal that says why."},
    202: {"model": Generated, "description": "No answer in time; the task goes on at `Location`."},
    **problems(400, 402, 403, 404, 413, 415, 422),
}


@router.post(
    "/generate",
    response_model=None,
    responses=_RESPONSES,
    openapi_extra=body_of("GenerateRequest") | IDEMPOTENCY,
)
async def generate(request: Request, visit: Writer) -> Response:
    """Answer a prompt or a conversation within this request."""
    return await _generated(request, visit, anyone=False)


@router.post(
    "/generate-with-fallback",
    response_model=None,
    responses=_RESPONSES,
    openapi_extra=body_of("GenerateRequest") | IDEMPOTENCY,
)
async def generate_with_fallback(request: Request, visit: Writer) -> Response:
    """As `/generate`, but whoever can answer does: named providers and models only go first."""
    return await _generated(request, visit, anyone=True)


async def _generated(request: Request, visit: Visit, *, anyone: bool) -> Response:
    key = idempotency_key(request)
    asked = _read(await read_json(request, visit.parts.config.max_body_bytes))
    standings = await views.providers(visit.parts.db, visit.tenant_id)
    chat = _chat(asked, _open_to_all(asked, standings) if anyone else _wishes(asked, standings))
    submitted = await submit(
        visit.parts, visit.tenant_id, chat, idempotency_key=key, api_key_id=visit.who.key_id
    )
    longest = visit.parts.config.chat_seconds
    seconds = min(asked.wait_seconds or longest, longest)
    try:
        await while_there(request, visit.watch.ended(visit.tenant_id, submitted.id, seconds))
    except Gone:
        if key is None:
            abandon(visit, submitted.id)
        return Response(status_code=GONE)
    row = await views.task(visit.parts.db, visit.tenant_id, submitted.id, frozenset({"result"}))
    if row is None:
        raise no_task(submitted.id)
    headers = state_headers(row) | {"Location": f"{BASE}/tasks/{row.id}"}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_reply(_shape(row), 200 if row.status.terminal else 202, headers)


def _read(body: object) -> GenerateRequest:
    try:
        return _REQUEST.validate_python(body)
    except ValidationError as error:
        raise invalid(field_errors(error, GenerateRequest, skip=0)) from error


def _chat(asked: GenerateRequest, wishes: Preferences) -> ChatRequest:
    given = asked.model_dump(exclude={*_OF_THE_CONTEXT, "model", "wait_seconds", "preferences"})
    context = {name: getattr(asked, name) for name in _OF_THE_CONTEXT}
    try:
        return ChatRequest.model_validate(given | {"kind": "chat", "context": context, "preferences": wishes})
    except ValidationError as error:
        errors = field_errors(error, ChatRequest, skip=0)
        raise invalid(
            [
                FieldError(field=each.field, message=each.message.removeprefix("context "), code=each.code)
                for each in errors
            ]
        ) from error


def _wishes(asked: GenerateRequest, standings: Sequence[Standing]) -> Preferences:
    """What `model` stands for, within the preferences."""
    named = chosen(asked.model, standings)
    wanted = asked.preferences.providers
    if wanted is not None and "providers" in named:
        named["providers"] = [name for name in named["providers"] if name in wanted]
    return asked.preferences.model_copy(update=named)


def _open_to_all(asked: GenerateRequest, standings: Sequence[Standing]) -> Preferences:
    """Every provider that isn't excluded, those that were named first, with attempts enough for all."""
    named = _wishes(asked, standings)
    first = [*named.preferred, *(named.providers or [])]
    attempts = min(_MOST_ATTEMPTS, max(named.max_attempts, 2 * len(standings)))
    opened = {
        "providers": None,
        "preferred": first,
        "model": None,
        "strategy": None,
        "max_attempts": attempts,
    }
    return named.model_copy(update=opened)


def _shape(row: views.TaskRow) -> dict[str, Any]:
    """A `Generated`."""
    result = orjson.loads(row.result) if row.result and row.status is TaskStatus.SUCCEEDED else {}
    outcome = "answered" if result else "refused" if row.status.terminal else "pending"
    until = row.finished_at or clock.now()
    return {
        "outcome": outcome,
        "response": result.get("text"),
        "finish_reason": result.get("finish_reason"),
        "provider": row.candidate["name"],
        "model": result.get("model") or row.candidate["model"],
        "simulated": row.simulated,
        "confidence": None,
        "quality": row.quality,
        "cost": cost_shape(row),
        "processing_time": round((until - row.created_at).total_seconds(), 3),
        "task_id": row.id,
        "status": row.status,
        "status_reason": row.status_reason,
        "error": row.error,
    }
