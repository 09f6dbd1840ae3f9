"""A tenant's providers in their configured order, remembered for a second: submit reads them each time."""

from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store.engine import Database
from orchestrator.store.statements import Row, text
from schemas.providers import Provider

Standing = tuple[Provider, bool, int]
"""A provider, whether it is paused, and its position."""

SECONDS: Final = 1.0
MOST_TENANTS: Final = 10_000

PROVIDERS = text(
    """
    SELECT id, name, vendor, wire, base_url, model, credential, simulated, concurrency_limit, options,
        trusted, paused, position
    FROM providers WHERE tenant_id = :tenant_id AND deleted_at IS NULL ORDER BY position, name
    """
)

_remembered: dict[UUID, tuple[float, list[Standing]]] = {}


async def providers(db: Database, tenant_id: UUID) -> list[Standing]:
    """All providers of a tenant by position; at most a second old."""
    found = _remembered.get(tenant_id)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    fresh = [
        (provider(row), bool(row.paused), int(row.position))
        for row in await db.run(PROVIDERS, tenant_id=tenant_id)
    ]
    if len(_remembered) >= MOST_TENANTS:
        _remembered.clear()
    _remembered[tenant_id] = (clock.monotonic() + SECONDS, fresh)
    return fresh


def provider(row: Row) -> Provider:
    """A row of the table as a value."""
    return Provider.model_validate({name: getattr(row, name) for name in Provider.model_fields})


def forget_providers(tenant_id: UUID) -> None:
    """Read the tenant's providers anew next time: they were changed by this process."""
    _remembered.pop(tenant_id, None)
