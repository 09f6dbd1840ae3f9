"""What becomes of an answer whose worker had lost its lease by the time it came.

Both statements look at other calls of the task, so the caller has locked the task in a statement
before: what they see is what the lock's holder left behind.
"""

from orchestrator.store.statements import text
from orchestrator.store.tasks import EVENTS, LEASED

LOCK = text("SELECT id FROM tasks WHERE id = :id FOR NO KEY UPDATE")

LATE_ANSWER = text(
    """
    SELECT calls.id, calls.purpose, call_answers.answer, calls.served_model, calls.category
    FROM calls JOIN call_answers ON call_answers.call_id = calls.id
    WHERE calls.task_id = :id AND calls.attempt = :attempt AND calls.status = 'answered'
        AND calls.verdict IS NULL AND calls.purpose NOT IN ('verifier', 'lookup')
    ORDER BY calls.id DESC LIMIT 1
    """
)
"""The answer that this attempt paid for and nobody judged yet."""

ADOPT = text(
    f"""
    WITH moved AS (
        UPDATE tasks SET status = 'running', status_reason = NULL, attempt = attempt + 1,
            lease_token = :token, lease_until = clock_timestamp() + make_interval(secs => :lease),
            boot_id = :boot_id, nudged_at = NULL, waits_for_nanos = NULL,
            event_seq = event_seq + cardinality(CAST(:names AS text[]))
        WHERE id = :id AND deadline > clock_timestamp() AND (
            status = 'queued'
            OR (status = 'running' AND NOT EXISTS (
                SELECT FROM calls WHERE calls.task_id = :id AND calls.attempt > :attempt
            ))
        )
        RETURNING *
    ), attempt_ended AS (
        UPDATE attempts SET ended_at = clock_timestamp(), outcome = 'adopted'
        FROM moved
        WHERE attempts.task_id = moved.id AND attempts.attempt = moved.attempt - 1
            AND attempts.ended_at IS NULL
    ), attempt_written AS (
        INSERT INTO attempts (task_id, attempt, boot_id, provider_id, started_at)
        SELECT id, attempt, boot_id, provider_id, clock_timestamp() FROM moved
    ), {EVENTS}
    {LEASED}
    """
)

SUPERSEDE = text(
    f"""
    WITH marked AS (
        UPDATE calls SET verdict = 'superseded'
        WHERE id = :call_id AND task_id = :id AND status = 'answered' AND verdict IS NULL
        RETURNING task_id
    ), moved AS (
        UPDATE tasks SET event_seq = event_seq + cardinality(CAST(:names AS text[]))
        FROM marked WHERE tasks.id = marked.task_id
        RETURNING tasks.id, tasks.tenant_id, tasks.event_seq
    ), {EVENTS}
    SELECT id FROM moved
    """
)
