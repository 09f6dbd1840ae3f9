"""Submit: validate, route, store. Returning means committed; the broker is not needed for it."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.flow.admit import admit
from orchestrator.flow.route import Offer, route
from orchestrator.store import tasks, views
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import READY
from orchestrator.wiring import Parts
from schemas.errors import IdempotencyKeyReused
from schemas.events import EventName
from schemas.moves import Happening
from schemas.providers import Candidate, queue_of
from schemas.tasks import PRIORITY_BONUS_SECONDS, TaskRequest, TaskStatus


@dataclass(frozen=True, slots=True)
class Submitted:
    """A stored task's id; `replayed` where an Idempotency-Key brought back an earlier one."""

    id: UUID
    replayed: bool
    row: Row[tuple[object, ...]] | None


async def submit(
    parts: Parts,
    tenant_id: UUID,
    request: TaskRequest,
    *,
    idempotency_key: str | None = None,
    retry_of: UUID | None = None,
) -> Submitted:
    """Store a task and return its id once committed.

    Raises `InvalidRequest`, `NoProvider`, `IdempotencyKeyReused`, `StoreUnavailable`; after any of
    them nothing is stored.
    """
    admit(request, clock.now())
    candidates = route(request, await _offers(parts, tenant_id))
    body = request.model_dump_json()
    params = _params(parts, tenant_id, request, candidates, body) | {"retry_of": retry_of}
    if idempotency_key is None:
        row = (await tasks.rows_of(parts.db, tasks.INSERT, params))[0]
    else:
        async with parts.db.transaction() as connection:
            earlier = await _earlier(connection, params, idempotency_key, body)
            if earlier is not None:
                return Submitted(earlier, replayed=True, row=None)
            row = (await tasks.rows_of(connection, tasks.INSERT, params))[0]
    failpoints.reach("submit.committed")
    _tell(parts, row, candidates[0])
    return Submitted(row.id, replayed=False, row=row)


async def _offers(parts: Parts, tenant_id: UUID) -> tuple[Offer, ...]:
    return tuple(
        Offer(provider, paused, position)
        for provider, paused, position in await views.providers(parts.db, tenant_id)
    )


async def _earlier(connection: Connection, params: dict[str, object], key: str, body: str) -> UUID | None:
    body_hash = hashlib.sha256(body.encode()).digest()
    given = {"tenant_id": params["tenant_id"], "key": key, "task_id": params["id"], "body_hash": body_hash}
    if await tasks.rows_of(connection, tasks.CLAIM_KEY, given):
        return None
    holder = (await tasks.rows_of(connection, tasks.HOLDER_OF_KEY, given))[0]
    if bytes(holder.body_hash) != body_hash:
        raise IdempotencyKeyReused
    return UUID(str(holder.task_id))


def _params(
    parts: Parts, tenant_id: UUID, request: TaskRequest, candidates: tuple[Candidate, ...], body: str
) -> dict[str, object]:
    return {
        "id": clock.new_id(),
        "tenant_id": tenant_id,
        "kind": request.kind,
        "priority": request.priority,
        "bonus": PRIORITY_BONUS_SECONDS[request.priority],
        "queue": queue_of(candidates[0].vendor),
        "provider_id": candidates[0].provider_id,
        "run_at": request.run_at,
        "deadline": request.deadline,
        "max_attempts": request.preferences.max_attempts,
        "max_crashes": parts.config.max_crashes,
        "labels": request.labels,
        "user_id": request.user_id,
        "session_id": request.session_id,
        "request": body,
        "candidates": tasks.as_json(candidates),
    }


def _tell(parts: Parts, row: Row[tuple[object, ...]], first: Candidate) -> None:
    scheduled = row.status == TaskStatus.SCHEDULED
    name = EventName.SCHEDULED if scheduled else EventName.QUEUED
    telemetry.emit(row.id, (Happening(name, {"kind": row.kind, "provider": first.name}),))
    if not scheduled:
        parts.volatile.hint(READY, f"{row.queue} {row.provider_id} {row.tenant_id}")
