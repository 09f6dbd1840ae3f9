"""Heartbeat: one statement keeps a process and all its leases alive, and tells which were lost."""

from collections.abc import Mapping
from uuid import UUID

from orchestrator.store import leases
from orchestrator.store.engine import Database


async def heartbeat(
    db: Database, boot_id: UUID, held: Mapping[UUID, UUID], lease_seconds: float
) -> list[UUID]:
    """Extend the leases (task id → token); the tasks whose lease is no longer ours."""
    rows = await db.run(
        leases.HEARTBEAT,
        boot_id=boot_id,
        ids=list(held),
        tokens=list(held.values()),
        lease=lease_seconds,
    )
    return [row.id for row in rows]
