"""Cancel: at once where nothing runs, else ask the worker to close its request."""

from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.store import jobs, tasks
from orchestrator.volatile import DONE
from orchestrator.wiring import Parts
from schemas.errors import NotFound, TaskFinished
from schemas.moves import Fence
from schemas.tasks import StatusReason, TaskStatus


async def cancel(parts: Parts, tenant_id: UUID, task_id: UUID) -> TaskStatus:
    """The state after asking: `canceled` or `canceling`. Raises `NotFound`, `TaskFinished`."""
    async with parts.db.transaction() as connection:
        rows = await tasks.rows_of(connection, tasks.STANDING, {"id": task_id, "tenant_id": tenant_id})
        if not rows:
            raise NotFound(f"there is no task {task_id}")
        status, standing = TaskStatus(rows[0].status), tasks.standing_of(rows[0])
        if status in (TaskStatus.CANCELED, TaskStatus.CANCELING):
            return status
        if status.terminal:
            raise TaskFinished(f"the task has already ended as {status}")
        waits = StatusReason.WAITING_FOR_PROVIDER_JOB if rows[0].lease_token is None else None
        running = status is TaskStatus.RUNNING
        move = states.canceling(standing, waits) if running else states.after_cancel(standing)
        fence = Fence(task_id, status, rows[0].attempt, rows[0].lease_token)
        await tasks.move(connection, fence, move, standing.candidates)
        if running and waits:
            await connection.execute(jobs.WAKE, {"tasks": [task_id]})
    telemetry.emit(task_id, move.happenings)
    parts.volatile.hint(DONE, str(task_id))
    return move.status
