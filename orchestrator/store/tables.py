"""The tables, as the migrations are checked against; no process of the product loads them.

Lock order everywhere: parent task, task, call, budget windows (key order), job, delivery.

Tables that grow with the tasks are partitioned by month over UUIDv7 keys: old months are dropped whole.
What is large (request, result, answer) stands apart from the hot row.
"""

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from orchestrator.store import outbound_tables, provider_tables  # noqa: F401 - tables of the same metadata
from orchestrator.store.metadata import TIME as _TIME
from orchestrator.store.metadata import metadata

__all__ = ["metadata"]

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("concurrency_limit", Integer),
    Column("created_at", _TIME, nullable=False),
    Column("routing", JSONB),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("pepper_version", SmallInteger, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    Column("revoked_at", _TIME),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_reason", Text),
    Column("priority", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("candidate", SmallInteger, nullable=False),
    Column("run_at", _TIME, nullable=False),
    Column("rank", _TIME, nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("nudged_at", _TIME),
    Column("deadline", _TIME, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("candidate_failures", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("max_crashes", Integer, nullable=False),
    Column("lease_token", Uuid),
    Column("lease_until", _TIME),
    Column("boot_id", Uuid),
    Column("event_seq", Integer, nullable=False),
    Column("retry_of", Uuid),
    Column("parent_id", Uuid),
    Column("open_children", Integer, nullable=False),
    Column("labels", ARRAY(Text), nullable=False),
    Column("webhook_url", Text),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("api_key_id", Text),
    Column("waits_for_nanos", BigInteger),
    Column("error", JSONB),
    Column("created_at", _TIME, nullable=False),
    Column("queued_at", _TIME),
    Column("started_at", _TIME),
    Column("canceling_at", _TIME),
    Column("finished_at", _TIME),
    Column("quality", SmallInteger),
    Column("served_tokens", BigInteger),
)

task_payloads = Table(
    "task_payloads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("request", JSONB, nullable=False),
    Column("candidates", JSONB, nullable=False),
    Column("explanation", JSONB),
)

task_results = Table(
    "task_results",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("result", JSONB, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("boot_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("outcome", Text),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("served_model", Text),
    Column("served_tier", Text),
    Column("status", Text, nullable=False),
    Column("verdict", Text),
    Column("hold_nanos", BigInteger, nullable=False),
    Column("cost_nanos", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("price_source", Text),
    Column("price_version", Text),
    Column("usage", JSONB),
    Column("input_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("output_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("http_status", SmallInteger),
    Column("request_id", Text),
    Column("category", Text),
    Column("message", Text),
    Column("boot_id", Uuid, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("timeout_at", _TIME, nullable=False),
    Column("first_token_at", _TIME),
    Column("ended_at", _TIME),
    Column("final_at", _TIME),
    Column("cache_write_tokens", Integer),
    Column("entry", Text),
)

call_answers = Table(
    "call_answers",
    metadata,
    Column("call_id", Uuid, primary_key=True),
    Column("answer", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("task_id", Uuid),
    Column("call_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("provider", Text),
    Column("month", Date),
)

reckonings = Table(
    "reckonings",
    metadata,
    Column("only_one", Boolean, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("findings", JSONB, nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False),
    Column("subject", Text),
    Column("period", Text, nullable=False),
    Column("limit_nanos", BigInteger, nullable=False),
    Column("hard", Boolean, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("deleted_at", _TIME),
)

budget_windows = Table(
    "budget_windows",
    metadata,
    Column("budget_id", Uuid, primary_key=True),
    Column("starts", _TIME, primary_key=True),
    Column("spent_nanos", BigInteger, nullable=False),
    Column("held_nanos", BigInteger, nullable=False),
)

budget_alerts = Table(
    "budget_alerts",
    metadata,
    Column("budget_id", Uuid, primary_key=True),
    Column("starts", _TIME, primary_key=True),
    Column("threshold", SmallInteger, primary_key=True),
    Column("at", _TIME, nullable=False),
)

call_charges = Table(
    "call_charges",
    metadata,
    Column("call_id", Uuid, primary_key=True),
    Column("budget_id", Uuid, primary_key=True),
    Column("starts", _TIME, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("boot_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("queues", ARRAY(Text), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("heartbeat_at", _TIME, nullable=False),
    Column("draining_at", _TIME),
    Column("stopped_at", _TIME),
)

events = Table(
    "events",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("data", JSONB, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

tenant_prompts = Table(
    "tenant_prompts",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("template", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("updated_at", _TIME, nullable=False),
)

similar_questions = Table(
    "similar_questions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("embedding", ARRAY(REAL), nullable=False),
    Column("ends_at", _TIME, nullable=False),
)
