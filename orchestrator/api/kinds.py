"""The kinds of tasks, with the JSON Schemas of what they take and give."""

from functools import cache
from typing import Any, Final, cast

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from orchestrator.api.described import problems
from orchestrator.api.doorway import Reader
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE, page_shape
from orchestrator.api.submissions import MODELS
from schemas.api import KindPage, KindSchema
from schemas.errors import NotFound
from schemas.results import ChatResult, CodeResult, ReviewResult
from schemas.tasks import TaskKind, normal_kind

router = APIRouter(prefix=BASE, tags=["kinds"])

_RESULTS: Final[dict[TaskKind, type[BaseModel]]] = {
    **dict.fromkeys(TaskKind, CodeResult),
    TaskKind.REVIEW_CODE: ReviewResult,
    TaskKind.CHAT: ChatResult,
}


@router.get("/task-kinds", response_model=None, responses={200: {"model": KindPage}, **problems(403, 422)})
async def list_kinds(visit: Reader) -> Response:
    """List the kinds of tasks."""
    return json_reply(page_shape([_kind(kind) for kind in MODELS], None))


@router.get(
    "/task-kinds/{kind}/schema",
    response_model=None,
    responses={200: {"model": KindSchema}, **problems(403, 404, 422)},
)
async def kind_schema(visit: Reader, kind: str) -> Response:
    """Show the JSON Schemas of a kind's context and result."""
    known = normal_kind(kind)
    if known not in MODELS:
        raise NotFound(f"There is no kind {kind[:100]!r}; there are {', '.join(MODELS)}.")
    return json_reply(_schemas(TaskKind(str(known))))


def _kind(kind: TaskKind) -> dict[str, Any]:
    return {
        "kind": kind,
        "description": MODELS[kind].__doc__,
        "submit": f"{BASE}/tasks/{kind.replace('_', '-')}",
        "json_schema": f"{BASE}/task-kinds/{kind}/schema",
    }


@cache
def _schemas(kind: TaskKind) -> dict[str, Any]:
    context = cast("type[BaseModel]", MODELS[kind].model_fields["context"].annotation)
    return {
        "kind": kind,
        "context": context.model_json_schema(),
        "result": _RESULTS[kind].model_json_schema(),
    }
