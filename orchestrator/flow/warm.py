"""Warm: answers that ended tasks have paid for are put into the cache; nobody is asked, nothing is paid."""

import asyncio
from typing import Final
from uuid import UUID

from orchestrator.store import views
from orchestrator.store.views.warmable import Warmable
from orchestrator.volatile.answers import Keeping
from orchestrator.wiring import Parts
from schemas.calls import Kept
from schemas.errors import FieldError, InvalidRequest
from schemas.kept import LeftOut, NotWarmed, Warmed, WarmRequest, seconds_kept
from schemas.tasks import TaskKind, TaskStatus

_AT_ONCE: Final = 50
"""Answers that are held in memory together."""


async def warm(parts: Parts, tenant_id: UUID, asked: WarmRequest) -> Warmed:
    """Keep what the tasks' first answers were, the newest first; what is there stays.

    Raises `InvalidRequest` where nothing is ever kept, `Unreachable`."""
    if not parts.config.cache_megabytes:
        message = "The operator keeps no answers: ORCHESTRATOR_CACHE_MEGABYTES is 0"
        raise InvalidRequest(message, errors=(FieldError(field="", message=message, code="cache_off"),))
    ids = await _chosen(parts, tenant_id, asked)
    kept, there, left_out = 0, 0, list[NotWarmed]()
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        found = await views.warmable(parts.db, tenant_id, some)
        for task_id in some:
            outcome = await _kept(parts, tenant_id, found.get(task_id))
            kept += outcome is Keeping.KEPT
            there += outcome is Keeping.THERE
            if isinstance(outcome, LeftOut):
                left_out.append(NotWarmed(task_id=task_id, reason=outcome))
    return Warmed(kept=kept, there=there, left_out=left_out)


async def _chosen(parts: Parts, tenant_id: UUID, asked: WarmRequest) -> list[UUID]:
    if asked.tasks is not None:
        return sorted(set(asked.tasks), reverse=True)
    return await views.newest_successes(
        parts.db, tenant_id, asked.kind, asked.since, asked.until, asked.limit
    )


async def _kept(parts: Parts, tenant_id: UUID, task: Warmable | None) -> Keeping | LeftOut:
    if task is None:
        return LeftOut.UNKNOWN
    if task.status != TaskStatus.SUCCEEDED:
        return LeftOut.NOT_SUCCEEDED
    if task.rejected:
        return LeftOut.REJECTED
    if task.entry is None:
        return LeftOut.NO_FIRST_ANSWER
    seconds = seconds_kept(TaskKind(task.kind), parts.config.cache_seconds)
    text = _as_kept(task).model_dump_json()
    said = await asyncio.to_thread(parts.cache.keep, tenant_id, task.entry, text, seconds, instead=False)
    match said:
        case Keeping.TOO_LONG:
            return LeftOut.TOO_LONG
        case Keeping.FULL | Keeping.OFF:
            return LeftOut.NO_ROOM
        case _:
            return said


def _as_kept(task: Warmable) -> Kept:
    return Kept(
        text=task.answer or "",
        model=task.served_model,
        cut=bool(task.cut),
        input_tokens=task.input_tokens or 0,
        output_tokens=task.output_tokens or 0,
        cost_nanos=task.cost_nanos or 0,
    )
