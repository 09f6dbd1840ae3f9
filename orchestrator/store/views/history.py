"""What happened in a task: its provider calls and its events, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import Row, text
from schemas.events import TaskEvent

CALLS = text(
    """
    SELECT id, task_id, attempt, purpose, provider, vendor, model, served_model, status,
        coalesce(verdict, CASE WHEN status = 'answered' AND EXISTS (
            SELECT FROM tasks WHERE tasks.id = calls.task_id AND finished_at IS NOT NULL
        ) THEN CASE WHEN purpose IN ('judge', 'lookup') THEN 'accepted' ELSE 'superseded' END END) AS verdict,
        category, message, http_status, request_id, hold_nanos, cost_nanos, estimated, price_source,
        price_version, input_tokens, cached_tokens, output_tokens, reasoning_tokens, started_at,
        first_token_at, ended_at
    FROM calls WHERE tenant_id = :tenant_id AND task_id IN (
        SELECT CAST(:task_id AS uuid)
        UNION ALL SELECT tasks.id FROM tasks WHERE parent_id = :task_id
    )
    ORDER BY id
    """
)

EVENTS = text(
    """
    SELECT seq AS id, task_id, name, at, data FROM events
    WHERE task_id = :task_id AND tenant_id = :tenant_id AND seq > :after
    ORDER BY seq LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class CallRow:
    """One request to a provider; money in nano-dollars."""

    id: UUID
    task_id: UUID
    attempt: int
    purpose: str
    provider: str
    vendor: str
    model: str
    served_model: str | None
    status: str
    verdict: str | None
    category: str | None
    message: str | None
    http_status: int | None
    request_id: str | None
    hold_nanos: int
    cost_nanos: int | None
    estimated: bool
    price_source: str | None
    price_version: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    started_at: datetime
    first_token_at: datetime | None
    ended_at: datetime | None


async def calls(db: Database, tenant_id: UUID, task_id: UUID) -> list[CallRow]:
    """All calls of a task, and of its children, in the order they were made."""
    rows = await db.run(CALLS, task_id=task_id, tenant_id=tenant_id)
    return [CallRow(**_fields(row)) for row in rows]


async def events(db: Database, tenant_id: UUID, task_id: UUID, after: int, most: int) -> list[TaskEvent]:
    """Up to `most` events of a task with a higher id than `after`."""
    rows = await db.run(EVENTS, task_id=task_id, tenant_id=tenant_id, after=after, most=most)
    return [TaskEvent.model_validate(_fields(row)) for row in rows]


def _fields(row: Row) -> dict[str, Any]:
    return row._asdict()
