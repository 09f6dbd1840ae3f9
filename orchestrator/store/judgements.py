"""The tables of what callers and checks say of providers: feedback, active checks, experiments."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB

from orchestrator.store.tables import metadata

_TIME = DateTime(timezone=True)

feedback = Table(
    "feedback",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("caller", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("provider", Text),
    Column("model", Text),
    Column("rating", SmallInteger),
    Column("accepted", Boolean),
    Column("comment", Text),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
)

provider_health = Table(
    "provider_health",
    metadata,
    Column("provider_id", Uuid, primary_key=True),
    Column("checked_at", _TIME, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("latency_ms", DOUBLE_PRECISION),
    Column("message", Text, nullable=False),
    Column("failures", Integer, nullable=False),
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("kinds", ARRAY(Text)),
    Column("label", Text),
    Column("metric", Text, nullable=False),
    Column("arms", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
)
