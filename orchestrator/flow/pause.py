"""Pause: nothing more is sent to a provider until it is resumed; what runs there ends as it does."""

from uuid import UUID

from orchestrator import telemetry
from orchestrator.store import providers, views
from orchestrator.wiring import Parts
from schemas.errors import NotFound


async def pause(parts: Parts, tenant_id: UUID, name: str, *, paused: bool) -> None:
    """Pause a provider, or resume it; doing so twice is the same as once. Raises `NotFound`."""
    if await parts.db.one(providers.PAUSE, tenant_id=tenant_id, name=name, paused=paused) is None:
        raise NotFound(f"There is no provider {name!r}.")
    views.forget_providers(tenant_id)
    telemetry.tell("provider.paused" if paused else "provider.resumed", provider=name)
