"""The writing statements of a paid call: intent, outcome, and what becomes of intents left open."""

from orchestrator.store.budgets import CHARGED, CROSSED
from orchestrator.store.statements import text
from orchestrator.store.tasks import EVENTS

_INTEND = f"""
    WITH moved AS (
        UPDATE tasks SET event_seq = event_seq + cardinality(CAST(:names AS text[]))
        WHERE id = :task_id AND status = 'running' AND attempt = :attempt AND lease_token = :token
            AND lease_until > clock_timestamp() {{guard}}
        RETURNING id, tenant_id, event_seq
    ), rejected AS (
        UPDATE calls SET verdict = 'rejected'
        FROM moved WHERE calls.id = CAST(:rejected_call AS uuid)
    ), {EVENTS}
    INSERT INTO calls (id, task_id, tenant_id, attempt, purpose, provider_id, provider, vendor, model,
        status, hold_nanos, boot_id, started_at, timeout_at, entry)
    SELECT :id, moved.id, moved.tenant_id, :attempt, :purpose, :provider_id, :provider, :vendor, :model,
        'started', :hold_nanos, :boot_id, clock_timestamp(),
        clock_timestamp() + make_interval(secs => :timeout), CAST(:entry AS text)
    FROM moved
    RETURNING id, started_at
    """

INTEND = text(_INTEND.format(guard=""))

INTEND_UNBUDGETED = text(
    _INTEND.format(
        guard="""AND NOT EXISTS (
                SELECT FROM budgets WHERE budgets.tenant_id = tasks.tenant_id AND deleted_at IS NULL
            )"""
    )
)
"""The same in one round trip, for tenants that have no budget."""

STILL_INTENDED = text(
    """
    SELECT calls.id FROM calls JOIN tasks ON tasks.id = calls.task_id
    WHERE calls.id = :id AND calls.status = 'started' AND tasks.id = :task_id AND tasks.status = 'running'
        AND tasks.attempt = :attempt AND tasks.lease_token = :token
        AND tasks.lease_until > clock_timestamp()
    """
)
"""Whether an intent whose commit went unheard still holds, and we with it."""

EXPOSE = text(
    """
    WITH locked AS (
        SELECT id FROM tasks
        WHERE id = :task_id AND status = 'running' AND attempt = :attempt AND lease_token = :token
            AND lease_until > clock_timestamp()
        FOR NO KEY UPDATE
    )
    UPDATE calls SET first_token_at = clock_timestamp()
    FROM locked WHERE calls.id = :id AND calls.task_id = locked.id AND calls.status = 'started'
    RETURNING calls.id
    """
)
"""Mark an open call whose answer begins to go out, before it does."""

PASSED_ON = text(
    """
    SELECT DISTINCT tasks.id
    FROM tasks JOIN task_payloads AS payload ON payload.id = tasks.id
    JOIN calls ON calls.task_id = tasks.id AND calls.attempt = tasks.attempt
    WHERE tasks.id = ANY (CAST(:tasks AS uuid[])) AND payload.request #>> '{context,stream}' = 'true'
        AND calls.first_token_at IS NOT NULL AND calls.status <> 'answered'
    """
)
"""Tasks whose last attempt died in the middle of an answer that goes out. The caller has locked them."""

BOOK = text(
    f"""
    WITH locked AS (
        SELECT id FROM tasks WHERE id = :task_id FOR NO KEY UPDATE
    ), before AS (
        SELECT calls.id, calls.status, calls.cost_nanos, calls.hold_nanos FROM calls, locked
        WHERE calls.id = :id AND calls.task_id = locked.id AND calls.status IN ('started', 'unknown')
            AND calls.final_at IS NULL
        FOR NO KEY UPDATE OF calls
    ), booked AS (
        UPDATE calls SET status = :status, served_model = CAST(:served_model AS text),
            served_tier = CAST(:served_tier AS text),
            cost_nanos = coalesce(CAST(:cost_nanos AS bigint), before.hold_nanos),
            estimated = CAST(:cost_nanos AS bigint) IS NULL OR :estimated,
            price_source = CAST(:price_source AS text), price_version = CAST(:price_version AS text),
            usage = CAST(:usage AS jsonb), input_tokens = CAST(:input_tokens AS int),
            cached_tokens = CAST(:cached_tokens AS int),
            cache_write_tokens = CAST(:cache_write_tokens AS int),
            output_tokens = CAST(:output_tokens AS int),
            reasoning_tokens = CAST(:reasoning_tokens AS int), http_status = CAST(:http_status AS smallint),
            request_id = CAST(:request_id AS text), category = CAST(:category AS text),
            message = CAST(:message AS text),
            first_token_at = started_at + make_interval(secs => CAST(:first_token_after AS float8)),
            ended_at = clock_timestamp()
        FROM before WHERE calls.id = before.id
        RETURNING calls.id, calls.task_id, calls.tenant_id, calls.cost_nanos, calls.hold_nanos,
            before.status AS status_before, coalesce(before.cost_nanos, 0) AS cost_before
    ), answer AS (
        INSERT INTO call_answers (call_id, answer)
        SELECT id, CAST(:answer AS text) FROM booked WHERE CAST(:answer AS text) IS NOT NULL
        ON CONFLICT (call_id) DO NOTHING
    ), entry AS (
        INSERT INTO ledger (tenant_id, task_id, call_id, kind, amount_nanos)
        SELECT tenant_id, task_id, id, CASE status_before WHEN 'started' THEN 'spend' ELSE 'correction' END,
            cost_nanos - cost_before
        FROM booked
    ), money AS (
        SELECT id, CASE status_before WHEN 'started' THEN hold_nanos ELSE 0 END AS released,
            cost_nanos - cost_before AS added
        FROM booked
    ), {CHARGED.format(closed="money")}, moved AS (
        UPDATE tasks SET event_seq = event_seq + cardinality(CAST(:names AS text[]))
        FROM booked WHERE tasks.id = booked.task_id
        RETURNING tasks.id, tasks.tenant_id, tasks.event_seq
    ), {EVENTS}
    SELECT id, cost_nanos, hold_nanos, ({CROSSED}) AS crossed FROM booked
    """
)
"""The outcome, once per call whoever brings it; one charged as unknown is corrected until it is final."""

_CLOSE = (
    """
    closed AS (
        UPDATE calls SET status = 'unknown', cost_nanos = hold_nanos, estimated = true,
            price_source = 'hold', category = 'crashed', ended_at = clock_timestamp()
        FROM open WHERE calls.id = open.id AND calls.status = 'started'
        RETURNING calls.id, calls.task_id, calls.tenant_id, calls.cost_nanos, calls.vendor, calls.model,
            calls.cost_nanos AS released, calls.cost_nanos AS added
    ), entry AS (
        INSERT INTO ledger (tenant_id, task_id, call_id, kind, amount_nanos)
        SELECT tenant_id, task_id, id, 'spend', cost_nanos FROM closed
    ), touched AS (
        SELECT task_id, count(*) AS calls FROM closed GROUP BY task_id
    ), moved AS (
        UPDATE tasks SET event_seq = event_seq + touched.calls
        FROM touched WHERE tasks.id = touched.task_id
        RETURNING tasks.id, tasks.tenant_id, tasks.event_seq, touched.calls
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT moved.id,
            moved.event_seq - moved.calls + row_number() OVER (PARTITION BY moved.id ORDER BY closed.id),
            moved.tenant_id, 'call.unknown', clock_timestamp(), jsonb_build_object('call_id', closed.id)
        FROM moved JOIN closed ON closed.task_id = moved.id
    ), """
    + CHARGED.format(closed="closed")
    + f"""
    SELECT id, task_id, vendor, model, cost_nanos, ({CROSSED}) AS crossed FROM closed"""
)

CLOSE_UNKNOWN = text(
    f"""
    WITH open AS (
        SELECT id FROM calls WHERE task_id = ANY (CAST(:tasks AS uuid[])) AND status = 'started'
        ORDER BY id FOR NO KEY UPDATE
    ), {_CLOSE}
    """
)
"""Charge the calls whose process died at their hold. The caller has locked the tasks."""

CLOSE_STALE = text(
    f"""
    WITH stale AS (
        SELECT tasks.id FROM tasks
        WHERE id IN (
            SELECT task_id FROM calls
            WHERE status = 'started' AND timeout_at < statement_timestamp() - interval '1 minute'
            ORDER BY timeout_at LIMIT :most
        )
        AND status NOT IN ('running', 'canceling')
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), open AS (
        SELECT calls.id FROM calls, stale WHERE calls.task_id = stale.id AND calls.status = 'started'
            AND calls.timeout_at < clock_timestamp() - interval '1 minute'
    ), {_CLOSE}
    """
)
"""Charge open calls of tasks that nobody runs any more, a minute after their own time has passed."""

MAKE_FINAL = text(
    """
    WITH due AS (
        SELECT id FROM calls
        WHERE status = 'unknown' AND final_at IS NULL
            AND ended_at < clock_timestamp() - make_interval(secs => :hours * 3600.0)
        ORDER BY ended_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE calls SET final_at = clock_timestamp()
    FROM due WHERE calls.id = due.id AND calls.status = 'unknown'
    RETURNING calls.id, calls.task_id, calls.cost_nanos
    """
)
