"""A task that asks several others: the parent, its children, and what a child's end means to its parent.

The parent is always locked before a child. Where the children were found first, the lock of a parent is
tried and never waited for.
"""

from collections.abc import Sequence

from orchestrator import telemetry
from orchestrator.store.engine import Connection
from orchestrator.store.statements import Row, text
from schemas.events import EventName
from schemas.moves import Happening

PARENT_LOCKED = """parent AS MATERIALIZED (
        SELECT id FROM tasks WHERE id = CAST(:parent_id AS uuid) FOR NO KEY UPDATE
    ), """
PARENT_FIRST = "\n            AND (SELECT count(*) FROM parent) >= 0"
"""Makes an update wait until `parent` has its lock."""

PARENT_TOLD = """, told AS (
        UPDATE tasks AS p SET open_children = p.open_children - 1,
            ready = p.ready OR (p.status = 'queued' AND p.open_children = 1),
            status_reason = CASE WHEN p.status = 'queued' AND p.open_children = 1
                THEN 'waiting_for_worker' ELSE p.status_reason END,
            run_at = CASE WHEN p.status = 'queued' AND p.open_children = 1
                THEN clock_timestamp() ELSE p.run_at END,
            queued_at = CASE WHEN p.status = 'queued' AND p.open_children = 1
                THEN clock_timestamp() ELSE p.queued_at END,
            rank = CASE WHEN p.status = 'queued' AND p.open_children = 1
                THEN p.rank - interval '100 days' ELSE p.rank END,
            event_seq = p.event_seq + (p.finished_at IS NULL)::int
        FROM moved WHERE p.id = moved.parent_id AND moved.finished_at IS NOT NULL
        RETURNING p.id, p.tenant_id, p.event_seq, p.open_children, p.status, p.finished_at, p.queue,
            p.provider_id
    ), parent_events AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT told.id, told.event_seq, told.tenant_id, 'task.child_ended', clock_timestamp(),
            jsonb_build_object('child_id', moved.id, 'status', moved.status, 'open', told.open_children)
        FROM told, moved WHERE told.finished_at IS NULL
    )"""
"""A child that `moved` has just ended is open no more; with the last one its parent becomes ready.

It stands at the head of its lane then: what it chooses from is paid, and short work is left."""

WHOM_TOLD = """, told.id AS parent_id, told.open_children AS open_siblings, told.finished_at IS NULL AS waits,
        CASE WHEN told.status = 'queued' AND told.open_children = 0
            THEN concat_ws(' ', told.queue, told.provider_id, told.tenant_id) END AS parent_lane
    FROM moved LEFT JOIN told ON true"""
NOBODY_TOLD = ", CAST(NULL AS uuid) AS parent_id FROM moved"

INSERT_FAMILY = text(
    """
    WITH claimed AS (
        INSERT INTO idempotency_keys (tenant_id, key, task_id, body_hash)
        SELECT :tenant_id, CAST(:key AS text), :id, CAST(:body_hash AS bytea)
        WHERE CAST(:key AS text) IS NOT NULL
        ON CONFLICT (tenant_id, key) DO NOTHING
        RETURNING task_id
    ), given AS (
        SELECT clock_timestamp() AS now, CAST(:run_at AS timestamptz) AS run_at,
            CAST(:deadline AS timestamptz) AS deadline
        WHERE CAST(:key AS text) IS NULL OR EXISTS (SELECT FROM claimed)
    ), timed AS (
        SELECT now, greatest(coalesce(run_at, now), now) AS run_at, coalesce(run_at <= now, true) AS ready,
            coalesce(deadline, greatest(coalesce(run_at, now), now) + interval '24 hours') AS deadline
        FROM given
    ), child AS (
        SELECT * FROM unnest(CAST(:child_ids AS uuid[]), CAST(:child_queues AS text[]),
            CAST(:child_providers AS uuid[]), CAST(:child_candidates AS text[]))
            AS each_child (id, queue, provider_id, candidates)
    ), moved AS (
        INSERT INTO tasks (id, tenant_id, kind, status, status_reason, priority, queue, provider_id,
            run_at, rank, ready, deadline, max_attempts, max_crashes, event_seq, retry_of, labels,
            webhook_url, user_id, session_id, api_key_id, created_at, queued_at, open_children)
        SELECT :id, :tenant_id, :kind, 'queued', 'waiting_for_children', :priority, :queue, :provider_id,
            'infinity', run_at - make_interval(secs => :bonus), false, deadline, :max_attempts, :max_crashes,
            1, CAST(:retry_of AS uuid), CAST(:labels AS text[]), CAST(:webhook_url AS text),
            CAST(:user_id AS text), CAST(:session_id AS text), CAST(:api_key_id AS text), now, now,
            (SELECT count(*) FROM child)
        FROM timed
        RETURNING *
    ), children AS (
        INSERT INTO tasks (id, tenant_id, kind, status, status_reason, priority, queue, provider_id,
            run_at, rank, ready, deadline, max_attempts, max_crashes, event_seq, labels, user_id,
            session_id, api_key_id, created_at, queued_at, parent_id)
        SELECT child.id, moved.tenant_id, moved.kind,
            CASE WHEN timed.ready THEN 'queued' ELSE 'scheduled' END,
            CASE WHEN timed.ready THEN 'waiting_for_worker' END, moved.priority, child.queue,
            child.provider_id, timed.run_at, moved.rank, timed.ready,
            moved.deadline - least(interval '60 seconds', (moved.deadline - timed.run_at) / 10),
            moved.max_attempts, moved.max_crashes, 1, moved.labels, moved.user_id, moved.session_id,
            moved.api_key_id, timed.now,
            CASE WHEN timed.ready THEN timed.now END, moved.id
        FROM child, moved, timed
        RETURNING *
    ), payloads AS (
        INSERT INTO task_payloads (id, tenant_id, request, candidates, explanation)
        SELECT moved.id, moved.tenant_id, CAST(:request AS jsonb), CAST(:candidates AS jsonb),
            CAST(:explanation AS jsonb) FROM moved
        UNION ALL
        SELECT child.id, moved.tenant_id, CAST(:child_request AS jsonb), CAST(child.candidates AS jsonb),
            CAST(:explanation AS jsonb) FROM child, moved
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT id, 1, tenant_id, 'task.queued', created_at,
            jsonb_build_object('kind', kind, 'queue', queue, 'children', open_children) FROM moved
        UNION ALL
        SELECT id, 1, tenant_id, 'task.' || status, created_at,
            jsonb_build_object('kind', kind, 'queue', queue, 'parent_id', parent_id) FROM children
    )
    SELECT id, tenant_id, kind, status, status_reason, attempt, event_seq, created_at, queued_at, started_at,
        finished_at, priority, failures, crashes, labels, user_id, session_id, retry_of, parent_id, deadline,
        CAST(NULL AS timestamptz) AS run_at, canceling_at, error, ready, queue, provider_id
    FROM moved
    """
)
"""A parent and its children, in one statement; no row where the Idempotency-Key is taken already.

The children's deadline leaves their parent a tenth of its time, at most a minute, to choose.
"""

CHOOSING = text(
    """
    SELECT id, tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures, crashes,
        max_attempts, max_crashes, boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks
    WHERE id IN (
            SELECT id FROM tasks AS head
            WHERE head.status = 'queued' AND head.ready AND head.nudged_at IS NULL AND head.queue = :queue
                AND head.provider_id = :provider_id AND head.tenant_id = :tenant_id
            ORDER BY head.rank, head.id LIMIT :most
        )
        AND status = 'queued' AND ready AND nudged_at IS NULL
        AND EXISTS (SELECT FROM tasks AS child WHERE child.parent_id = tasks.id)
    FOR NO KEY UPDATE SKIP LOCKED
    """
)
"""Parents at the head of a lane, whose children have all ended."""

OPEN_CHILDREN = text(
    """
    SELECT id, tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures, crashes,
        max_attempts, max_crashes, boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks
    WHERE parent_id = :parent_id AND status IN ('scheduled', 'queued', 'running')
    ORDER BY id FOR NO KEY UPDATE
    """
)
"""The children to be called off. The caller has locked their parent."""

LOCK_PARENT_OF = text(
    """
    SELECT id FROM tasks WHERE id = (
        SELECT parent_id FROM tasks WHERE id = :id AND tenant_id = :tenant_id
    ) FOR NO KEY UPDATE
    """
)

_TRY_PARENTS = text(
    "SELECT id FROM tasks WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)


async def with_parents(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """Those of these locked tasks whose parent, if they have one, is locked now too; the others wait."""
    wanted = {row.parent_id for row in rows if row.parent_id is not None}
    if not wanted:
        return list(rows)
    found = {row.id for row in await connection.execute(_TRY_PARENTS, {"ids": list(wanted)})}
    return [row for row in rows if row.parent_id is None or row.parent_id in found]


def tell_parent(moved: Row) -> str | None:
    """Tell of a child's end, once committed; the lane its parent is ready in, if this was the last one."""
    if moved.parent_id is None or not moved.waits:
        return None
    data = {"child_id": str(moved.id), "status": moved.status, "open": moved.open_siblings}
    telemetry.emit(moved.parent_id, (Happening(EventName.CHILD_ENDED, data),))
    lane: str | None = moved.parent_lane
    return lane
