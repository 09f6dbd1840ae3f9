"""Checks of providers: what is to be tried, the chore that does it, and what was found."""

from typing import Final

from orchestrator.store.statements import text

KIND: Final = "provider_check"
"""The kind of the chores that do them."""

LONGEST: Final = 300.0
"""A check that nobody did within this is given up; seconds."""

ADD = text(
    """
    WITH made AS (
        INSERT INTO provider_checks (id, tenant_id, provider_id, credential_id, target)
        VALUES (:id, :tenant_id, CAST(:provider_id AS uuid), CAST(:credential_id AS uuid),
            CAST(:target AS jsonb))
        RETURNING id, tenant_id
    )
    INSERT INTO chores (id, tenant_id, kind, subject_id, status, max_attempts)
    SELECT :chore_id, tenant_id, :kind, id, 'queued', 1 FROM made
    RETURNING id
    """
)

TARGET = text(
    """
    SELECT id, tenant_id, provider_id, credential_id, target,
        extract(epoch FROM clock_timestamp() - created_at)::float8 AS age
    FROM provider_checks WHERE id = :id
    """
)

END = text("UPDATE provider_checks SET result = CAST(:result AS jsonb) WHERE id = :id RETURNING id")

KEEP_MODELS = text(
    """
    UPDATE providers SET models = CAST(:models AS text[]), models_at = clock_timestamp()
    WHERE id = :id AND base_url = :base_url RETURNING id
    """
)

SHRED = text("DELETE FROM credentials WHERE id = :id AND provider_id IS NULL RETURNING id")

FORGET = text(
    """
    WITH old AS (
        SELECT id FROM provider_checks WHERE created_at < statement_timestamp() - interval '1 day'
        ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), unused AS (
        SELECT id FROM credentials
        WHERE provider_id IS NULL AND created_at < statement_timestamp() - interval '1 hour'
        ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), shredded AS (
        DELETE FROM credentials USING unused WHERE credentials.id = unused.id
    ), chores_gone AS (
        DELETE FROM chores USING old WHERE chores.subject_id = old.id
    )
    DELETE FROM provider_checks USING old WHERE provider_checks.id = old.id RETURNING provider_checks.id
    """
)
"""Credentials that were only tried are gone after an hour at the latest, what was found after a day."""
