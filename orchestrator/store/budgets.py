"""Budgets and their windows: made when first needed, locked in key order, charged once per call.

Which windows a call is charged to is written with its intent (`call_charges`), so that its hold, its
spend and every correction meet the same windows, whenever they come.
"""

from orchestrator.store.statements import text

STARTS = """
    CASE period WHEN 'day' THEN date_trunc('day', CAST(:at AS timestamptz), 'UTC')
        WHEN 'month' THEN date_trunc('month', CAST(:at AS timestamptz), 'UTC')
        ELSE 'epoch' END"""
"""When the window starts that an instant lies in."""

STARTS_NOW = STARTS.replace(":at", "statement_timestamp()")
"""When the window starts that it is now, by the database's clock: a process's own may be wrong."""

APPLIES = """
    tenant_id = :tenant_id AND deleted_at IS NULL AND (
        scope = 'tenant'
        OR (scope = 'user' AND subject = CAST(:user_id AS text))
        OR (scope = 'key' AND subject = CAST(:api_key_id AS text))
        OR (scope = 'session' AND subject = CAST(:session_id AS text))
        OR (scope = 'provider' AND subject = CAST(:provider AS text)))"""
"""Whether a budget binds a call of these."""

MAKE_WINDOWS = text(
    f"""
    INSERT INTO budget_windows (budget_id, starts)
    SELECT id, {STARTS} FROM budgets WHERE {APPLIES} ORDER BY id
    ON CONFLICT (budget_id, starts) DO NOTHING
    """
)

LOCK_WINDOWS = text(
    f"""
    WITH applicable AS (
        SELECT id, scope, subject, period, limit_nanos, hard, {STARTS} AS starts
        FROM budgets WHERE {APPLIES}
    )
    SELECT applicable.*, w.spent_nanos, w.held_nanos
    FROM budget_windows AS w JOIN applicable ON applicable.id = w.budget_id AND applicable.starts = w.starts
    ORDER BY w.budget_id, w.starts FOR NO KEY UPDATE OF w
    """
)

HOLD = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:budgets AS uuid[]), CAST(:starts AS timestamptz[])) AS w (budget_id, start)
    ), held AS (
        UPDATE budget_windows AS w SET held_nanos = w.held_nanos + :nanos
        FROM wanted WHERE w.budget_id = wanted.budget_id AND w.starts = wanted.start
    )
    INSERT INTO call_charges (call_id, budget_id, starts)
    SELECT :call_id, budget_id, start FROM wanted
    """
)

LEVELS = text(
    f"""
    WITH applicable AS (
        SELECT id, scope, subject, period, limit_nanos, hard, {STARTS_NOW} AS starts
        FROM budgets WHERE {APPLIES} AND hard
    )
    SELECT applicable.*, coalesce(w.spent_nanos, 0) AS spent_nanos, coalesce(w.held_nanos, 0) AS held_nanos
    FROM applicable
    LEFT JOIN budget_windows AS w ON applicable.id = w.budget_id AND applicable.starts = w.starts
    ORDER BY applicable.id
    """
)

EXHAUSTED = text(
    f"""
    WITH applicable AS (
        SELECT id, scope, subject, period, limit_nanos, {STARTS_NOW} AS starts FROM budgets
        WHERE {APPLIES.replace("= CAST(:provider AS text)", "= ANY (CAST(:providers AS text[]))")} AND hard
    )
    SELECT applicable.*, w.spent_nanos, w.held_nanos
    FROM applicable JOIN budget_windows AS w ON applicable.id = w.budget_id AND applicable.starts = w.starts
    WHERE w.spent_nanos >= applicable.limit_nanos
    ORDER BY applicable.id
    """
)

CHARGED = """
    locked_windows AS (
        SELECT w.budget_id, w.starts, {closed}.id AS call_id, {closed}.released, {closed}.added
        FROM {closed}
        JOIN call_charges AS charge ON charge.call_id = {closed}.id
        JOIN budget_windows AS w ON w.budget_id = charge.budget_id AND w.starts = charge.starts
        ORDER BY w.budget_id, w.starts FOR NO KEY UPDATE OF w
    ), summed AS (
        SELECT budget_id, starts, sum(released) AS released, sum(added) AS added
        FROM locked_windows GROUP BY budget_id, starts
    ), charged AS (
        UPDATE budget_windows AS w SET held_nanos = w.held_nanos - summed.released,
            spent_nanos = w.spent_nanos + summed.added
        FROM summed WHERE w.budget_id = summed.budget_id AND w.starts = summed.starts
        RETURNING w.budget_id, w.starts, w.spent_nanos
    ), alerts AS (
        INSERT INTO budget_alerts (budget_id, starts, threshold)
        SELECT charged.budget_id, charged.starts, threshold
        FROM charged JOIN budgets ON budgets.id = charged.budget_id,
            unnest(ARRAY[50, 80, 100]) AS threshold
        WHERE charged.spent_nanos::numeric * 100 >= budgets.limit_nanos::numeric * threshold
        ON CONFLICT DO NOTHING
        RETURNING budget_id, threshold
    )"""
"""Moves money of closed calls from held to spent, in the windows of their intents.

`{closed}` names a CTE with the columns id, released and added (nano-dollars).
"""

CROSSED = """
    SELECT coalesce(jsonb_agg(jsonb_build_object('budget_id', budget_id, 'threshold', threshold)), '[]')
    FROM alerts"""
"""The thresholds that this statement was the first to cross."""

ADD = text(
    """
    INSERT INTO budgets (id, tenant_id, scope, subject, period, limit_nanos, hard)
    VALUES (:id, :tenant_id, :scope, CAST(:subject AS text), :period, :limit_nanos, :hard)
    ON CONFLICT (tenant_id, scope, subject, period, hard) WHERE deleted_at IS NULL
        DO UPDATE SET limit_nanos = excluded.limit_nanos
    RETURNING id
    """
)

DROP = text(
    """
    UPDATE budgets SET deleted_at = clock_timestamp()
    WHERE id = :id AND tenant_id = :tenant_id AND deleted_at IS NULL
    RETURNING id
    """
)

WAITERS = text(
    """
    SELECT id, tenant_id, user_id, api_key_id, session_id, waits_for_nanos,
        (SELECT name FROM providers WHERE providers.id = tasks.provider_id) AS provider
    FROM tasks
    WHERE status = 'queued' AND status_reason = 'waiting_for_budget' AND NOT ready
    ORDER BY id LIMIT :most
    """
)

WAKE = text(
    """
    WITH moved AS (
        UPDATE tasks SET run_at = clock_timestamp()
        WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'queued'
            AND status_reason = 'waiting_for_budget' AND NOT ready
        RETURNING id
    )
    SELECT id FROM moved
    """
)
"""Their time has come: the wake step makes them ready."""
