"""Cancel: at once where nothing runs, else ask the worker to close its request.

Whoever cancels the parent of a consensus cancels the children that are still open, in the same transaction.
"""

from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.store import families, jobs, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import DONE, READY
from orchestrator.wiring import Parts
from schemas.errors import NotFound, TaskFinished
from schemas.moves import Fence, Move
from schemas.tasks import StatusReason, TaskStatus


async def cancel(parts: Parts, tenant_id: UUID, task_id: UUID) -> TaskStatus:
    """The state after asking: `canceled` or `canceling`. Raises `NotFound`, `TaskFinished`."""
    whose = {"id": task_id, "tenant_id": tenant_id}
    async with parts.db.transaction() as connection:
        await connection.execute(families.LOCK_PARENT_OF, whose)
        rows = await tasks.rows_of(connection, tasks.STANDING, whose)
        if not rows:
            raise NotFound(f"there is no task {task_id}")
        status = TaskStatus(rows[0].status)
        if status in (TaskStatus.CANCELED, TaskStatus.CANCELING):
            return status
        if status.terminal:
            raise TaskFinished(f"the task has already ended as {status}")
        open_children = await tasks.rows_of(connection, families.OPEN_CHILDREN, {"parent_id": task_id})
        moved = [await _called_off(connection, row) for row in (*rows, *open_children)]
    for move, after in moved:
        telemetry.emit(after.id, move.happenings)
        parts.volatile.hint(DONE, str(after.id))
        if lane := families.tell_parent(after):
            parts.volatile.hint(READY, lane)
    return moved[0][0].status


async def _called_off(connection: Connection, row: Row) -> tuple[Move, Row]:
    """The move of a task that this transaction has locked, and what came of it."""
    status, standing = TaskStatus(row.status), tasks.standing_of(row)
    waits = StatusReason.WAITING_FOR_PROVIDER_JOB if row.lease_token is None else None
    running = status is TaskStatus.RUNNING
    move = states.canceling(standing, waits) if running else states.after_cancel(standing)
    fence = Fence(row.id, status, row.attempt, row.lease_token, parent_id=row.parent_id)
    after = await tasks.move(connection, fence, move, standing.candidates)
    if after is None:
        raise RuntimeError("a task changed under its own lock")
    if running and waits:
        await connection.execute(jobs.WAKE, {"tasks": [row.id]})
    return move, after
