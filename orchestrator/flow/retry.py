"""Retry: a finished task's request, submitted again as a new task that names the old one."""

from uuid import UUID

from orchestrator.flow.submit import Submitted, submit
from orchestrator.store import views
from orchestrator.wiring import Parts
from schemas.errors import ChildTask, NotFound, TaskNotFinished
from schemas.tasks import TASK_REQUEST


async def retry(
    parts: Parts,
    tenant_id: UUID,
    task_id: UUID,
    *,
    idempotency_key: str | None = None,
    api_key_id: str | None = None,
) -> Submitted:
    """Submit the same request anew; `api_key_id` asks for it, and its budgets bind the new task.

    Raises `NotFound`, `ChildTask`, `TaskNotFinished` and what submit raises.
    """
    stored = await views.stored_request(parts.db, tenant_id, task_id)
    if stored is None:
        raise NotFound(f"there is no task {task_id}")
    if stored.parent_id is not None:
        raise ChildTask(f"the task is part of the consensus {stored.parent_id}; retry that one")
    if not stored.status.terminal:
        raise TaskNotFinished(f"the task is {stored.status}; cancel it first, or wait")
    request = TASK_REQUEST.validate_json(stored.request)
    timeless = request.model_copy(update={"run_at": None, "deadline": None})
    return await submit(
        parts,
        tenant_id,
        timeless,
        idempotency_key=idempotency_key,
        retry_of=task_id,
        api_key_id=api_key_id,
    )
