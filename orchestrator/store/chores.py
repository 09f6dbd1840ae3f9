"""Outbound work that is no task: written with the move that causes it, leased like a task."""

from typing import Final

from orchestrator.store.statements import text

DELIVERY_KIND: Final = "delivery"

NUDGE = text(
    """
    WITH due AS (
        SELECT id FROM chores
        WHERE status = 'queued' AND run_at <= statement_timestamp()
            AND (nudged_at IS NULL OR nudged_at < clock_timestamp() - make_interval(secs => :age))
        ORDER BY run_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE chores SET nudged_at = clock_timestamp() FROM due WHERE chores.id = due.id
    RETURNING chores.id
    """
)

FORGET_NUDGES = text(
    """
    WITH nudged AS (
        SELECT id FROM chores WHERE status = 'queued' AND nudged_at IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE chores SET nudged_at = NULL FROM nudged WHERE chores.id = nudged.id
    """
)

CLAIM = text(
    """
    UPDATE chores SET status = 'running', attempt = attempt + 1, nudged_at = NULL, lease_token = :token,
        lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = :id AND kind = :kind AND status = 'queued' AND run_at <= clock_timestamp()
        AND attempt < max_attempts
    RETURNING id, tenant_id, kind, subject_id, attempt, max_attempts, lease_token
    """
)

END = text(
    """
    UPDATE chores SET status = :status, message = CAST(:message AS text), lease_token = NULL,
        lease_until = NULL,
        run_at = CASE WHEN :status = 'queued'
            THEN clock_timestamp() + make_interval(secs => :delay) ELSE run_at END,
        finished_at = CASE WHEN :status IN ('done', 'failed') THEN clock_timestamp() END
    WHERE id = :id AND status = 'running' AND lease_token = :token
    RETURNING id
    """
)

RESCUE = text(
    """
    WITH lost AS (
        SELECT id FROM chores WHERE status = 'running' AND lease_until < statement_timestamp()
        ORDER BY lease_until LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE chores SET status = CASE WHEN attempt < max_attempts THEN 'queued' ELSE 'failed' END,
            lease_token = NULL, lease_until = NULL, nudged_at = NULL, message = 'its worker died',
            finished_at = CASE WHEN attempt < max_attempts THEN NULL ELSE clock_timestamp() END
        FROM lost WHERE chores.id = lost.id
        RETURNING chores.id, chores.status, chores.subject_id
    ), given_up AS (
        UPDATE deliveries SET status = 'failed'
        FROM moved WHERE deliveries.id = moved.subject_id AND moved.status = 'failed'
            AND deliveries.status = 'pending'
    )
    SELECT id FROM moved
    """
)

DELIVERY = text(
    """
    SELECT deliveries.id, deliveries.event, deliveries.url, deliveries.task_id, deliveries.tenant_id,
        deliveries.created_at, tasks.status, tasks.kind, tasks.finished_at, tasks.error,
        payload.request -> 'preferences' -> 'webhook' ->> 'secret' AS secret
    FROM deliveries
    JOIN tasks ON tasks.id = deliveries.task_id
    JOIN task_payloads AS payload ON payload.id = deliveries.task_id
    WHERE deliveries.id = :id
    """
)

END_DELIVERY = text(
    """
    UPDATE deliveries SET status = :status, http_status = CAST(:http_status AS smallint),
        delivered_at = CASE WHEN :status = 'delivered' THEN clock_timestamp() END
    WHERE id = :id AND status = 'pending'
    """
)
