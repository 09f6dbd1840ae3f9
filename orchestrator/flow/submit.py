"""Submit: validate, route, store. Returning means committed; the broker is not needed for it."""

import hashlib
from dataclasses import dataclass
from random import random
from typing import Final
from uuid import UUID

import orjson

from orchestrator import clock, failpoints, telemetry
from orchestrator.catalogue import sizes
from orchestrator.flow.admit import admit
from orchestrator.flow.fit import Terms
from orchestrator.flow.rank import Chance
from orchestrator.flow.route import Route, route
from orchestrator.limits.budgets import Payer, exhausted
from orchestrator.store import families, tasks, views
from orchestrator.store.engine import Row
from orchestrator.volatile import READY
from orchestrator.wiring import Parts
from schemas.budgets import OnBudget
from schemas.errors import BudgetExhausted, IdempotencyKeyReused, InvalidRequest, NoProvider, StoreUnavailable
from schemas.events import EventName
from schemas.moves import Happening
from schemas.providers import Candidate, queue_of
from schemas.routing import RoutingConfig
from schemas.tasks import PRIORITY_BONUS_SECONDS, TaskRequest, TaskStatus

MOST_TENANTS: Final = 10_000
_turns: dict[UUID, int] = {}
"""What round robin and balanced accounts take turns by; each process counts its tenants' tasks for itself."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A stored task; `task` is None where an Idempotency-Key brought back an earlier one."""

    id: UUID
    task: views.TaskRow | None

    @property
    def replayed(self) -> bool:
        """Whether the task was there before."""
        return self.task is None


@dataclass(frozen=True, slots=True)
class _Key:
    """An Idempotency-Key and the hash of what was asked under it."""

    text: str | None
    body_hash: bytes


async def submit(
    parts: Parts,
    tenant_id: UUID,
    request: TaskRequest,
    *,
    idempotency_key: str | None = None,
    retry_of: UUID | None = None,
    api_key_id: str | None = None,
) -> Submitted:
    """Store a task and return it once committed.

    Raises `InvalidRequest`, `NoProvider`, `BudgetExhausted`, `IdempotencyKeyReused`,
    `StoreUnavailable`; after any of them nothing is stored. The same key and request bring the same
    task back, whatever changed since.
    """
    body = request.model_dump_json()
    key = _Key(idempotency_key, hashlib.sha256(f"{retry_of}{body}".encode()).digest())
    task_id = clock.new_id()
    try:
        config = await views.routing_config(parts.db, tenant_id)
        admit(request, clock.now(), tests=parts.config.sandboxed_tests, config=config)
        routed = await _route(parts, tenant_id, request, config, body, task_id)
        if request.preferences.on_budget is OnBudget.FAIL:
            await _refuse_exhausted(parts, tenant_id, request, routed.candidates, api_key_id)
    except (InvalidRequest, NoProvider, BudgetExhausted):
        earlier = await _earlier(parts, tenant_id, key)
        if earlier is not None:
            return earlier
        raise
    given = _params(parts, tenant_id, request, routed, body)
    given |= {
        "id": task_id,
        "api_key_id": api_key_id,
        "retry_of": retry_of,
        "key": key.text,
        "body_hash": key.body_hash,
    }
    given |= _family(request, routed.children)
    statement = families.INSERT_FAMILY if routed.children else tasks.INSERT
    rows = await tasks.rows_of(parts.db, statement, given)
    if not rows:
        return await _earlier(parts, tenant_id, key) or _gone()
    failpoints.reach("submit.committed")
    first = routed.candidates[0]
    _tell(parts, rows[0], first)
    for start in (each[0] for each in routed.children):
        parts.volatile.hint(READY, f"{queue_of(start.vendor)} {start.provider_id} {tenant_id}")
    return Submitted(rows[0].id, _fresh(rows[0], request, routed))


async def _route(
    parts: Parts, tenant_id: UUID, request: TaskRequest, config: RoutingConfig, body: str, task_id: UUID
) -> Route:
    offers = await views.offers(parts.db, tenant_id)
    chance = Chance(_next_turn(tenant_id), random())
    whole, least = sizes.of(request, body)
    running = await views.running_experiments(parts.db, tenant_id)
    terms = Terms(config, whole, clock.now(), chance, least, running, str(task_id))
    return route(request, offers, terms)


def _next_turn(tenant_id: UUID) -> int:
    turn = _turns.get(tenant_id, 0)
    if len(_turns) >= MOST_TENANTS:
        _turns.clear()
    _turns[tenant_id] = turn + 1
    return turn


async def _refuse_exhausted(
    parts: Parts,
    tenant_id: UUID,
    request: TaskRequest,
    candidates: tuple[Candidate, ...],
    api_key_id: str | None,
) -> None:
    """Raise `BudgetExhausted` if none of the candidates has anything left to spend."""
    payer = Payer(tenant_id, request.user_id, api_key_id, request.session_id, candidates[0].name)
    names = [candidate.name for candidate in candidates]
    refusal = await exhausted(parts.db, payer, names)
    if refusal is not None:
        raise BudgetExhausted(refusal.message)


async def _earlier(parts: Parts, tenant_id: UUID, key: _Key) -> Submitted | None:
    if key.text is None:
        return None
    holder = await parts.db.one(tasks.HOLDER_OF_KEY, tenant_id=tenant_id, key=key.text)
    if holder is None:
        return None
    if bytes(holder.body_hash) != key.body_hash:
        raise IdempotencyKeyReused
    return Submitted(UUID(str(holder.task_id)), None)


def _gone() -> Submitted:
    raise StoreUnavailable(
        "The task that held this Idempotency-Key was just removed. Try again.", retry_after=1
    )


def _params(
    parts: Parts, tenant_id: UUID, request: TaskRequest, routed: Route, body: str
) -> dict[str, object]:
    first = routed.candidates[0]
    return {
        "tenant_id": tenant_id,
        "kind": request.kind,
        "priority": request.priority,
        "bonus": PRIORITY_BONUS_SECONDS[request.priority],
        "queue": queue_of(first.vendor),
        "provider_id": first.provider_id,
        "run_at": request.run_at,
        "deadline": request.deadline,
        "max_attempts": request.preferences.max_attempts,
        "max_crashes": parts.config.max_crashes,
        "labels": request.labels,
        "webhook_url": request.preferences.webhook.url if request.preferences.webhook else None,
        "user_id": request.user_id,
        "session_id": request.session_id,
        "request": body,
        "candidates": tasks.as_json(routed.candidates),
        "explanation": orjson.dumps(routed.explanation).decode(),
    }


def _family(request: TaskRequest, children: tuple[tuple[Candidate, ...], ...]) -> dict[str, object]:
    """What the children of a consensus differ in, and their request; nothing for a task without."""
    if not children:
        return {}
    alone = request.preferences.model_copy(update={"consensus": None, "webhook": None})
    return {
        "child_ids": [clock.new_id() for _ in children],
        "child_queues": [queue_of(each[0].vendor) for each in children],
        "child_providers": [each[0].provider_id for each in children],
        "child_candidates": [tasks.as_json(each) for each in children],
        "child_request": request.model_copy(update={"preferences": alone}).model_dump_json(),
    }


def _fresh(row: Row, request: TaskRequest, routed: Route) -> views.TaskRow:
    first, wanted = routed.candidates[0], request.preferences.consensus
    return views.fresh(row, first, request.metadata, routed.simulated, wanted)


def _tell(parts: Parts, row: Row, first: Candidate) -> None:
    scheduled = row.status == TaskStatus.SCHEDULED
    name = EventName.SCHEDULED if scheduled else EventName.QUEUED
    telemetry.emit(row.id, (Happening(name, {"kind": row.kind, "provider": first.name}),))
    if row.ready:
        parts.volatile.hint(READY, f"{row.queue} {row.provider_id} {row.tenant_id}")
