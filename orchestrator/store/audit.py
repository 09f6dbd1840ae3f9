"""What must hold between the ledger, the calls and the budgets' windows, as queries that find breaches.

Each is one statement, so it sees one instant; each gives one row: how many breaches, how many
nano-dollars they come to, and a few of them. A part of the past is checked by `seconds` and `from_id`.
"""

from typing import Final

from orchestrator.store.fees import DUE
from orchestrator.store.statements import Statement, text

_CHECKED = """
    checked AS (
        SELECT id FROM calls WHERE id >= CAST(:from_id AS uuid)
        UNION
        SELECT call_id FROM ledger WHERE at >= statement_timestamp() - make_interval(secs => :seconds)
            AND call_id >= (SELECT id FROM calls ORDER BY id LIMIT 1)
    ), booked AS (
        SELECT checked.id AS call_id, sums.nanos, sums.spends FROM checked CROSS JOIN LATERAL (
            SELECT sum(amount_nanos)::bigint AS nanos, count(*) FILTER (WHERE kind = 'spend') AS spends
            FROM ledger WHERE ledger.call_id = checked.id
        ) AS sums
    )"""
"""Calls made, or booked, in that time. Of months that were dropped nothing is left to check."""

_TOLD = """
    SELECT count(*) AS breaches, coalesce(sum(abs(drift)), 0)::bigint AS drift_nanos,
        (array_agg(subject))[1:5] AS examples
    FROM breaches"""

_LEDGER = f"""
    WITH {_CHECKED}, breaches AS (
        SELECT checked.id::text AS subject,
            coalesce(booked.nanos, 0) - coalesce(calls.cost_nanos, 0) AS drift
        FROM checked LEFT JOIN calls ON calls.id = checked.id LEFT JOIN booked ON booked.call_id = checked.id
        WHERE coalesce(booked.nanos, 0) <> coalesce(calls.cost_nanos, 0)
    ) {_TOLD}
"""

_SPENDS = f"""
    WITH {_CHECKED}, breaches AS (
        SELECT calls.id::text AS subject, 0 AS drift
        FROM checked JOIN calls ON calls.id = checked.id LEFT JOIN booked ON booked.call_id = checked.id
        WHERE coalesce(booked.spends, 0) <> (calls.status <> 'started')::int
    ) {_TOLD}
"""

_ORPHANS = f"""
    WITH {_CHECKED}, breaches AS (
        SELECT checked.id::text AS subject, 0 AS drift FROM checked
        WHERE NOT EXISTS (SELECT FROM calls WHERE calls.id = checked.id)
    ) {_TOLD}
"""

_SPENT = f"""
    WITH touched AS (
        SELECT DISTINCT budget_id, starts FROM call_charges WHERE call_id >= CAST(:from_id AS uuid)
        UNION
        SELECT budget_id, starts FROM call_charges WHERE call_id IN (
            SELECT call_id FROM ledger WHERE at >= statement_timestamp() - make_interval(secs => :seconds)
        )
        UNION
        SELECT budget_id, starts FROM budget_windows WHERE CAST(:whole AS boolean)
    ), bounded AS (
        SELECT w.budget_id, w.starts, w.spent_nanos
        FROM touched JOIN budget_windows AS w USING (budget_id, starts)
        WHERE CAST(:whole AS boolean) OR (
            SELECT count(*) FROM (
                SELECT FROM call_charges AS c WHERE c.budget_id = w.budget_id AND c.starts = w.starts
                LIMIT :most + 1
            ) AS few
        ) <= :most
    ), charged AS (
        SELECT bounded.budget_id, bounded.starts, bounded.spent_nanos,
            coalesce(sum(calls.cost_nanos), 0)::bigint AS nanos
        FROM bounded
        LEFT JOIN call_charges AS c ON c.budget_id = bounded.budget_id AND c.starts = bounded.starts
        LEFT JOIN calls ON calls.id = c.call_id
        GROUP BY 1, 2, 3
    ), breaches AS (
        SELECT budget_id || ' from ' || starts AS subject, spent_nanos - nanos AS drift
        FROM charged WHERE spent_nanos <> nanos
    ) {_TOLD}
"""

_HELD = f"""
    WITH open AS (
        SELECT c.budget_id, c.starts, sum(calls.hold_nanos)::bigint AS nanos
        FROM calls CROSS JOIN LATERAL (
            SELECT budget_id, starts FROM call_charges WHERE call_charges.call_id = calls.id OFFSET 0
        ) AS c
        WHERE calls.status = 'started' GROUP BY 1, 2
    ), breaches AS (
        SELECT w.budget_id || ' from ' || w.starts AS subject, w.held_nanos - coalesce(open.nanos, 0) AS drift
        FROM budget_windows AS w LEFT JOIN open ON open.budget_id = w.budget_id AND open.starts = w.starts
        WHERE w.held_nanos <> coalesce(open.nanos, 0)
    ) {_TOLD}
"""

_NEGATIVE = f"""
    WITH breaches AS (
        SELECT budget_id || ' from ' || starts AS subject, least(spent_nanos, held_nanos) AS drift
        FROM budget_windows WHERE spent_nanos < 0 OR held_nanos < 0
    ) {_TOLD}
"""

_FEES = f"""
    WITH breaches AS (
        SELECT tenant_id || ' ' || provider || ' ' || month AS subject, nanos AS drift
        FROM ({DUE.format(now="(statement_timestamp() - interval '1 hour')")}) AS due
    ) {_TOLD}
"""
"""Fees that have been due for an hour; that none is booked twice is the ledger's own key."""

CHECKS: Final[dict[str, Statement]] = {
    "ledger_is_the_calls": text(_LEDGER),
    "one_spend_a_closed_call": text(_SPENDS),
    "every_entry_has_a_call": text(_ORPHANS),
    "spent_is_the_charges": text(_SPENT),
    "held_is_the_open_calls": text(_HELD),
    "nothing_is_negative": text(_NEGATIVE),
    "every_fee_is_booked": text(_FEES),
}

FOR_THESE_TIMES = text("SET LOCAL plan_cache_mode = force_custom_plan")
"""A plan for a moment of the past is not one for all of it."""

WITHOUT_LIMIT = text("SET LOCAL statement_timeout = 0")

KEEP = text(
    """
    INSERT INTO reckonings (at, findings) VALUES (clock_timestamp(), CAST(:findings AS jsonb))
    ON CONFLICT (only_one) DO UPDATE SET at = excluded.at, findings = excluded.findings
    """
)
