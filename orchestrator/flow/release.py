"""Release: a nudge that its worker won't follow is forgotten, so that it is repeated at once."""

from uuid import UUID

from orchestrator.store import lanes
from orchestrator.volatile import READY
from orchestrator.wiring import Parts


async def release(parts: Parts, task_id: UUID) -> None:
    """Put the task back into its lane. Raises `StoreUnavailable`."""
    await parts.db.run(lanes.FORGET_NUDGES, ids=[task_id])
    parts.volatile.hint(READY, "")
