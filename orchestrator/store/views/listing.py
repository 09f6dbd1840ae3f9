"""Many tasks at once: pages by keyset, newest first, and counts.

A page's statement is put together from constant clauses, one for each filter that is used, so that
each combination keeps a plan of its own.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import Statement, text
from orchestrator.store.views.tasks import TaskRow, select_whole, whole

_CLAUSES: Final = {
    "statuses": "status = ANY (CAST(:statuses AS text[]))",
    "kinds": "kind = ANY (CAST(:kinds AS text[]))",
    "labels": "labels @> CAST(:labels AS text[])",
    "user_id": "user_id = :user_id",
    "session_id": "session_id = :session_id",
    "created_after": "created_at > :created_after",
    "created_before": "created_at < :created_before",
    "ids": "id = ANY (CAST(:ids AS uuid[]))",
    "before": "id < :before",
    "parent_id": "parent_id = :parent_id",
    "without_children": "parent_id IS NULL",
}

COUNTS = text(
    """
    SELECT status, count(*) AS tasks FROM tasks WHERE tenant_id = :tenant_id AND parent_id IS NULL
    GROUP BY status
    """
)

WAITING = text(
    """
    SELECT queue, count(*) AS tasks,
        coalesce(extract(epoch FROM clock_timestamp() - min(queued_at)), 0)::float8 AS oldest_seconds
    FROM tasks WHERE tenant_id = :tenant_id AND status = 'queued'
        AND status_reason IS DISTINCT FROM 'waiting_for_children'
    GROUP BY queue ORDER BY queue
    """
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks: all that is given must fit. `before` is the last id of the page before.

    `without_children` is true or left out.
    """

    statuses: list[str] | None = None
    kinds: list[str] | None = None
    labels: list[str] | None = None
    user_id: str | None = None
    session_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    ids: list[UUID] | None = None
    before: UUID | None = None
    parent_id: UUID | None = None
    without_children: bool | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How many tasks stand in each state, and what waits in each queue with the age of its oldest.

    What a consensus asks its providers is no task of its own, but it stands in a queue.
    """

    by_status: dict[str, int]
    waiting_by_queue: dict[str, int]
    oldest_queued_seconds: float


async def page(
    db: Database, tenant_id: UUID, filters: Filters, most: int, include: frozenset[str] = frozenset()
) -> list[TaskRow]:
    """Up to `most` tasks, newest first; `include` may name `result` and `request`."""
    used = {name: value for name, value in asdict(filters).items() if value is not None}
    rows = await db.run(_statement(frozenset(used), include), tenant_id=tenant_id, most=most, **_bound(used))
    return [whole(row) for row in rows]


async def stats(db: Database, tenant_id: UUID) -> Stats:
    """Counts over all of a tenant's tasks."""
    counts = {row.status: row.tasks for row in await db.run(COUNTS, tenant_id=tenant_id)}
    waiting = await db.run(WAITING, tenant_id=tenant_id)
    return Stats(
        by_status=counts,
        waiting_by_queue={row.queue: row.tasks for row in waiting},
        oldest_queued_seconds=max((row.oldest_seconds for row in waiting), default=0.0),
    )


def _bound(used: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in used.items() if name != "without_children"}


@cache
def _statement(used: frozenset[str], include: frozenset[str]) -> Statement:
    clauses = "".join(f" AND {clause}" for name, clause in _CLAUSES.items() if name in used)
    picked = f"SELECT * FROM tasks WHERE tenant_id = :tenant_id{clauses} ORDER BY id DESC LIMIT :most"
    return select_whole(picked, include)
