"""Withdraw: a provider is removed and its credential shredded; what waits for it goes elsewhere or ends.

The row stays until no task can name it any more. The dispatcher sees to the tasks: see `divert`.
"""

from uuid import UUID

from orchestrator import telemetry
from orchestrator.store import providers, views
from orchestrator.wiring import Parts
from schemas.errors import NotFound


async def withdraw(parts: Parts, tenant_id: UUID, name: str) -> None:
    """Remove a provider. Raises `NotFound`."""
    given = {"tenant_id": tenant_id, "name": name}
    async with parts.db.transaction() as connection:
        row = (await connection.execute(providers.REMOVE, given)).one_or_none()
        if row is None:
            raise NotFound(f"There is no provider {name!r}.")
        await connection.execute(providers.SHRED, {"provider_id": row.id})
        await connection.execute(providers.FORGET_REMOVED, {"tenant_id": tenant_id})
    views.forget_providers(tenant_id)
    telemetry.tell("provider.removed", provider=name)
