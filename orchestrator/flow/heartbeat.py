"""Heartbeat: one statement keeps a process and all its leases alive, and tells which were lost."""

from collections.abc import Mapping
from uuid import UUID

from orchestrator.store import leases
from orchestrator.wiring import Parts


async def heartbeat(parts: Parts, boot_id: UUID, held: Mapping[UUID, UUID]) -> list[UUID]:
    """Extend the leases (task id → token); the tasks whose lease is no longer ours."""
    rows = await parts.db.run(
        leases.HEARTBEAT,
        boot_id=boot_id,
        ids=list(held),
        tokens=list(held.values()),
        lease=parts.config.lease_seconds,
    )
    return [row.id for row in rows]
