"""Feedback: what callers say of ended tasks, kept with the provider and model that gave the result."""

from orchestrator.store.statements import text
from orchestrator.store.tasks import EVENTS

GIVE = text(
    f"""
    WITH target AS (
        SELECT id, tenant_id, finished_at FROM tasks WHERE id = :task_id AND tenant_id = :tenant_id
        FOR NO KEY UPDATE
    ), answered AS (
        SELECT provider_id, provider, model FROM calls
        WHERE task_id = :task_id AND verdict = 'accepted' ORDER BY id DESC LIMIT 1
    ), given AS (
        INSERT INTO feedback (task_id, caller, tenant_id, provider_id, provider, model, rating, accepted,
            comment)
        SELECT target.id, :caller, target.tenant_id, answered.provider_id, answered.provider,
            answered.model, CAST(:rating AS smallint), CAST(:accepted AS boolean), CAST(:comment AS text)
        FROM target LEFT JOIN answered ON true WHERE target.finished_at IS NOT NULL
        ON CONFLICT (task_id, caller) DO UPDATE SET rating = excluded.rating, accepted = excluded.accepted,
            comment = excluded.comment, updated_at = clock_timestamp()
        WHERE (feedback.rating, feedback.accepted, feedback.comment)
            IS DISTINCT FROM (excluded.rating, excluded.accepted, excluded.comment)
        RETURNING task_id
    ), moved AS (
        UPDATE tasks SET event_seq = event_seq + 1 FROM given WHERE tasks.id = given.task_id
        RETURNING tasks.id, tasks.tenant_id, tasks.event_seq
    ), {EVENTS}
    SELECT target.finished_at IS NOT NULL AS ended, EXISTS (SELECT FROM given) AS changed FROM target
    """
)
"""No row for an unknown task; nothing changes before a task has ended, or by saying the same again."""
