"""Evict: kept answers of a tenant serve nobody any more, all of them or those of a task that was rejected."""

import asyncio
from uuid import UUID

from orchestrator.store import similar
from orchestrator.wiring import Parts


async def evict(parts: Parts, tenant_id: UUID, task_id: UUID | None = None) -> None:
    """Forget what a task's result was made of, or without a task everything. Raises `Unreachable`."""
    if task_id is None:
        await asyncio.to_thread(parts.cache.clear, tenant_id)
        await parts.db.run(similar.CLEAR, tenant_id=tenant_id)
        return
    entries = [row.entry for row in await parts.db.run(similar.ENTRIES, tenant_id=tenant_id, task_id=task_id)]
    for entry in entries:
        await asyncio.to_thread(parts.cache.drop, tenant_id, entry)
    if entries:
        await parts.db.run(similar.DROP, tenant_id=tenant_id, entries=entries)
