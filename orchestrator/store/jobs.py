"""Jobs: a vendor's own work that a task waits for without a lease; the job's row has the lease."""

from orchestrator.store.statements import text
from orchestrator.store.tasks import EVENTS

HAND_OVER = text(
    f"""
    WITH moved AS (
        UPDATE tasks SET status_reason = 'waiting_for_provider_job', lease_token = NULL, lease_until = NULL,
            boot_id = NULL, event_seq = event_seq + cardinality(CAST(:names AS text[]))
        WHERE id = :task_id AND status = 'running' AND attempt = :attempt AND lease_token = :token
            AND lease_until > clock_timestamp()
            AND EXISTS (SELECT FROM calls WHERE calls.id = :id AND calls.task_id = :task_id
                AND calls.status = 'started')
        RETURNING *
    ), {EVENTS}
    INSERT INTO jobs (id, tenant_id, task_id, attempt, provider_id, prompt, expires_at)
    SELECT :id, tenant_id, id, attempt, provider_id, :prompt,
        least(deadline, clock_timestamp() + make_interval(secs => :seconds))
    FROM moved
    RETURNING id
    """
)
"""Fenced like an intent; the intent of the job's call is there already."""

HANDED_OVER = text("SELECT id FROM jobs WHERE id = :id")

NUDGE = text(
    """
    WITH due AS (
        SELECT id FROM jobs
        WHERE finished_at IS NULL AND run_at <= statement_timestamp()
            AND (lease_until IS NULL OR lease_until < clock_timestamp())
            AND (nudged_at IS NULL OR nudged_at < clock_timestamp() - make_interval(secs => :age))
        ORDER BY run_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs SET nudged_at = clock_timestamp() FROM due WHERE jobs.id = due.id
    RETURNING jobs.id
    """
)
"""A lease that ran out is taken back by whoever takes the job up next."""

OPEN = text(
    "SELECT provider_id, count(*)::int AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY provider_id"
)

FORGET_NUDGES = text(
    """
    WITH nudged AS (
        SELECT id FROM jobs WHERE finished_at IS NULL AND nudged_at IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs SET nudged_at = NULL FROM nudged WHERE jobs.id = nudged.id
    """
)

WAKE = text(
    """
    UPDATE jobs SET run_at = clock_timestamp(), nudged_at = NULL
    WHERE task_id = ANY (CAST(:tasks AS uuid[])) AND finished_at IS NULL
    """
)
"""Look after the jobs of these tasks at once. The caller has locked the tasks."""

TAKE_UP = text(
    """
    WITH taken AS (
        UPDATE jobs SET lease_token = :token, nudged_at = NULL, polls = polls + 1,
            lease_until = clock_timestamp() + make_interval(secs => :lease)
        WHERE id = :id AND finished_at IS NULL AND run_at <= clock_timestamp()
            AND (lease_until IS NULL OR lease_until < clock_timestamp())
        RETURNING *
    )
    SELECT taken.*, extract(epoch FROM taken.expires_at - clock_timestamp())::float8 AS seconds_left,
        extract(epoch FROM clock_timestamp() - taken.created_at)::float8 AS age,
        extract(epoch FROM clock_timestamp() - taken.sent_at)::float8 AS sent_for,
        extract(epoch FROM clock_timestamp() - taken.canceling_at)::float8 AS canceling_for,
        tasks.status AS task_status, tasks.attempt AS task_attempt, tasks.kind AS task_kind,
        tasks.lease_token AS task_token,
        CAST(payload.request #>> '{context,constraints,branch}' AS text) AS task_branch,
        calls.status AS call_status, calls.purpose, calls.hold_nanos, calls.model AS call_model,
        calls.category AS call_category, calls.message AS call_message,
        provider.name AS provider, provider.vendor, provider.wire, provider.base_url,
        provider.model AS provider_model, provider.credential, provider.simulated,
        provider.concurrency_limit, provider.options, provider.trusted,
        provider.deleted_at IS NOT NULL AS provider_removed
    FROM taken
    JOIN calls ON calls.id = taken.id
    LEFT JOIN tasks ON tasks.id = taken.task_id
    LEFT JOIN task_payloads AS payload ON payload.id = taken.task_id
    JOIN providers AS provider ON provider.id = taken.provider_id
    """
)

KEEP = text(
    """
    UPDATE jobs SET status = :status, remote_id = coalesce(CAST(:remote_id AS text), remote_id),
        sends = sends + CASE WHEN :sending THEN 1 ELSE 0 END,
        sent_at = CASE WHEN :sending THEN clock_timestamp() ELSE sent_at END,
        canceling_at = CASE WHEN :status = 'canceling' THEN coalesce(canceling_at, clock_timestamp())
            ELSE canceling_at END,
        message = CAST(:message AS text),
        lease_token = CASE WHEN CAST(:delay AS float8) IS NULL THEN lease_token END,
        lease_until = CASE WHEN CAST(:delay AS float8) IS NULL THEN lease_until END,
        run_at = CASE
            WHEN CAST(:delay AS float8) IS NULL THEN run_at
            WHEN :status = 'canceling' OR EXISTS (
                SELECT FROM tasks WHERE tasks.id = jobs.task_id AND tasks.status = 'running'
            ) THEN clock_timestamp() + make_interval(secs => CAST(:delay AS float8))
            ELSE clock_timestamp() END
    WHERE id = :id AND lease_token = :token AND lease_until > clock_timestamp() AND finished_at IS NULL
    RETURNING id
    """
)
"""How far a job is. With a `delay` the lease is given back; a cancel that came meanwhile is seen at once."""

END = text(
    """
    UPDATE jobs SET status = :status, message = CAST(:message AS text), finished_at = clock_timestamp(),
        prompt = '', lease_token = NULL, lease_until = NULL, nudged_at = NULL
    WHERE id = :id AND lease_token = :token AND finished_at IS NULL
    RETURNING id
    """
)

FORGET = text(
    """
    WITH old AS (
        SELECT id FROM jobs WHERE finished_at < clock_timestamp() - interval '30 days'
        ORDER BY finished_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM jobs USING old WHERE jobs.id = old.id RETURNING jobs.id
    """
)
"""What a job came to stands with its call and its task."""
