"""The tables of what goes out beside the calls: webhook deliveries, chores, jobs of vendors."""

from sqlalchemy import Column, Integer, SmallInteger, Table, Text, Uuid

from orchestrator.store.metadata import TIME, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("event", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("http_status", SmallInteger),
    Column("created_at", TIME, nullable=False),
    Column("delivered_at", TIME),
)

chores = Table(
    "chores",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("run_at", TIME, nullable=False),
    Column("nudged_at", TIME),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("lease_token", Uuid),
    Column("lease_until", TIME),
    Column("message", Text),
    Column("created_at", TIME, nullable=False),
    Column("finished_at", TIME),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("remote_id", Text),
    Column("sends", Integer, nullable=False),
    Column("polls", Integer, nullable=False),
    Column("run_at", TIME, nullable=False),
    Column("nudged_at", TIME),
    Column("lease_token", Uuid),
    Column("lease_until", TIME),
    Column("sent_at", TIME),
    Column("canceling_at", TIME),
    Column("expires_at", TIME, nullable=False),
    Column("message", Text),
    Column("created_at", TIME, nullable=False),
    Column("finished_at", TIME),
)
