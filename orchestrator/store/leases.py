"""Leases and the processes that hold them: register, heartbeat, find what the dead left behind."""

from orchestrator.store.statements import text

REGISTER = text(
    """
    INSERT INTO workers (boot_id, name, hostname, pid, queues, slots, version)
    VALUES (:boot_id, :name, :hostname, :pid, CAST(:queues AS text[]), :slots, :version)
    ON CONFLICT (boot_id) DO NOTHING
    """
)

PREDECESSORS = text(
    """
    SELECT boot_id, pid FROM workers
    WHERE name = :name AND hostname = :hostname AND stopped_at IS NULL AND boot_id <> :boot_id
    """
)

BURY = text(
    """
    WITH dead AS (
        UPDATE workers SET stopped_at = clock_timestamp()
        WHERE boot_id = ANY (CAST(:boots AS uuid[])) AND stopped_at IS NULL
        RETURNING boot_id
    )
    UPDATE tasks SET lease_until = clock_timestamp()
    FROM (
        SELECT id FROM tasks
        WHERE status IN ('running', 'canceling') AND lease_until > clock_timestamp()
            AND boot_id IN (SELECT boot_id FROM dead)
        ORDER BY id FOR NO KEY UPDATE
    ) AS left_behind
    WHERE tasks.id = left_behind.id
    """
)
"""A dead process's leases end now. Only for a process known to be dead."""

DRAIN = text(
    "UPDATE workers SET draining_at = clock_timestamp() WHERE boot_id = :boot_id AND draining_at IS NULL"
)

STOP = text(
    "UPDATE workers SET stopped_at = clock_timestamp() WHERE boot_id = :boot_id AND stopped_at IS NULL"
)

HEARTBEAT = text(
    """
    WITH alive AS (
        UPDATE workers SET heartbeat_at = clock_timestamp(), stopped_at = NULL
        WHERE boot_id = :boot_id
    ), kept AS (
        UPDATE tasks SET lease_until = clock_timestamp() + make_interval(secs => :lease)
        FROM (
            SELECT tasks.id FROM tasks
            JOIN unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) AS held (id, token)
                ON tasks.id = held.id AND tasks.lease_token = held.token
            WHERE tasks.status IN ('running', 'canceling')
            ORDER BY tasks.id FOR NO KEY UPDATE OF tasks
        ) AS mine
        WHERE tasks.id = mine.id
        RETURNING tasks.id
    )
    SELECT held.id FROM unnest(CAST(:ids AS uuid[])) AS held (id)
    WHERE held.id NOT IN (SELECT id FROM kept)
    """
)

NO_LONGER_RUNNING = text(
    """
    SELECT held.id, tasks.status
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[])) AS held (id, token)
    JOIN tasks ON tasks.id = held.id
    WHERE tasks.status IN ('canceling', 'succeeded', 'failed', 'canceled', 'expired')
        AND (tasks.lease_token = held.token OR tasks.lease_token IS NULL)
    """
)

EXPIRED = text(
    """
    SELECT tasks.id, tasks.tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures,
        crashes, max_attempts, max_crashes, tasks.boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks LEFT JOIN workers ON workers.boot_id = tasks.boot_id
    WHERE status IN ('running', 'canceling') AND lease_until < statement_timestamp()
        AND (
            workers.stopped_at IS NOT NULL
            OR clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => :lease)
        )
        AND (
            workers.boot_id IS NULL OR workers.stopped_at IS NOT NULL
            OR workers.heartbeat_at < clock_timestamp() - make_interval(secs => :dead_after)
            OR NOT EXISTS (
                SELECT FROM calls WHERE calls.task_id = tasks.id AND calls.status = 'started'
                    AND calls.timeout_at > clock_timestamp()
            )
        )
    ORDER BY lease_until LIMIT :most FOR NO KEY UPDATE OF tasks SKIP LOCKED
    """
)
"""Leases to take back: after a restart of Postgres whoever is not surely dead gets one lease of amnesty."""
