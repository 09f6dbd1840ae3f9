"""Tune: set how a tenant's tasks are routed, and how kept answers are found."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from orchestrator.catalogue.embeddings import models_of
from orchestrator.store import tenants, views
from orchestrator.wiring import Parts
from schemas.errors import FieldError, InvalidRequest
from schemas.providers import Provider
from schemas.routing import RoutingConfig, SimilarAnswers

NEEDS_PGVECTOR: Final = (
    "needs the extension `vector` in the database: install pgvector on its server, and run `CREATE EXTENSION "
    "vector` there as a superuser"
)


async def tune(parts: Parts, tenant_id: UUID, config: RoutingConfig) -> None:
    """Replace the tenant's routing configuration.

    Raises `InvalidRequest` for a provider that isn't there, or one of vectors that can't be used."""
    standing = await views.providers(parts.db, tenant_id)
    known = {provider.name for provider, _, _ in standing}
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
    if config.similar is not None:
        wrong += await _unlike(parts, config.similar, [provider for provider, _, _ in standing])
    if wrong:
        raise InvalidRequest(wrong[0].message, errors=tuple(wrong))
    stored = config.model_dump_json(exclude_unset=True)
    await parts.db.run(tenants.SET_ROUTING, tenant_id=tenant_id, routing=stored)
    views.forget_routing(tenant_id)


async def _unlike(parts: Parts, wanted: SimilarAnswers, providers: Sequence[Provider]) -> list[FieldError]:
    """Why questions can't be compared as it is wanted."""
    serving = {provider.name: models_of(provider) for provider in providers}
    models = serving.get(wanted.provider, ())
    if not models:
        able = ", ".join(sorted(name for name, each in serving.items() if each)) or "none"
        said = f"{wanted.provider!r} is no provider of embeddings; there are: {able}"
        return [_fault("similar.provider", said, "unknown_provider")]
    if wanted.model is not None and wanted.model not in models:
        said = f"{wanted.model!r} is no embedding model of {wanted.provider!r}; it has {', '.join(models)}"
        return [_fault("similar.model", said, "model_not_found")]
    if await views.pgvector(parts.db) is None:
        return [_fault("similar", NEEDS_PGVECTOR, "pgvector_missing")]
    return []


def _fault(field: str, said: str, code: str) -> FieldError:
    return FieldError(field=field, message=f"{field}: {said}", code=code)
