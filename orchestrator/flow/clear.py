"""Clear: the kept answers of a tenant serve nobody any more."""

import asyncio
from uuid import UUID

from orchestrator.store import similar
from orchestrator.wiring import Parts


async def clear(parts: Parts, tenant_id: UUID) -> None:
    """Forget all of them, and what they were found by. Raises `Unreachable`."""
    await asyncio.to_thread(parts.cache.clear, tenant_id)
    await parts.db.run(similar.CLEAR, tenant_id=tenant_id)
