"""The children of a consensus, and what its judge has said so far."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import text

_CHILDREN = """
    SELECT t.id, t.status, t.candidate, payload.candidates -> t.candidate::int ->> 'name' AS provider,
        payload.candidates -> t.candidate::int ->> 'vendor' AS vendor,
        payload.candidates -> t.candidate::int ->> 'model' AS model, t.error, money.nanos, money.estimated
        {more}
    FROM tasks AS t JOIN task_payloads AS payload ON payload.id = t.id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(coalesce(cost_nanos, hold_nanos)), 0)::bigint AS nanos,
            coalesce(bool_or(estimated OR cost_nanos IS NULL), false) AS estimated
        FROM calls WHERE calls.task_id = t.id
    ) AS money
    WHERE t.parent_id = :parent_id AND t.tenant_id = :tenant_id
    ORDER BY t.id
    """
CHILDREN = text(_CHILDREN.format(more=", CAST(NULL AS text) AS result"))
ANSWERS = text(
    _CHILDREN.format(
        more=", (SELECT CAST(r.result AS text) FROM task_results AS r WHERE r.id = t.id) AS result"
    )
)

JUDGEMENTS = text(
    """
    SELECT calls.id, call_answers.answer FROM calls JOIN call_answers ON call_answers.call_id = calls.id
    WHERE calls.task_id = :task_id AND calls.tenant_id = :tenant_id AND calls.purpose = 'judge'
        AND calls.status = 'answered'
    ORDER BY calls.id
    """
)


@dataclass(frozen=True, slots=True)
class ChildRow:
    """A child as it stands, in the order in which the providers were chosen; money in nano-dollars."""

    id: UUID
    status: str
    candidate: int
    provider: str
    vendor: str
    model: str
    error: dict[str, Any] | None
    nanos: int
    estimated: bool
    result: str | None = None


@dataclass(frozen=True, slots=True)
class JudgementRow:
    """What the judge answered to one question."""

    id: UUID
    answer: str


async def children(
    db: Database, tenant_id: UUID, parent_id: UUID, *, with_answers: bool = False
) -> list[ChildRow]:
    """The children of a task; with their results as JSON where `with_answers`."""
    rows = await db.run(ANSWERS if with_answers else CHILDREN, parent_id=parent_id, tenant_id=tenant_id)
    return [ChildRow(**row._asdict()) for row in rows]


async def judgements(db: Database, tenant_id: UUID, task_id: UUID) -> list[JudgementRow]:
    """All paid answers of a task's judge, in the order in which they were asked for."""
    rows = await db.run(JUDGEMENTS, task_id=task_id, tenant_id=tenant_id)
    return [JudgementRow(**row._asdict()) for row in rows]
