"""Doors that show tasks: whole, their status, result and calls; lists and counts; and cancel.

A poll that has the newest version already is answered from the hot row alone.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import CONDITIONAL, problems
from orchestrator.api.doorway import Reader, Visit, Writer, no_task
from orchestrator.api.exporting import EXPORTS, Format, export_reply, format_asked
from orchestrator.api.families import whole_shape
from orchestrator.api.replies import has_it, json_reply, state_headers, wait_asked
from orchestrator.api.selection import (
    LIST_PARTS,
    LISTED,
    TASK_PARTS,
    Include,
    cursor_after,
    filters_of,
    included,
    page_size,
)
from orchestrator.api.shapes import BASE, call_shape, page_shape, result_shape, status_shape, task_shape
from orchestrator.flow.cancel import cancel
from orchestrator.store import views
from schemas.api import CallPage, ResultView, StatsView, StatusView, TaskFilters, TaskPage, TaskView
from schemas.errors import TaskNotFinished
from schemas.tasks import TaskStatus

router = APIRouter(prefix=BASE, tags=["tasks"])


@router.get(
    "/tasks/{task_id}/status",
    response_model=None,
    responses={
        200: {"model": StatusView},
        304: {"description": "Nothing changed."},
        **problems(403, 404, 422),
    },
    openapi_extra=CONDITIONAL,
)
async def get_status(request: Request, visit: Reader, task_id: UUID) -> Response:
    """Show where a task stands: the cheapest poll."""
    applied = await _wait(request, visit, task_id)
    state = await _state(visit, task_id)
    headers = state_headers(state) | applied
    if has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return json_reply(status_shape(state), headers=headers)


@router.get("/tasks/stats", response_model=None, responses={200: {"model": StatsView}, **problems(403, 422)})
@router.get("/statistics", response_model=None, include_in_schema=False)
async def task_stats(visit: Reader) -> Response:
    """Count tasks by state, and what waits by queue."""
    stats = await views.stats(visit.parts.db, visit.tenant_id)
    by_status = {str(status): stats.by_status.get(status, 0) for status in TaskStatus}
    waiting = {"waiting_by_queue": stats.waiting_by_queue}
    return json_reply(
        {"by_status": by_status, **waiting, "oldest_queued_seconds": stats.oldest_queued_seconds}
    )


@router.get(
    "/tasks/{task_id}",
    response_model=None,
    responses={200: {"model": TaskView}, 304: {"description": "Nothing changed."}, **problems(403, 404, 422)},
    openapi_extra=CONDITIONAL,
)
async def get_task(request: Request, visit: Reader, task_id: UUID, include: Include = None) -> Response:
    """Show a task; `include=result` with its result."""
    parts = included(include, TASK_PARTS)
    applied = await _wait(request, visit, task_id)
    unchanged = await _unchanged(request, visit, task_id, parts)
    if unchanged is not None:
        return unchanged
    row = await views.task(visit.parts.db, visit.tenant_id, task_id, parts & LIST_PARTS)
    if row is None:
        raise no_task(task_id)
    shape = await whole_shape(visit, row, parts)
    if "calls" in parts:
        shape["calls"] = await _calls(visit, task_id)
    if "feedback" in parts:
        found = await views.feedback(visit.parts.db, visit.tenant_id, task_id)
        shape["feedback"] = [each.model_dump(mode="json") for each in found]
    return json_reply(shape, headers=state_headers(row, parts) | applied)


@router.get("/tasks", response_model=None, responses={200: {"model": TaskPage}, **problems(403, 422)})
async def list_tasks(visit: Reader, asked: Annotated[TaskFilters, Query()]) -> Response:
    """List tasks, newest first; the children of a consensus with `parent_id` or `include=children`."""
    wished, most = included(asked.include, LISTED), page_size(asked.limit)
    include, filters = wished & LIST_PARTS, filters_of(asked, with_children="children" in wished)
    rows = await views.page(visit.parts.db, visit.tenant_id, filters, most + 1, include)
    more = cursor_after(rows[most - 1].id) if len(rows) > most else None
    return json_reply(page_shape([task_shape(row, include) for row in rows[:most]], more))


@router.get(
    "/tasks/{task_id}/result",
    response_model=None,
    responses={200: {"model": ResultView, "content": EXPORTS}, **problems(403, 404, 406, 409, 422)},
)
async def get_result(request: Request, visit: Reader, task_id: UUID, form: Format = None) -> Response:
    """Show how a task ended: its result, or its error; a review as SARIF or rdjson too. 409 while it runs."""
    outcome = await views.outcome(visit.parts.db, visit.tenant_id, task_id)
    if outcome is None:
        raise no_task(task_id)
    if not outcome.status.terminal:
        state = await _state(visit, task_id)
        retry_after = int(state_headers(state).get("Retry-After", "1"))
        raise TaskNotFinished(f"The task is {outcome.status}; ask again later.", retry_after=retry_after)
    wanted = format_asked(request, form)
    return json_reply(result_shape(outcome)) if wanted is None else export_reply(outcome, wanted)


@router.get(
    "/tasks/{task_id}/calls",
    response_model=None,
    responses={200: {"model": CallPage}, **problems(403, 404, 422)},
)
async def get_calls(visit: Reader, task_id: UUID) -> Response:
    """List the requests made to providers for a task and its children, with what each cost."""
    await _state(visit, task_id)
    return json_reply(page_shape(await _calls(visit, task_id), None))


@router.post(
    "/tasks/{task_id}/cancel",
    response_model=None,
    responses={200: {"model": TaskView}, 202: {"model": TaskView}, **problems(403, 404, 409, 422)},
)
async def cancel_task(visit: Writer, task_id: UUID) -> Response:
    """Cancel a task: at once (200), or as soon as its worker has closed its request (202)."""
    status = await cancel(visit.parts, visit.tenant_id, task_id)
    row = await views.task(visit.parts.db, visit.tenant_id, task_id)
    if row is None:
        raise no_task(task_id)
    return json_reply(await whole_shape(visit, row), 200 if status.terminal else 202, state_headers(row))


async def _wait(request: Request, visit: Visit, task_id: UUID) -> dict[str, str]:
    seconds = wait_asked(request)
    if seconds is None:
        return {}
    await _state(visit, task_id)
    await visit.watch.ended(visit.tenant_id, task_id, seconds)
    return {"Preference-Applied": f"wait={seconds}"}


async def _unchanged(request: Request, visit: Visit, task_id: UUID, parts: frozenset[str]) -> Response | None:
    if "if-none-match" not in request.headers:
        return None
    headers = state_headers(await _state(visit, task_id), parts)
    return Response(status_code=304, headers=headers) if has_it(request, headers["ETag"]) else None


async def _state(visit: Visit, task_id: UUID) -> views.State:
    state = await views.state(visit.parts.db, visit.tenant_id, task_id)
    if state is None:
        raise no_task(task_id)
    return state


async def _calls(visit: Visit, task_id: UUID) -> list[dict[str, object]]:
    return [call_shape(row) for row in await views.calls(visit.parts.db, visit.tenant_id, task_id)]
