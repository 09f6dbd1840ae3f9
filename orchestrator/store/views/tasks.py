"""One task as it stands: its hot row for polls, the whole of it, its outcome, its stored request.

Cost and tokens are not stored with a task: they are summed from its calls, which are the truth; those of a
consensus from its children's calls too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import Row, Statement, text
from schemas.providers import Candidate
from schemas.tasks import TaskStatus

V = TypeVar("V")

HOT: Final = """
    t.id, t.tenant_id, t.kind, t.status, t.attempt, t.event_seq, t.created_at, t.queued_at, t.started_at,
    t.finished_at,
    CASE WHEN t.status = 'queued' AND t.ready AND (
            EXISTS (SELECT FROM providers AS p WHERE p.id = t.provider_id AND p.paused)
            OR EXISTS (SELECT FROM tenants AS n WHERE n.id = t.tenant_id AND n.paused))
        THEN 'queue_paused' ELSE coalesce(gate.reason, t.status_reason) END AS status_reason,
    CASE WHEN t.status = 'scheduled' OR (t.status = 'queued' AND NOT t.ready)
        THEN nullif(t.run_at, 'infinity') ELSE gate.opens_at END AS next_attempt_at
"""
BEFORE_GATE: Final = """
    LEFT JOIN LATERAL (
        SELECT CASE WHEN g.kind IN ('circuit', 'health') THEN 'circuit_open'
                WHEN g.reason = 'misconfigured' THEN 'queue_paused' ELSE 'rate_limited' END AS reason,
            CASE WHEN g.reason <> 'misconfigured' AND g.closed_until > statement_timestamp()
                THEN g.closed_until END AS opens_at
        FROM providers AS p JOIN gates AS g ON g.subject IN (p.id::text, p.account)
        WHERE t.status = 'queued' AND t.ready AND p.id = t.provider_id AND g.state <> 'closed'
            AND CASE g.kind WHEN 'circuit' THEN g.model = p.model
                ELSE g.closed_until > statement_timestamp() END
        ORDER BY g.closed_until DESC LIMIT 1
    ) AS gate ON true
"""
"""Joins to each task `t` that is ready the gate it stands before. `HOT` needs it.

A credential that an operator must mend counts as a pause: no time is known at which it ends.
"""

_WHOLE: Final = f"""
    SELECT {HOT}, t.priority, t.failures, t.crashes, t.labels, t.user_id, t.session_id, t.retry_of,
        t.parent_id, t.deadline, nullif(t.run_at, 'infinity') AS run_at, t.canceling_at, t.error, t.quality,
        coalesce(t.served_tokens, 0) AS served_tokens,
        (payload.request #>> '{{{{preferences,consensus}}}}')::int AS consensus,
        payload.request -> 'metadata' AS metadata, payload.candidates -> t.candidate::int AS candidate,
        coalesce((SELECT p.simulated FROM providers AS p WHERE p.id = t.provider_id), false) AS simulated,
        money.calls, money.nanos, money.estimated, money.input_tokens, money.cached_tokens,
        money.output_tokens, money.reasoning_tokens{{more}}
    FROM picked AS t{BEFORE_GATE}
    JOIN task_payloads AS payload ON payload.id = t.id
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS calls, coalesce(sum(coalesce(cost_nanos, hold_nanos)), 0)::bigint AS nanos,
            coalesce(bool_or(estimated OR cost_nanos IS NULL), false) AS estimated,
            coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
            coalesce(sum(cached_tokens), 0)::bigint AS cached_tokens,
            coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
            coalesce(sum(reasoning_tokens), 0)::bigint AS reasoning_tokens
        FROM calls WHERE calls.task_id IN (
            SELECT t.id
            UNION ALL SELECT c.id FROM tasks AS c
            WHERE c.parent_id = t.id AND payload.request #>> '{{{{preferences,consensus}}}}' IS NOT NULL
        )
    ) AS money
"""
_MORE: Final = {
    "result": "(SELECT CAST(r.result AS text) FROM task_results AS r WHERE r.id = t.id) AS result",
    "request": "CAST(payload.request #- '{preferences,webhook,secret}' AS text) AS request",
}

STATES = text(
    """
    SELECT t.id, t.event_seq, t.status
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[])) AS asked (id, tenant_id)
    JOIN tasks AS t ON t.id = asked.id AND t.tenant_id = asked.tenant_id
    """
)

_SUMS: Final = ("calls", "nanos", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
_ONE: Final = "SELECT * FROM tasks WHERE id = :id AND tenant_id = :tenant_id"

OUTCOME = text(
    """
    SELECT t.id, t.kind, t.status, t.event_seq, t.finished_at, t.error, t.quality,
        (SELECT CAST(r.result AS text) FROM task_results AS r WHERE r.id = t.id) AS result
    FROM tasks AS t WHERE t.id = :id AND t.tenant_id = :tenant_id
    """
)

STORED_REQUEST = text(
    """
    SELECT t.status, t.parent_id, CAST(payload.request AS text) AS request
    FROM tasks AS t JOIN task_payloads AS payload ON payload.id = t.id
    WHERE t.id = :id AND t.tenant_id = :tenant_id
    """
)

STORED_ROUTE = text(
    """
    SELECT t.candidate, payload.candidates -> t.candidate::int ->> 'name' AS provider,
        CAST(payload.explanation AS text) AS explanation
    FROM tasks AS t JOIN task_payloads AS payload ON payload.id = t.id
    WHERE t.id = :id AND t.tenant_id = :tenant_id
    """
)


@dataclass(frozen=True, slots=True)
class State:
    """The hot row of a task: what a poll needs. `status_reason` knows of pauses and gates."""

    id: UUID
    tenant_id: UUID
    kind: str
    status: TaskStatus
    attempt: int
    event_seq: int
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    status_reason: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskRow(State):
    """A whole task; money in nano-dollars; result and request as JSON where they were asked for."""

    priority: str
    failures: int
    crashes: int
    labels: list[str]
    user_id: str | None
    session_id: str | None
    retry_of: UUID | None
    parent_id: UUID | None
    deadline: datetime
    run_at: datetime | None
    canceling_at: datetime | None
    error: dict[str, Any] | None
    quality: int | None
    served_tokens: int
    consensus: int | None
    metadata: dict[str, str]
    candidate: dict[str, str]
    simulated: bool
    calls: int
    nanos: int
    estimated: bool
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    result: str | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended, if it has; `result` is JSON as it was stored."""

    id: UUID
    kind: str
    status: TaskStatus
    event_seq: int
    finished_at: datetime | None
    error: dict[str, Any] | None
    quality: int | None
    result: str | None


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A task's request as JSON, its state, and whose consensus it is part of."""

    status: TaskStatus
    parent_id: UUID | None
    request: str


@dataclass(frozen=True, slots=True)
class StoredRoute:
    """Why a task went where it went, as JSON (None for old tasks), and at which candidate it stands."""

    candidate: int
    provider: str
    explanation: str | None


async def states(db: Database, asked: Sequence[tuple[UUID, UUID]]) -> dict[UUID, tuple[int, TaskStatus]]:
    """The last event and the status of many tasks at once, asked for as (tenant, task)."""
    rows = await db.run(STATES, ids=[task for _, task in asked], tenants=[tenant for tenant, _ in asked])
    return {row.id: (row.event_seq, TaskStatus(row.status)) for row in rows}


async def task(
    db: Database, tenant_id: UUID, task_id: UUID, include: frozenset[str] = frozenset()
) -> TaskRow | None:
    """The whole task, or None; `include` may name `result` and `request`."""
    row = await db.one(select_whole(_ONE, include), id=task_id, tenant_id=tenant_id)
    return whole(row) if row else None


async def outcome(db: Database, tenant_id: UUID, task_id: UUID) -> Outcome | None:
    """The task's result or error, or None for an unknown task."""
    row = await db.one(OUTCOME, id=task_id, tenant_id=tenant_id)
    return _of(Outcome, row) if row else None


async def stored_request(db: Database, tenant_id: UUID, task_id: UUID) -> StoredRequest | None:
    """The request a task was made from, or None for an unknown task."""
    row = await db.one(STORED_REQUEST, id=task_id, tenant_id=tenant_id)
    return _of(StoredRequest, row) if row else None


async def stored_route(db: Database, tenant_id: UUID, task_id: UUID) -> StoredRoute | None:
    """The explained route of a task, or None for an unknown task."""
    row = await db.one(STORED_ROUTE, id=task_id, tenant_id=tenant_id)
    return StoredRoute(row.candidate, row.provider, row.explanation) if row else None


@cache
def select_whole(picked: str, include: frozenset[str]) -> Statement:
    """The query of `TaskRow`s over the tasks that `picked` selects, newest first.

    An open call counts at its hold, as an estimate.
    """
    more = "".join(f", {_MORE[name]}" for name in sorted(include))
    return text(f"WITH picked AS MATERIALIZED ({picked}) {_WHOLE.format(more=more)} ORDER BY t.id DESC")


def hot(row: Row) -> State:
    """A row of `HOT` columns as a value."""
    return _of(State, row)


def whole(row: Row) -> TaskRow:
    """A row of `select_whole` as a value."""
    return _of(TaskRow, row)


def fresh(
    row: Row,
    candidate: Candidate,
    metadata: dict[str, str],
    simulated: bool,
    consensus: int | None = None,
) -> TaskRow:
    """A task that was stored this instant, from its own row: nothing was called yet."""
    known = {name: value for name, value in row._asdict().items() if name in TaskRow.__dataclass_fields__}
    known |= dict.fromkeys(_SUMS, 0)
    known |= {
        "status": TaskStatus(row.status),
        "next_attempt_at": None if row.ready else row.run_at,
        "quality": None,
        "served_tokens": 0,
        "consensus": consensus,
        "metadata": metadata,
        "candidate": candidate.model_dump(mode="json"),
        "simulated": simulated,
        "estimated": False,
    }
    return TaskRow(**known)


def _of(kind: type[V], row: Row) -> V:
    fields = row._asdict()
    return kind(**{**fields, "status": TaskStatus(fields["status"])})
