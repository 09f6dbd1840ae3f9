"""What must hold at every commit, as queries that find the breaches."""

from typing import Final

from tests.integration.flow.world import World

BREACHES: Final = {
    "a task ended more than once": """
        SELECT task_id FROM events
        WHERE name IN ('task.succeeded', 'task.failed', 'task.canceled', 'task.expired')
        GROUP BY task_id HAVING count(*) > 1
    """,
    "an ended task and its ending event disagree": """
        SELECT t.id FROM tasks t
        LEFT JOIN events e ON e.task_id = t.id
            AND e.name IN ('task.succeeded', 'task.failed', 'task.canceled', 'task.expired')
        WHERE (t.finished_at IS NOT NULL AND e.name IS DISTINCT FROM 'task.' || t.status)
            OR (t.finished_at IS NULL AND e.name IS NOT NULL)
    """,
    "an ended task and its time of ending disagree": """
        SELECT id FROM tasks
        WHERE (status IN ('succeeded', 'failed', 'canceled', 'expired')) <> (finished_at IS NOT NULL)
    """,
    "the ledger is not the calls": """
        SELECT calls.task_id FROM calls LEFT JOIN ledger ON ledger.call_id = calls.id
        GROUP BY calls.task_id, calls.id HAVING coalesce(sum(amount_nanos), 0) <> coalesce(max(cost_nanos), 0)
    """,
    "a call has not exactly one spend once it is over": """
        SELECT calls.id FROM calls LEFT JOIN ledger ON ledger.call_id = calls.id AND ledger.kind = 'spend'
        GROUP BY calls.id, calls.status HAVING count(ledger.id) <> (calls.status <> 'started')::int
    """,
    "an entry of the ledger has no call": """
        SELECT id FROM ledger WHERE kind <> 'fee'
            AND NOT EXISTS (SELECT FROM calls WHERE calls.id = ledger.call_id)
    """,
    "what a window has held is not the holds of its open calls": """
        SELECT w.budget_id FROM budget_windows w
        LEFT JOIN call_charges c ON c.budget_id = w.budget_id AND c.starts = w.starts
        LEFT JOIN calls ON calls.id = c.call_id AND calls.status = 'started'
        GROUP BY w.budget_id, w.starts, w.held_nanos
        HAVING w.held_nanos <> coalesce(sum(calls.hold_nanos), 0)
    """,
    "what a window has spent is not the costs of its calls": """
        SELECT w.budget_id FROM budget_windows w
        LEFT JOIN call_charges c ON c.budget_id = w.budget_id AND c.starts = w.starts
        LEFT JOIN calls ON calls.id = c.call_id
        GROUP BY w.budget_id, w.starts, w.spent_nanos
        HAVING w.spent_nanos <> coalesce(sum(calls.cost_nanos), 0)
    """,
    "a hard budget is overrun, and no bill above its hold was the reason": """
        SELECT w.budget_id FROM budget_windows w JOIN budgets b ON b.id = w.budget_id
        WHERE b.hard AND w.spent_nanos + w.held_nanos > b.limit_nanos AND NOT EXISTS (
            SELECT FROM call_charges c JOIN calls ON calls.id = c.call_id
            WHERE c.budget_id = w.budget_id AND c.starts = w.starts AND calls.cost_nanos > calls.hold_nanos
        )
    """,
    "a bill above its hold was not told, or one within it was": """
        SELECT calls.id FROM calls LEFT JOIN events e ON e.task_id = calls.task_id
            AND e.name = 'call.hold_exceeded' AND e.data ->> 'call_id' = calls.id::text
        WHERE (coalesce(calls.cost_nanos, 0) > calls.hold_nanos) <> (e.name IS NOT NULL)
    """,
    "a call without an end, or an end without a charge": """
        SELECT id FROM calls WHERE (status = 'started') <> (ended_at IS NULL)
            OR (final_at IS NOT NULL AND (status <> 'unknown' OR cost_nanos <> hold_nanos))
    """,
    "a result without success, or success without a result": """
        SELECT t.id FROM tasks t LEFT JOIN task_results r ON r.id = t.id
        WHERE (t.status = 'succeeded') <> (r.id IS NOT NULL)
    """,
    "a lease without a run, or a run without a lease or an open job": """
        SELECT t.id FROM tasks t
        LEFT JOIN jobs j ON j.task_id = t.id AND j.attempt = t.attempt AND j.finished_at IS NULL
        WHERE (t.status_reason = 'waiting_for_provider_job' AND (t.lease_token IS NOT NULL OR j.id IS NULL))
            OR (t.status IN ('running', 'canceling')) <>
                (t.lease_token IS NOT NULL OR coalesce(t.status_reason = 'waiting_for_provider_job', false))
            OR (t.lease_token IS NULL) <> (t.lease_until IS NULL)
            OR (t.lease_token IS NULL) <> (t.boot_id IS NULL)
    """,
    "a job that ended before its call did, or two open jobs of one task": """
        SELECT j.task_id FROM jobs j JOIN calls ON calls.id = j.id
        WHERE j.finished_at IS NOT NULL AND calls.status = 'started'
        UNION ALL
        SELECT j.task_id FROM jobs j JOIN tasks t ON t.id = j.task_id AND t.finished_at IS NULL
        WHERE j.finished_at IS NULL GROUP BY 1 HAVING count(*) > 1
    """,
    "the numbers of a task's events have gaps": """
        SELECT t.id FROM tasks t LEFT JOIN events e ON e.task_id = t.id
        GROUP BY t.id, t.event_seq
        HAVING count(e.seq) <> t.event_seq OR max(e.seq) <> t.event_seq OR min(e.seq) <> 1
    """,
    "an attempt is missing, or runs on": """
        SELECT t.id FROM tasks t LEFT JOIN attempts a ON a.task_id = t.id
        GROUP BY t.id, t.attempt, t.status
        HAVING count(a.attempt) <> t.attempt
            OR count(*) FILTER (WHERE a.ended_at IS NULL AND a.attempt IS NOT NULL)
                <> (t.status IN ('running', 'canceling'))::int
    """,
    "a parent's count of open children is wrong": """
        SELECT p.id FROM tasks p JOIN tasks c ON c.parent_id = p.id
        GROUP BY p.id, p.open_children
        HAVING p.open_children <> count(*) FILTER (WHERE c.finished_at IS NULL)
    """,
    "a parent waits for no children, or does not wait for those that are open": """
        SELECT id FROM tasks
        WHERE (status_reason = 'waiting_for_children' AND status = 'queued' AND open_children = 0)
            OR (open_children > 0 AND finished_at IS NULL
                AND (status <> 'queued' OR ready OR status_reason <> 'waiting_for_children'))
    """,
    "a parent was not told once of each child that ended while it waited": """
        SELECT p.id FROM tasks p JOIN tasks c ON c.parent_id = p.id AND c.finished_at IS NOT NULL
        LEFT JOIN events e ON e.task_id = p.id AND e.name = 'task.child_ended'
            AND e.data ->> 'child_id' = c.id::text
        GROUP BY p.id, p.finished_at, c.id
        HAVING count(e.seq) > 1 OR (p.finished_at IS NULL AND count(e.seq) = 0)
    """,
    "two answers were accepted": """
        SELECT task_id FROM (
            SELECT task_id FROM calls WHERE verdict = 'accepted'
            UNION ALL SELECT task_id FROM events WHERE name = 'task.served_from_cache'
        ) AS accepted GROUP BY task_id HAVING count(*) > 1
    """,
    "tokens served, and no word of the cache, or the other way round": """
        SELECT t.id FROM tasks t
        LEFT JOIN events e ON e.task_id = t.id AND e.name = 'task.served_from_cache'
        WHERE (t.served_tokens IS NOT NULL) <> (e.name IS NOT NULL)
    """,
    "more failures or crashes than allowed": """
        SELECT id FROM tasks
        WHERE finished_at IS NULL AND (failures >= max_attempts OR crashes >= max_crashes)
    """,
}


async def check(world: World) -> None:
    """Fail with the name of the promise that is broken."""
    query = " UNION ALL ".join(
        f"SELECT '{name.replace(chr(39), chr(39) * 2)}' AS breach, found::text AS row FROM ({breaches}) found"
        for name, breaches in BREACHES.items()
    )
    found = [f"{row.breach}: {row.row}" for row in await world.rows(query)]
    assert not found, "\n".join(found[:10])
