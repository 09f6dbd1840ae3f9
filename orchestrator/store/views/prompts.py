"""The tenants' own leads of prompts, as doors and workers read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store.engine import Database
from orchestrator.store.statements import text

SECONDS: Final = 5.0
"""How old a lead may be that a worker uses."""
_MOST_KEPT: Final = 10_000

PROMPTS = text(
    """
    SELECT name, template, version, updated_at FROM tenant_prompts
    WHERE tenant_id = :tenant_id ORDER BY name
    """
)


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """A lead that a tenant has put in place of the built-in one."""

    name: str
    template: str
    version: str
    updated_at: datetime


_kept: dict[UUID, tuple[float, dict[str, OwnPrompt]]] = {}


async def prompts(db: Database, tenant_id: UUID) -> dict[str, OwnPrompt]:
    """A tenant's own leads by name, as they stand now."""
    rows = await db.run(PROMPTS, tenant_id=tenant_id)
    found = {row.name: OwnPrompt(row.name, row.template, row.version, row.updated_at) for row in rows}
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[tenant_id] = (clock.monotonic() + SECONDS, found)
    return found


def recent_prompts(tenant_id: UUID) -> dict[str, OwnPrompt] | None:
    """The same where it was read a moment ago; None: ask the database."""
    found = _kept.get(tenant_id)
    return found[1] if found is not None and clock.monotonic() < found[0] else None


def forget_prompts(tenant_id: UUID) -> None:
    """Read a tenant's leads anew next time: they were changed by this process."""
    _kept.pop(tenant_id, None)
