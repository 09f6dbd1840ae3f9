"""Interrupted: which of a process's running tasks were cancelled or ended by others."""

from collections.abc import Mapping
from uuid import UUID

from orchestrator.store import leases
from orchestrator.wiring import Parts
from schemas.errors import Category
from schemas.tasks import TaskStatus


async def interrupted(parts: Parts, held: Mapping[UUID, UUID]) -> list[tuple[UUID, Category]]:
    """The tasks (of task id → token) whose request should be closed now, and why."""
    rows = await parts.db.run(leases.NO_LONGER_RUNNING, ids=list(held), tokens=list(held.values()))
    return [
        (row.id, Category.DEADLINE if row.status == TaskStatus.EXPIRED else Category.CANCELED) for row in rows
    ]
