"""A database with a backlog: 100,000 queued tasks of 1,000 tenants, and all that lies around."""

import pytest

from orchestrator import clock
from orchestrator.store import partitions
from orchestrator.store.statements import text
from orchestrator.wiring import Parts

# Ids of the current month that sort by number, as UUIDv7 sort by time.
IDS = """
    CREATE FUNCTION pg_temp.id(kind int, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex({base} + number), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8' || lpad(to_hex(number), 15, '0'))::uuid
    $$
"""
LOAD = (
    """
    INSERT INTO tenants (id, name) SELECT pg_temp.id(1, n), 'tenant-' || n FROM generate_series(1, 1000) n
    """,
    """
    INSERT INTO providers (id, tenant_id, name, vendor, wire, base_url, model, credential, position)
    SELECT pg_temp.id(2, n), pg_temp.id(1, n), 'p', 'openai', 'openai_chat', 'http://x', 'm', 'none', 0
    FROM generate_series(1, 1000) n
    """,
    """
    INSERT INTO tasks (id, tenant_id, kind, status, priority, queue, provider_id, run_at, rank, ready,
        nudged_at, deadline, attempt, max_attempts, max_crashes, lease_token, lease_until, boot_id,
        event_seq, created_at, queued_at, finished_at)
    SELECT pg_temp.id(3, n), pg_temp.id(1, tenant), 'generate_code', status, 'medium', 'provider.openai',
        pg_temp.id(2, tenant), clock_timestamp() + waits, clock_timestamp() - n * interval '1 ms', ready,
        CASE WHEN nudged THEN clock_timestamp() END, clock_timestamp() + interval '1 day',
        CASE WHEN leased THEN 1 ELSE 0 END, 4, 3, CASE WHEN leased THEN gen_random_uuid() END,
        CASE WHEN leased THEN clock_timestamp() + interval '1 hour' END,
        CASE WHEN leased THEN pg_temp.id(4, 1) END, 1, clock_timestamp(), clock_timestamp(),
        CASE WHEN status = 'succeeded' THEN clock_timestamp() END
    FROM (
        SELECT n, 1 + n % 1000 AS tenant,
            CASE WHEN n <= 100000 THEN 'queued' WHEN n <= 100200 THEN 'running' WHEN n <= 101200 THEN 'queued'
                WHEN n <= 102200 THEN 'scheduled' ELSE 'succeeded' END AS status,
            n <= 101200 AND NOT n BETWEEN 100001 AND 100200 AND NOT n BETWEEN 100401 AND 101200 AS ready,
            n BETWEEN 100201 AND 100400 AS nudged, n BETWEEN 100001 AND 100200 AS leased,
            CASE WHEN n BETWEEN 100401 AND 102200 THEN interval '1 hour' ELSE interval '-1 hour' END AS waits
        FROM generate_series(1, 122200) n
    ) AS made
    """,
    """
    INSERT INTO task_payloads (id, tenant_id, request, candidates)
    SELECT id, tenant_id, '{"preferences": {}}', '[{"name": "p"}]' FROM tasks
    """,
    """
    INSERT INTO events (task_id, seq, tenant_id, name, at, data)
    SELECT id, 1, tenant_id, 'task.queued', created_at, '{}' FROM tasks
    """,
    """
    INSERT INTO attempts (task_id, attempt, boot_id, provider_id, started_at)
    SELECT id, 1, pg_temp.id(4, 1), provider_id, created_at FROM tasks
    WHERE status IN ('running', 'succeeded')
    """,
    """
    INSERT INTO calls (id, task_id, tenant_id, attempt, purpose, provider_id, provider, vendor, model, status,
        hold_nanos, cost_nanos, boot_id, started_at, timeout_at)
    SELECT pg_temp.id(5, n), pg_temp.id(3, CASE WHEN n <= 200 THEN 100000 + n ELSE 102000 + n END),
        pg_temp.id(1, 1 + n % 1000), 1, 'first',
        pg_temp.id(2, CASE WHEN n > 15000 THEN 3 ELSE 1 + n % 1000 END), 'p', 'openai', 'm',
        CASE WHEN n <= 200 THEN 'started' ELSE 'answered' END, 5, CASE WHEN n > 200 THEN 3 END,
        pg_temp.id(4, 1), clock_timestamp(), clock_timestamp() + interval '10 minutes'
    FROM generate_series(1, 20200) n
    """,
    "INSERT INTO call_answers (call_id, answer) SELECT id, 'x' FROM calls WHERE status = 'answered'",
    """
    INSERT INTO ledger (tenant_id, task_id, call_id, kind, amount_nanos)
    SELECT tenant_id, task_id, id, 'spend', cost_nanos FROM calls WHERE status = 'answered'
    """,
    """
    INSERT INTO task_results (id, tenant_id, result) SELECT id, tenant_id, '{}' FROM tasks
    WHERE status = 'succeeded'
    """,
    """
    INSERT INTO workers (boot_id, name, hostname, pid, queues, slots, version)
    SELECT pg_temp.id(4, n), 'w' || n, 'h', n, '{provider.openai}', 100, '1' FROM generate_series(1, 4) n
    """,
    """
    INSERT INTO deliveries (id, tenant_id, task_id, event, url, status)
    SELECT pg_temp.id(6, n), pg_temp.id(1, 1), pg_temp.id(3, 102200 + n), 'task.succeeded', 'http://x',
        'delivered'
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO chores (id, tenant_id, kind, subject_id, status, max_attempts, finished_at)
    SELECT pg_temp.id(7, n), pg_temp.id(1, 1), 'delivery', pg_temp.id(6, n),
        CASE WHEN n <= 50 THEN 'queued' ELSE 'done' END, 12, CASE WHEN n > 50 THEN clock_timestamp() END
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO jobs (id, tenant_id, task_id, attempt, provider_id, prompt, status, expires_at, finished_at)
    SELECT pg_temp.id(5, n), pg_temp.id(1, 1 + n % 1000), pg_temp.id(3, 102000 + n), 1,
        pg_temp.id(2, 1 + n % 1000), 'x', CASE WHEN n <= 250 THEN 'running' ELSE 'answered' END,
        clock_timestamp() + interval '1 hour', CASE WHEN n > 250 THEN clock_timestamp() END
    FROM generate_series(201, 20200) n
    """,
    """
    INSERT INTO budgets (id, tenant_id, scope, subject, period, limit_nanos, hard)
    SELECT pg_temp.id(8, n), pg_temp.id(1, 1 + n % 1000),
        (ARRAY['tenant', 'user', 'session', 'provider', 'user'])[1 + n / 1000],
        CASE WHEN n >= 1000 THEN (ARRAY['', 'u-1', 's-1', 'p', 'u-2'])[1 + n / 1000] END, 'total', 100000,
        true
    FROM generate_series(1, 4999) n
    """,
    """
    INSERT INTO budgets (id, tenant_id, scope, subject, period, limit_nanos, hard)
    SELECT pg_temp.id(8, 10000 + n), pg_temp.id(1, 7), 'session', 's-' || n, 'day', 100000, true
    FROM generate_series(1, 5000) n
    """,
    "INSERT INTO budget_windows (budget_id, starts, held_nanos) SELECT id, 'epoch', 1000 FROM budgets",
    """
    INSERT INTO call_charges (call_id, budget_id, starts)
    SELECT pg_temp.id(5, n), pg_temp.id(8, 1 + n % 999), 'epoch' FROM generate_series(1, 20200) n
    """,
    """
    INSERT INTO gates (kind, subject, model, state, closed_until, reason)
    SELECT 'circuit', pg_temp.id(2, n)::text, 'm', CASE WHEN n % 100 = 7 THEN 'open' ELSE 'closed' END,
        clock_timestamp() + interval '1 hour', 'x' FROM generate_series(1, 1000) n
    """,
    """
    INSERT INTO credentials (id, tenant_id, provider_id, provider, host, box, data_key, master_key)
    SELECT pg_temp.id(9, n), pg_temp.id(1, n), pg_temp.id(2, n), 'p', 'https', 'x', 'x', 'k'
    FROM generate_series(1, 1000) n
    """,
    """
    INSERT INTO provider_checks (id, tenant_id, target)
    SELECT pg_temp.id(7, n), pg_temp.id(1, 2), '{}' FROM generate_series(1, 5000) n
    """,
    """
    UPDATE tasks SET status_reason = 'waiting_for_budget', waits_for_nanos = 5
    WHERE id BETWEEN pg_temp.id(3, 100401) AND pg_temp.id(3, 100500)
    """,
    """
    UPDATE tasks SET parent_id = pg_temp.id(3, n - n % 4) FROM generate_series(102300, 112299) n
    WHERE tasks.id = pg_temp.id(3, n) AND n % 4 <> 0
    """,
    """
    UPDATE tasks SET parent_id = pg_temp.id(3, 102300) WHERE id = pg_temp.id(3, 1)
    """,
    """
    UPDATE task_payloads SET request = '{"preferences": {"consensus": 3}}' WHERE id = pg_temp.id(3, 102300)
    """,
    "ANALYZE",
)


@pytest.fixture(scope="module")
async def backlog(parts: Parts) -> Parts:
    """Parts over a database with a backlog."""
    base = partitions.lowest_id(partitions.month_after(clock.now(), 0)).int >> 80
    async with parts.db.answering_within(100).transaction() as connection:
        for statement in ("SET LOCAL synchronous_commit = off", IDS.format(base=base), *LOAD):
            await connection.execute(text(statement.replace(":", "\\:")))
    return parts
