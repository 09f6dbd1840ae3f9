"""What is done to the tenants' own leads of prompts."""

from orchestrator.store.statements import text

KEEP_PROMPT = text(
    """
    INSERT INTO tenant_prompts (tenant_id, name, template, version)
    VALUES (:tenant_id, :name, :template, :version)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET template = excluded.template, version = excluded.version, updated_at = clock_timestamp()
    """
)

DROP_PROMPT = text("DELETE FROM tenant_prompts WHERE tenant_id = :tenant_id AND name = :name RETURNING name")
