"""Retire: a worker process says that it stops claiming, and later that it has stopped."""

from uuid import UUID

from orchestrator.store import leases
from orchestrator.wiring import Parts


async def retire(parts: Parts, boot_id: UUID, *, stopped: bool) -> None:
    """Mark the process as draining, or as stopped. Raises `StoreUnavailable`."""
    await parts.db.run(leases.STOP if stopped else leases.DRAIN, boot_id=boot_id)
