"""The statements of a repricing: calls with usage, in batches by id, and their corrections.

Locks calls in the order of their ids, then windows in key order. What a vendor itself said it charged, or an
adapter, and what a flat plan pays, is no matter of prices. The part of the cache writes that is kept for an
hour has no column of its own: it is read where the vendor that has such a price tells of it.
"""

from orchestrator.store.budgets import CHARGED, CROSSED
from orchestrator.store.statements import text

PRICED = text(
    """
    SELECT id, vendor, coalesce(served_model, model) AS model, served_tier, input_tokens, cached_tokens,
        cache_write_tokens, output_tokens, reasoning_tokens, cost_nanos, ended_at,
        CASE WHEN usage #>> '{cache_creation,ephemeral_1h_input_tokens}' ~ '^[0-9]{1,9}$'
            THEN CAST(usage #>> '{cache_creation,ephemeral_1h_input_tokens}' AS int)
        END AS cache_write_1h_tokens
    FROM calls
    WHERE id > :after AND id < :before AND started_at >= :start AND started_at < :end
        AND status IN ('answered', 'failed') AND input_tokens IS NOT NULL
        AND price_source NOT IN ('vendor', 'adapter', 'ai_credits', 'flat_plan')
    ORDER BY id LIMIT :most
    """
)

CORRECT = text(
    f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:was AS bigint[]), CAST(:costs AS bigint[]),
            CAST(:estimates AS boolean[]), CAST(:sources AS text[]), CAST(:versions AS text[]))
            AS a (id, was, cost, estimate, source, version)
    ), locked AS (
        SELECT calls.id FROM calls JOIN asked ON asked.id = calls.id
        WHERE calls.cost_nanos = asked.was AND calls.status IN ('answered', 'failed')
        ORDER BY calls.id FOR NO KEY UPDATE OF calls
    ), repriced AS (
        UPDATE calls SET cost_nanos = asked.cost, estimated = asked.estimate, price_source = asked.source,
            price_version = asked.version
        FROM locked JOIN asked ON asked.id = locked.id WHERE calls.id = locked.id
        RETURNING calls.id, calls.task_id, calls.tenant_id, 0 AS released, asked.cost - asked.was AS added
    ), entry AS (
        INSERT INTO ledger (tenant_id, task_id, call_id, kind, amount_nanos)
        SELECT tenant_id, task_id, id, 'correction', added FROM repriced
    ), {CHARGED.format(closed="repriced")}
    SELECT id, ({CROSSED}) AS crossed FROM repriced
    """
)
"""Once each: a call that costs something else by now than was read is left alone."""
