"""Tenants, their API keys and their providers."""

from orchestrator.store.statements import text

ADD_TENANT = text(
    """
    INSERT INTO tenants (id, name) VALUES (:id, :name)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING id
    """
)

ADD_KEY = text(
    """
    INSERT INTO api_keys (id, tenant_id, name, hash, pepper_version, scopes)
    VALUES (:id, :tenant_id, :name, :hash, :pepper_version, CAST(:scopes AS text[]))
    """
)

KEY = text(
    """
    SELECT id, tenant_id, hash, pepper_version, scopes FROM api_keys
    WHERE id = :id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
    """
)

KEYS_OF_TENANT = text(
    "SELECT id FROM api_keys WHERE tenant_id = :tenant_id AND name = :name AND revoked_at IS NULL"
)

REVOKE_KEYS = text(
    """
    UPDATE api_keys SET revoked_at = clock_timestamp()
    WHERE tenant_id = :tenant_id AND name = :name AND revoked_at IS NULL
    """
)

SET_ROUTING = text("UPDATE tenants SET routing = CAST(:routing AS jsonb) WHERE id = :tenant_id")

PUT_PROVIDER = text(
    """
    INSERT INTO providers (id, tenant_id, name, vendor, wire, base_url, model, credential, simulated,
        position)
    VALUES (:id, :tenant_id, :name, :vendor, :wire, :base_url, :model, :credential, :simulated, :position)
    ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO UPDATE SET vendor = excluded.vendor,
        wire = excluded.wire, base_url = excluded.base_url, model = excluded.model,
        credential = excluded.credential, simulated = excluded.simulated, position = excluded.position,
        updated_at = clock_timestamp()
    WHERE providers.managed
    RETURNING id
    """
)
"""What the environment names; what a tenant has made its own is left alone."""

SWITCH_PROVIDERS = text(
    """
    WITH switched AS (
        UPDATE providers SET paused = true
        WHERE tenant_id = :tenant_id AND NOT paused AND managed AND name <> ALL (CAST(:names AS text[]))
            AND simulated <> ALL (CAST(:kinds AS boolean[])) AND cardinality(CAST(:kinds AS boolean[])) > 0
        RETURNING id
    )
    UPDATE providers SET paused = false
    WHERE tenant_id = :tenant_id AND managed AND name = ANY (CAST(:names AS text[]))
        AND EXISTS (SELECT FROM switched)
    """
)
"""Pause the others of the kind (simulated or not) that is no longer configured; wake the given ones then."""
