"""Answers of ended tasks that the cache may be warmed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import text

NEWEST = text(
    """
    SELECT id FROM tasks
    WHERE tenant_id = :tenant_id AND status = 'succeeded'
        AND (CAST(:kind AS text) IS NULL OR kind = CAST(:kind AS text))
        AND (CAST(:since AS timestamptz) IS NULL OR finished_at >= CAST(:since AS timestamptz))
        AND (CAST(:until AS timestamptz) IS NULL OR finished_at < CAST(:until AS timestamptz))
    ORDER BY id DESC LIMIT :most
    """
)

WARMABLE = text(
    """
    SELECT tasks.id, tasks.kind, tasks.status, EXISTS (
            SELECT FROM feedback WHERE feedback.task_id = tasks.id
                AND (NOT accepted OR (accepted IS NULL AND rating <= 2))
        ) AS rejected, first.entry, first.answer, first.served_model, first.cut, first.input_tokens,
        first.output_tokens, first.cost_nanos
    FROM tasks LEFT JOIN LATERAL (
        SELECT calls.entry, call_answers.answer, calls.served_model, calls.cost_nanos,
            calls.category IS NOT DISTINCT FROM 'output_limit' AS cut, calls.input_tokens,
            coalesce(calls.output_tokens, 0) AS output_tokens
        FROM calls JOIN call_answers ON call_answers.call_id = calls.id
        WHERE calls.task_id = tasks.id AND calls.verdict = 'accepted' AND calls.purpose = 'first'
            AND calls.entry IS NOT NULL AND calls.input_tokens IS NOT NULL AND NOT calls.estimated
        ORDER BY calls.id DESC LIMIT 1
    ) AS first ON true
    WHERE tasks.tenant_id = :tenant_id AND tasks.id = ANY (CAST(:ids AS uuid[]))
    """
)
"""What a task's first answer was, where it was accepted as it came."""


@dataclass(frozen=True, slots=True)
class Warmable:
    """A task and its first answer with the name that it has in the cache; none where there is nothing."""

    id: UUID
    kind: str
    status: str
    rejected: bool
    entry: str | None
    answer: str | None
    served_model: str | None
    cut: bool | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nanos: int | None


async def newest_successes(
    db: Database, tenant_id: UUID, kind: str | None, since: datetime | None, until: datetime | None, most: int
) -> list[UUID]:
    """The newest tasks that succeeded, newest first."""
    rows = await db.run(NEWEST, tenant_id=tenant_id, kind=kind, since=since, until=until, most=most)
    return [row.id for row in rows]


async def warmable(db: Database, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Warmable]:
    """Those of the tasks that the tenant has, with their answers."""
    rows = await db.run(WARMABLE, tenant_id=tenant_id, ids=list(ids))
    return {row.id: Warmable(**row._asdict()) for row in rows}
