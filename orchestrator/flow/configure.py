"""Configure: the default tenant and its providers, as the environment of this start names them."""

from dataclasses import dataclass
from uuid import UUID

from orchestrator import clock
from orchestrator.store import tenants, views
from orchestrator.wiring import Parts
from schemas.base import Value
from schemas.providers import Vendor, Wire


class ProviderSetting(Value):
    """A provider to be there; `credential` is `env:NAME`, or `none` where the endpoint takes no key."""

    name: str
    vendor: Vendor
    wire: Wire
    base_url: str
    model: str
    credential: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Configured:
    """What stands ready now."""

    tenant_id: UUID


async def configure(parts: Parts, tenant_name: str, providers: tuple[ProviderSetting, ...]) -> Configured:
    """Put the tenant and its providers in place, by name and in the given order.

    Where the kind changes (simulated ones for real ones, or back), the other kind is paused and the
    given ones are taken out of such a pause; an operator's own pause is left alone.
    """
    async with parts.db.transaction() as connection:
        row = (
            await connection.execute(tenants.ADD_TENANT, {"id": clock.new_id(), "name": tenant_name})
        ).one()
        for position, setting in enumerate(providers):
            given = setting.model_dump() | {"id": clock.new_id(), "tenant_id": row.id, "position": position}
            await connection.execute(tenants.PUT_PROVIDER, given)
        switch = {
            "tenant_id": row.id,
            "names": [setting.name for setting in providers],
            "kinds": sorted({setting.simulated for setting in providers}),
        }
        await connection.execute(tenants.SWITCH_PROVIDERS, switch)
    views.forget_providers(row.id)
    return Configured(row.id)
