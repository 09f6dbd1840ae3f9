"""Active checks: one standing chore for each provider that is checked, and what the last check found."""

from typing import Final

from orchestrator.store.statements import text

KIND: Final = "health_check"
"""The kind of the chores that do them; each is queued again after it was done."""

PLAN = text(
    """
    INSERT INTO chores (id, tenant_id, kind, subject_id, status, max_attempts)
    SELECT gen_random_uuid(), p.tenant_id, 'health_check', p.id, 'queued', 2147483647
    FROM providers AS p
    WHERE p.deleted_at IS NULL AND NOT p.paused
        AND coalesce(p.options -> 'health' ->> 'check', 'true') <> 'false'
        AND NOT EXISTS (
            SELECT FROM chores WHERE chores.subject_id = p.id AND chores.kind = 'health_check'
                AND chores.status IN ('queued', 'running')
        )
    ORDER BY p.id LIMIT :most
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)

TARGET = text(
    """
    SELECT id, tenant_id, name, vendor, wire, base_url, model, credential, simulated, concurrency_limit,
        options, trusted, account
    FROM providers WHERE id = :id AND deleted_at IS NULL AND NOT paused
    """
)

FOUND = text(
    """
    WITH put AS (
        INSERT INTO provider_health (provider_id, ok, latency_ms, message, failures)
        VALUES (:id, :ok, CAST(:latency_ms AS float8), :message, CASE WHEN :ok THEN 0 ELSE 1 END)
        ON CONFLICT (provider_id) DO UPDATE SET ok = excluded.ok, latency_ms = excluded.latency_ms,
            message = excluded.message, checked_at = clock_timestamp(),
            failures = CASE WHEN excluded.ok THEN 0 ELSE provider_health.failures + 1 END
        RETURNING failures
    )
    SELECT failures, EXISTS (
        SELECT FROM calls WHERE provider_id = :id AND id >= CAST(:from_id AS uuid) AND status = 'answered'
            AND ended_at > clock_timestamp() - make_interval(secs => :seconds)
    ) AS answers
    FROM put
    """
)
"""How often in a row it has failed now, and whether a real call was answered within those seconds."""
