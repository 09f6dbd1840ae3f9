"""The events of a task: as JSON pages, or as a stream that can be resumed (SSE).

A stream ends after the task's last event; who comes back after that gets 204 and stays away.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orchestrator.api.described import problems
from orchestrator.api.doorway import Reader, Visit, no_task
from orchestrator.api.replies import json_reply
from orchestrator.api.selection import page_size
from orchestrator.api.shapes import BASE, page_shape
from orchestrator.store import views
from schemas.api import EventPage
from schemas.errors import StoreUnavailable
from schemas.events import TaskEvent

router = APIRouter(prefix=BASE, tags=["tasks"])

HEARTBEAT_SECONDS: Final = 15
_BATCH: Final = 100
_STREAM: Final = "text/event-stream"
_LARGEST: Final = 2**31 - 1

After = Annotated[int, Query(ge=0, le=_LARGEST, description="only events with a higher id")]
Limit = Annotated[int, Query(description="taken into 1..100")]


@router.get(
    "/tasks/{task_id}/events",
    response_model=None,
    responses={
        200: {
            "model": EventPage,
            "description": "A page; for `Accept: text/event-stream` a stream, resumed by `Last-Event-ID`.",
            "content": {_STREAM: {"schema": {"type": "string"}}},
        },
        204: {"description": "The stream has ended."},
        **problems(403, 404, 422),
    },
)
async def get_events(
    request: Request, visit: Reader, task_id: UUID, after: After = 0, limit: Limit = _BATCH
) -> Response:
    """Show what happened to a task: a JSON page, or a stream of server-sent events."""
    state = await views.state(visit.parts.db, visit.tenant_id, task_id)
    if state is None:
        raise no_task(task_id)
    if _STREAM in request.headers.get("accept", ""):
        return _streamed(visit, state, _last_event_id(request, after))
    most = page_size(limit)
    found = await views.events(visit.parts.db, visit.tenant_id, task_id, after, most + 1)
    more = str(found[most - 1].id) if len(found) > most else None
    return json_reply(page_shape([_shape(event) for event in found[:most]], more))


def _streamed(visit: Visit, state: views.State, after: int) -> Response:
    if state.status.terminal and after >= state.event_seq:
        return Response(status_code=204)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(visit, state.id, after), media_type=_STREAM, headers=headers)


async def _frames(visit: Visit, task_id: UUID, after: int) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    with suppress(StoreUnavailable):
        while not visit.watch.stopped:
            state = await views.state(visit.parts.db, visit.tenant_id, task_id)
            found = await views.events(visit.parts.db, visit.tenant_id, task_id, after, _BATCH)
            for event in found:
                yield _frame(event)
                after = event.id
            if state is None or (state.status.terminal and after >= state.event_seq):
                return
            if not found and not await visit.watch.moved(visit.tenant_id, task_id, after, HEARTBEAT_SECONDS):
                yield b": still here\n\n"


def _frame(event: TaskEvent) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.name.encode(), orjson.dumps(_shape(event)))


def _shape(event: TaskEvent) -> dict[str, object]:
    return event.model_dump(mode="json")


def _last_event_id(request: Request, after: int) -> int:
    with suppress(ValueError):
        return max(after, min(int(request.headers.get("last-event-id", "")), _LARGEST))
    return after
