"""Providers as their tenant changes them, with their sealed credentials and templates."""

from orchestrator.store.statements import Row, text
from schemas.providers import Provider

LOCK = text(
    """
    SELECT id, name, vendor, wire, base_url, model, credential, simulated, managed, trusted, paused,
        concurrency_limit, position, options
    FROM providers WHERE tenant_id = :tenant_id AND name = :name AND deleted_at IS NULL
    FOR NO KEY UPDATE
    """
)

ADD = text(
    """
    INSERT INTO providers (id, tenant_id, name, vendor, wire, base_url, model, credential, options,
        concurrency_limit, paused, managed, trusted, fee_since, position)
    VALUES (:id, :tenant_id, :name, :vendor, :wire, :base_url, :model, :credential,
        CAST(:options AS jsonb), CAST(:concurrency_limit AS integer), :paused, false, false,
        CASE WHEN CAST(:options AS jsonb) ->> 'monthly_fee_usd' IS NOT NULL THEN clock_timestamp() END,
        coalesce(CAST(:position AS integer), (
            SELECT coalesce(max(position) FILTER (WHERE NOT simulated), min(position) - 100, -1) + 1
            FROM providers WHERE tenant_id = :tenant_id AND deleted_at IS NULL
        )))
    ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING
    RETURNING id
    """
)
"""Behind the other real ones, before the simulated ones."""

REPLACE = text(
    """
    UPDATE providers SET vendor = :vendor, wire = :wire, base_url = :base_url, model = :model,
        credential = :credential, options = CAST(:options AS jsonb),
        concurrency_limit = CAST(:concurrency_limit AS integer), paused = :paused, position = :position,
        fee_since = CASE WHEN CAST(:options AS jsonb) ->> 'monthly_fee_usd' IS NOT NULL
            THEN coalesce(fee_since, clock_timestamp()) END,
        managed = managed AND :managed, trusted = trusted AND :same_host, updated_at = clock_timestamp(),
        models = CASE WHEN base_url = :base_url THEN models END,
        models_at = CASE WHEN base_url = :base_url THEN models_at END
    WHERE id = :id
    RETURNING id, account
    """
)

PAUSE = text(
    """
    UPDATE providers SET paused = :paused, updated_at = clock_timestamp()
    WHERE tenant_id = :tenant_id AND name = :name AND deleted_at IS NULL
    RETURNING id
    """
)

PAUSE_SIMULATED = text(
    """
    UPDATE providers SET paused = true, updated_at = clock_timestamp()
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND simulated AND NOT paused
        AND NOT EXISTS (
            SELECT FROM providers AS real WHERE real.tenant_id = :tenant_id AND real.deleted_at IS NULL
                AND NOT real.simulated AND NOT real.paused AND real.id <> :id
        )
    RETURNING name
    """
)
"""The first real provider takes over from the simulator, as at a start."""

REMOVE = text(
    """
    UPDATE providers SET deleted_at = clock_timestamp(), paused = true
    WHERE tenant_id = :tenant_id AND name = :name AND deleted_at IS NULL
    RETURNING id
    """
)

FORGET_REMOVED = text(
    """
    DELETE FROM providers
    WHERE tenant_id = :tenant_id AND deleted_at < clock_timestamp() - interval '190 days'
    RETURNING id
    """
)
"""No task that names one can still be open: a start lies at most 90 days ahead, a deadline 90 after it."""

SEAL = text(
    """
    INSERT INTO credentials (id, tenant_id, provider_id, provider, host, box, data_key, master_key)
    VALUES (:id, :tenant_id, CAST(:provider_id AS uuid), :provider, :host, :box, :data_key, :master_key)
    ON CONFLICT (provider_id) DO UPDATE SET id = excluded.id, host = excluded.host, box = excluded.box,
        data_key = excluded.data_key, master_key = excluded.master_key, created_at = clock_timestamp(),
        last_used_at = NULL
    RETURNING id
    """
)

SHRED = text("DELETE FROM credentials WHERE provider_id = :provider_id RETURNING id")

SEALED = text(
    """
    SELECT id, tenant_id, provider, host, box, data_key, master_key FROM credentials
    WHERE provider_id = :provider_id
    """
)

SEALED_FOR_CHECK = text(
    """
    SELECT id, tenant_id, provider, host, box, data_key, master_key FROM credentials
    WHERE id = :id AND provider_id IS NULL
    """
)

USED = text(
    """
    UPDATE credentials SET last_used_at = clock_timestamp()
    WHERE id = :id AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
    RETURNING id
    """
)

KEEP_TEMPLATE = text(
    """
    INSERT INTO provider_templates (tenant_id, name, template)
    VALUES (:tenant_id, :name, CAST(:template AS jsonb))
    ON CONFLICT (tenant_id, name) DO UPDATE SET template = excluded.template, created_at = clock_timestamp()
    RETURNING name
    """
)


def provider_of(row: Row) -> Provider:
    """The provider that a task stands at, from a row that tells all of it."""
    return Provider(
        id=row.provider_id,
        name=row.provider,
        vendor=row.vendor,
        wire=row.wire,
        base_url=row.base_url,
        model=row.provider_model,
        credential=row.credential,
        simulated=row.simulated,
        concurrency_limit=row.concurrency_limit,
        options=row.options,
        trusted=row.trusted,
    )
