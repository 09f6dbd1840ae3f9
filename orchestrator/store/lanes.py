"""Picking what to nudge: lanes of (queue, provider, tenant) and what stands at their heads.

The walk over lanes is a loose index scan: its cost depends on the lanes, never on the backlog.
"""

from orchestrator.store.statements import text

LANES = text(
    """
    WITH RECURSIVE lane AS (
        (SELECT queue, provider_id, tenant_id FROM tasks
         WHERE status = 'queued' AND ready AND nudged_at IS NULL
            AND (queue, provider_id, tenant_id)
                > (CAST(:queue AS text), CAST(:provider_id AS uuid), CAST(:tenant_id AS uuid))
         ORDER BY queue, provider_id, tenant_id LIMIT 1)
        UNION ALL
        SELECT next.queue, next.provider_id, next.tenant_id FROM lane, LATERAL (
            SELECT queue, provider_id, tenant_id FROM tasks
            WHERE status = 'queued' AND ready AND nudged_at IS NULL
                AND (queue, provider_id, tenant_id) > (lane.queue, lane.provider_id, lane.tenant_id)
            ORDER BY queue, provider_id, tenant_id LIMIT 1
        ) AS next
    )
    SELECT queue, provider_id, tenant_id FROM lane LIMIT :most
    """
)

LOADS = text(
    """
    SELECT queue, provider_id, tenant_id, sum(running)::int AS running, sum(nudged)::int AS nudged
    FROM (
        SELECT queue, provider_id, tenant_id, 1 AS running, 0 AS nudged FROM tasks
        WHERE status IN ('running', 'canceling') AND lease_until IS NOT NULL
        UNION ALL
        SELECT queue, provider_id, tenant_id, 0, 1 FROM tasks
        WHERE status = 'queued' AND nudged_at IS NOT NULL
    ) AS load
    GROUP BY queue, provider_id, tenant_id
    """
)

NUDGE = text(
    """
    WITH picked AS (
        SELECT head.id FROM unnest(CAST(:queues AS text[]), CAST(:providers AS uuid[]),
            CAST(:tenants AS uuid[]), CAST(:takes AS int[])) AS lane (queue, provider_id, tenant_id, take),
        LATERAL (
            SELECT id, queue, provider_id, tenant_id FROM tasks
            WHERE status = 'queued' AND ready AND nudged_at IS NULL
                AND (queue, provider_id, tenant_id) >= (lane.queue, lane.provider_id, lane.tenant_id)
            ORDER BY queue, provider_id, tenant_id, rank, id LIMIT lane.take
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS head
        WHERE head.queue = lane.queue AND head.provider_id = lane.provider_id
            AND head.tenant_id = lane.tenant_id
    ), moved AS (
        UPDATE tasks SET nudged_at = clock_timestamp(), event_seq = event_seq + 1
        FROM picked WHERE tasks.id = picked.id AND status = 'queued' AND ready AND nudged_at IS NULL
        RETURNING tasks.id, tasks.tenant_id, tasks.queue, tasks.provider_id, tasks.event_seq
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT id, event_seq, tenant_id, 'task.dispatched', clock_timestamp(),
            jsonb_build_object('queue', queue) FROM moved
    )
    SELECT id, queue, provider_id, tenant_id FROM moved
    """
)
"""Heads are read from the lane's start on, so that they come off the index in order: asked for by
equality, Postgres takes a lane to be tiny (it multiplies the odds of queue, provider and tenant) and
sorts all of it."""

FORGET_NUDGES = text(
    """
    WITH nudged AS (
        SELECT id FROM tasks
        WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'queued' AND nudged_at IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE tasks SET nudged_at = NULL FROM nudged WHERE tasks.id = nudged.id
    """
)

NUDGED = text(
    """
    SELECT queue, count(*) AS nudged,
        count(*) FILTER (WHERE nudged_at < statement_timestamp() - make_interval(secs => :age)) AS old
    FROM tasks WHERE status = 'queued' AND nudged_at IS NOT NULL
    GROUP BY queue
    """
)

FORGET_GHOSTS = text(
    """
    WITH ghost AS (
        SELECT id FROM tasks
        WHERE status = 'queued' AND nudged_at IS NOT NULL AND queue = ANY (CAST(:queues AS text[]))
            AND nudged_at < statement_timestamp() - make_interval(secs => :age)
        ORDER BY nudged_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE tasks SET nudged_at = NULL FROM ghost
    WHERE tasks.id = ghost.id AND tasks.status = 'queued'
    RETURNING tasks.id
    """
)

LIMITS = text(
    """
    SELECT 'tenant' AS scope, id, weight, paused, concurrency_limit FROM tenants
    UNION ALL
    SELECT 'provider', id, 1, paused, concurrency_limit FROM providers
    """
)

SLOTS = text(
    """
    SELECT boot_id, queues, slots FROM workers
    WHERE stopped_at IS NULL AND draining_at IS NULL
        AND heartbeat_at > clock_timestamp() - make_interval(secs => :dead_after)
    """
)
