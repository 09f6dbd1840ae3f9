"""Tune: set how a tenant's tasks are routed."""

from uuid import UUID

from orchestrator.store import tenants, views
from orchestrator.wiring import Parts
from schemas.errors import FieldError, InvalidRequest
from schemas.routing import RoutingConfig


async def tune(parts: Parts, tenant_id: UUID, config: RoutingConfig) -> None:
    """Replace the tenant's routing configuration. Raises `InvalidRequest` for a provider that isn't there."""
    known = {provider.name for provider, _, _ in await views.providers(parts.db, tenant_id)}
    named = [("preferred", name) for name in config.preferred] + [("shares", name) for name in config.shares]
    wrong = [
        FieldError(
            field=field,
            message=f"{field}: there is no provider {name!r}; configured are: {', '.join(sorted(known))}",
            code="unknown_provider",
        )
        for field, name in named
        if name not in known
    ]
    if config.shares and not any(config.shares.values()):
        wrong.append(FieldError(field="shares", message="shares must not all be 0", code="invalid_value"))
    if wrong:
        raise InvalidRequest(wrong[0].message, errors=tuple(wrong))
    stored = config.model_dump_json(exclude_unset=True)
    await parts.db.run(tenants.SET_ROUTING, tenant_id=tenant_id, routing=stored)
    views.forget_routing(tenant_id)
