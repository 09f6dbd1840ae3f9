"""Gates of providers: the circuit of (provider, model), the cool-down and credential gate of an account.

`closed_until` says until when nothing may be sent. An account is what two providers share that have the
same address and credential, so that a limit met by one is known to the other.
"""

from orchestrator.store.statements import text

PUT = text(
    """
    WITH before AS (
        SELECT state, closed_until FROM gates WHERE kind = :kind AND subject = :subject AND model = :model
    ), put AS (
        INSERT INTO gates (kind, subject, model, state, closed_until, reason)
        VALUES (:kind, :subject, :model, :state,
            clock_timestamp() + make_interval(secs => :seconds), :reason)
        ON CONFLICT (kind, subject, model) DO UPDATE SET state = excluded.state,
            closed_until = CASE WHEN :keep_longest
                THEN greatest(gates.closed_until, excluded.closed_until) ELSE excluded.closed_until END,
            reason = CASE WHEN :keep_longest AND gates.closed_until > excluded.closed_until
                THEN gates.reason ELSE excluded.reason END, changed_at = clock_timestamp()
        RETURNING kind, subject, model, state, reason
    )
    INSERT INTO gate_transitions (kind, subject, model, state, reason)
    SELECT kind, subject, model, state, reason FROM put
    WHERE state IS DISTINCT FROM (SELECT state FROM before)
        OR (state <> 'closed' AND (SELECT closed_until FROM before) < clock_timestamp())
    RETURNING id
    """
)

CLEAR = text(
    """
    WITH cleared AS (
        UPDATE gates SET state = 'closed', closed_until = clock_timestamp(), reason = :reason,
            changed_at = clock_timestamp()
        WHERE kind = :kind AND subject = :subject AND model = :model AND state <> 'closed'
        RETURNING kind, subject, model, state, reason
    )
    INSERT INTO gate_transitions (kind, subject, model, state, reason)
    SELECT kind, subject, model, state, reason FROM cleared RETURNING id
    """
)

CLOSED = text(
    """
    WITH shut AS (
        SELECT kind, subject, model, reason,
            least(extract(epoch FROM closed_until - clock_timestamp()), 86400)::float8 AS seconds_left
        FROM gates
        WHERE state <> 'closed' AND (closed_until > statement_timestamp() OR kind = 'circuit')
    )
    SELECT providers.id AS provider_id, kind, reason, seconds_left
    FROM shut JOIN providers ON shut.subject = providers.id::text AND shut.model = providers.model
    WHERE kind = 'circuit'
    UNION ALL
    SELECT providers.id, kind, reason, seconds_left
    FROM shut JOIN providers ON shut.subject = providers.account WHERE kind <> 'circuit'
    UNION ALL
    SELECT id, 'credential', 'provider_removed', 86400 FROM providers WHERE deleted_at IS NOT NULL
    """
)
"""The gates that matter now; a circuit whose time is over lets one task through until it is closed.

A provider that was removed is closed for good.
"""

ACCOUNT = text(
    """
    SELECT account FROM providers
    WHERE id = :provider_id AND credential = coalesce(CAST(:credential AS text), credential)
    """
)
"""None where the call's credential has been replaced since: the new one is not to blame."""

STUCK = text(
    """
    SELECT tasks.id, tasks.tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures,
        crashes, max_attempts, max_crashes, boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks
    WHERE status = 'queued' AND ready AND nudged_at IS NULL
        AND queue = :queue AND provider_id = :provider_id AND tenant_id = :tenant_id
    ORDER BY rank, id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    """
)

FORGET_NUDGES = text(
    """
    WITH nudged AS (
        SELECT id FROM tasks
        WHERE status = 'queued' AND nudged_at IS NOT NULL AND provider_id = ANY (CAST(:providers AS uuid[]))
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE tasks SET nudged_at = NULL FROM nudged WHERE tasks.id = nudged.id
    RETURNING tasks.id
    """
)
