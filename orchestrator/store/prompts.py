"""The tenants' own leads of prompts: their table and what is done to it."""

from sqlalchemy import Column, DateTime, Table, Text, Uuid, text

from orchestrator.store.tables import metadata

tenant_prompts = Table(
    "tenant_prompts",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("template", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

KEEP_PROMPT = text(
    """
    INSERT INTO tenant_prompts (tenant_id, name, template, version)
    VALUES (:tenant_id, :name, :template, :version)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET template = excluded.template, version = excluded.version, updated_at = clock_timestamp()
    """
)

DROP_PROMPT = text("DELETE FROM tenant_prompts WHERE tenant_id = :tenant_id AND name = :name RETURNING name")
