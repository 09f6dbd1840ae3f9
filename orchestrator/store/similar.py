"""The vectors by which kept answers are found, and which entries of the cache a task's result is made of.

The vectors are plain arrays, so that the table is there without pgvector; only comparing them needs it.
"""

from orchestrator.store.statements import text

KEEP = text(
    """
    WITH gone AS (
        DELETE FROM similar_questions
        WHERE tenant_id = :tenant_id AND scope = :scope AND entry <> :entry AND (
            entry = ANY (CAST(:dead AS text[])) OR entry IN (
                SELECT entry FROM similar_questions WHERE tenant_id = :tenant_id AND scope = :scope
                ORDER BY ends_at DESC OFFSET :most LIMIT 100
            )
        )
    )
    INSERT INTO similar_questions (tenant_id, scope, entry, embedding, ends_at)
    VALUES (:tenant_id, :scope, :entry, CAST(:embedding AS real[]),
        clock_timestamp() + make_interval(secs => CAST(:seconds AS float8)))
    ON CONFLICT (tenant_id, scope, entry)
        DO UPDATE SET embedding = excluded.embedding, ends_at = excluded.ends_at
    RETURNING entry
    """
)

CLEAR = text("DELETE FROM similar_questions WHERE tenant_id = :tenant_id RETURNING entry")

DROP = text(
    """
    DELETE FROM similar_questions WHERE tenant_id = :tenant_id AND entry = ANY (CAST(:entries AS text[]))
    RETURNING entry
    """
)

FORGET = text(
    """
    DELETE FROM similar_questions WHERE (tenant_id, scope, entry) IN (
        SELECT tenant_id, scope, entry FROM similar_questions WHERE ends_at < statement_timestamp()
        ORDER BY ends_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING entry
    """
)

ENTRIES = text(
    """
    WITH family AS (
        SELECT id FROM tasks WHERE tenant_id = :tenant_id AND id = :task_id
        UNION ALL SELECT id FROM tasks WHERE tenant_id = :tenant_id AND parent_id = :task_id
    )
    SELECT entry FROM calls JOIN family ON calls.task_id = family.id
    WHERE verdict = 'accepted' AND entry IS NOT NULL
    UNION
    SELECT data ->> 'entry' FROM events JOIN family ON events.task_id = family.id
    WHERE name = 'task.served_from_cache' AND data ? 'entry'
    """
)
"""The entries that a task's result, or a child's, was served from or has left."""
