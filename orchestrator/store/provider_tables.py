"""The tables of providers: their configuration, credentials, checks and gates."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from orchestrator.store.metadata import TIME, metadata

providers = Table(
    "providers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("wire", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("concurrency_limit", Integer),
    Column("position", Integer, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("account", Text, Computed("md5(base_url || ' ' || credential)", persisted=True)),
    Column("options", JSONB, nullable=False),
    Column("managed", Boolean, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("deleted_at", TIME),
    Column("models", ARRAY(Text)),
    Column("models_at", TIME),
    Column("fee_since", TIME),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("provider", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("master_key", Text, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("last_used_at", TIME),
)

provider_checks = Table(
    "provider_checks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("credential_id", Uuid),
    Column("target", JSONB, nullable=False),
    Column("result", JSONB),
    Column("created_at", TIME, nullable=False),
)

provider_templates = Table(
    "provider_templates",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("template", JSONB, nullable=False),
    Column("created_at", TIME, nullable=False),
)

gates = Table(
    "gates",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("closed_until", TIME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", TIME, nullable=False),
)

gate_transitions = Table(
    "gate_transitions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", TIME, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
