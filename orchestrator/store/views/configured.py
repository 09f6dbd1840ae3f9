"""Providers as their tenant sees them, their templates, and the checks that were asked for."""

from uuid import UUID

from orchestrator.store.engine import Database, Row
from orchestrator.store.statements import text
from schemas.configured import (
    CheckStatus,
    CheckView,
    CredentialKind,
    CredentialView,
    ModelPage,
    ModelView,
    ProviderView,
    Template,
)

_SELECT = """
    SELECT p.id, p.name, p.vendor, p.wire, p.base_url, p.model, p.credential, p.options, p.concurrency_limit,
        p.position, p.paused, p.simulated, p.managed, p.created_at, p.updated_at, p.models, p.models_at,
        c.host, c.created_at AS set_at, c.last_used_at
    FROM providers AS p LEFT JOIN credentials AS c ON c.provider_id = p.id
    WHERE p.tenant_id = :tenant_id AND p.deleted_at IS NULL"""

CONFIGURED = text(f"{_SELECT} ORDER BY p.position, p.name")
CONFIGURED_ONE = text(f"{_SELECT} AND p.name = :name")

CHECK = text(
    """
    SELECT provider_checks.id, provider_checks.result, chores.status, chores.message
    FROM provider_checks JOIN chores ON chores.subject_id = provider_checks.id
    WHERE provider_checks.id = :id AND provider_checks.tenant_id = :tenant_id
    """
)

TEMPLATES = text("SELECT template FROM provider_templates WHERE tenant_id = :tenant_id ORDER BY name")

ANY_SEALED = text("SELECT master_key FROM credentials LIMIT 1")

_KINDS = {"env": CredentialKind.ENVIRONMENT, "sealed": CredentialKind.SEALED}


async def configured(db: Database, tenant_id: UUID) -> list[ProviderView]:
    """All living providers of a tenant, in their order."""
    return [_view(row) for row in await db.run(CONFIGURED, tenant_id=tenant_id)]


async def configured_one(db: Database, tenant_id: UUID, name: str) -> ProviderView | None:
    """One of them."""
    row = await db.one(CONFIGURED_ONE, tenant_id=tenant_id, name=name)
    return _view(row) if row else None


async def models_of(db: Database, tenant_id: UUID, name: str) -> ModelPage | None:
    """The models of one of them: as it listed them last, its default first."""
    row = await db.one(CONFIGURED_ONE, tenant_id=tenant_id, name=name)
    if row is None:
        return None
    listed = list(row.models or ())
    rest = [each for each in listed if each != row.model]
    shown = [ModelView(id=row.model, default=True, listed=row.model in listed)]
    return ModelPage(
        data=[*shown, *(ModelView(id=each, default=False, listed=True) for each in rest)],
        listed_at=row.models_at,
    )


async def check(db: Database, tenant_id: UUID, check_id: UUID) -> CheckView | None:
    """A check and what it found so far."""
    row = await db.one(CHECK, tenant_id=tenant_id, id=check_id)
    if row is None:
        return None
    done = row.result is not None
    ended = row.status in ("done", "failed")
    status = CheckStatus.DONE if done else CheckStatus.FAILED if ended else CheckStatus.PENDING
    return CheckView(id=row.id, status=status, message=None if done else row.message, result=row.result)


async def templates(db: Database, tenant_id: UUID) -> list[Template]:
    """The tenant's own templates."""
    return [Template.model_validate(row.template) for row in await db.run(TEMPLATES, tenant_id=tenant_id)]


async def sealed_under(db: Database) -> str | None:
    """The master key of some sealed credential; None where there is none yet."""
    row = await db.one(ANY_SEALED)
    return row.master_key if row else None


def _view(row: Row) -> ProviderView:
    kind = _KINDS.get(row.credential.partition(":")[0], CredentialKind.NONE)
    return ProviderView(
        name=row.name,
        vendor=row.vendor,
        wire=row.wire,
        base_url=row.base_url,
        model=row.model,
        credential=CredentialView(kind=kind, host=row.host, set_at=row.set_at, last_used_at=row.last_used_at),
        options=row.options,
        concurrency_limit=row.concurrency_limit,
        position=row.position,
        paused=row.paused,
        simulated=row.simulated,
        managed=row.managed,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
