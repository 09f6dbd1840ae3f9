"""Rate: what a caller says of an ended task is kept, and counts in the history of who gave its result.

A result that is rejected serves no other task any more.
"""

import asyncio
from uuid import UUID

from orchestrator import telemetry
from orchestrator.store import feedback, similar, views
from orchestrator.store.tasks import event_arrays
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts
from schemas.errors import NotFound, TaskNotFinished
from schemas.events import EventName
from schemas.feedback import FeedbackRequest, FeedbackView
from schemas.moves import Happening


async def rate(
    parts: Parts, tenant_id: UUID, task_id: UUID, caller: str, said: FeedbackRequest
) -> FeedbackView:
    """Keep the caller's feedback in place of an earlier one; saying the same twice is the same as once.

    Raises `NotFound`, `TaskNotFinished`.
    """
    happening = Happening(EventName.FEEDBACK, {"rating": said.rating, "accepted": said.accepted})
    row = await parts.db.one(
        feedback.GIVE,
        task_id=task_id,
        tenant_id=tenant_id,
        caller=caller,
        **said.model_dump(),
        **event_arrays([happening]),
    )
    if row is None:
        raise NotFound(f"There is no task {task_id}.")
    if not row.ended:
        raise TaskNotFinished("The task has not ended: there is nothing to rate yet.", retry_after=5)
    if row.changed:
        telemetry.emit(task_id, (happening,))
        views.forget_routing(tenant_id)
    if said.rejects:
        await _withdraw(parts, tenant_id, task_id)
    found = await views.feedback(parts.db, tenant_id, task_id)
    return next(each for each in found if each.caller == caller)


async def _withdraw(parts: Parts, tenant_id: UUID, task_id: UUID) -> None:
    """Forget what the result was made of. A cache that is away serves nobody now, and saying the same again
    tries again."""
    entries = [row.entry for row in await parts.db.run(similar.ENTRIES, tenant_id=tenant_id, task_id=task_id)]
    if not entries:
        return
    await parts.db.run(similar.DROP, tenant_id=tenant_id, entries=entries)
    try:
        for entry in entries:
            await asyncio.to_thread(parts.cache.drop, tenant_id, entry)
    except Unreachable:
        telemetry.warn("cache.not_evicted", task_id=task_id)
