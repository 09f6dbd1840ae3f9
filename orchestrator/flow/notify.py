"""Notify: whoever asked to be told of a task's end gets a delivery, written with the end itself."""

from uuid import UUID

from orchestrator import clock
from orchestrator.store import chores
from orchestrator.store.engine import Connection
from schemas.events import ENDINGS
from schemas.moves import Move

MAX_DELIVERIES = 12
"""Tries of one delivery: with doubling waits, about a day."""


async def notify(connection: Connection, tenant_id: UUID, task_id: UUID, move: Move) -> None:
    """Write the delivery of a terminal move, in its transaction, if the task has a webhook."""
    if not move.status.terminal:
        return
    await connection.execute(
        chores.ADD_DELIVERY,
        {
            "id": clock.new_id(),
            "chore_id": clock.new_id(),
            "tenant_id": tenant_id,
            "task_id": task_id,
            "event": ENDINGS[move.status],
            "max_attempts": MAX_DELIVERIES,
        },
    )
