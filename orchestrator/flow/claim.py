"""Claim: take a queued task under a new lease. Zero rows is the normal answer to a stale nudge."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from orchestrator import clock, telemetry
from orchestrator.store import tasks
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.calls import Purpose
from schemas.events import EventName
from schemas.moves import Happening, Standing
from schemas.providers import Candidate, Provider
from schemas.tasks import TASK_REQUEST, TaskRequest


@dataclass(frozen=True, slots=True)
class PaidAnswer:
    """An answer that was booked by an earlier attempt and led to no result yet."""

    call_id: UUID
    purpose: Purpose
    text: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed task: everything a worker needs to run it. `claimed_at` is of the process's own clock."""

    task_id: UUID
    tenant_id: UUID
    attempt: int
    token: UUID
    request: TaskRequest
    standing: Standing
    provider: Provider
    paid: PaidAnswer | None
    claimed_at: float

    @property
    def seconds_left(self) -> float:
        """Until the task's deadline, by this process's own clock."""
        return self.standing.seconds_left - (clock.monotonic() - self.claimed_at)

    @property
    def candidate(self) -> Candidate:
        """The candidate this attempt is for."""
        return self.standing.candidates[self.standing.counters.candidate]


async def claim(parts: Parts, boot_id: UUID, queues: tuple[str, ...], task_id: UUID) -> Lease | None:
    """The lease on a task, or None: somebody else's, not due, cancelled, ended or unknown."""
    token = uuid4()
    claimed_at = clock.monotonic()
    params = {
        "id": task_id,
        "token": token,
        "lease": parts.config.lease_seconds,
        "boot_id": boot_id,
        "queues": list(queues),
    }
    rows = await tasks.rows_of(parts.db, tasks.CLAIM, params)
    if not rows:
        return None
    lease = _lease(rows[0], token, claimed_at)
    started = Happening(EventName.STARTED, {"attempt": lease.attempt, "provider": lease.provider.name})
    telemetry.emit(task_id, (started,))
    return lease


def _lease(row: Row[Any], token: UUID, claimed_at: float) -> Lease:
    provider = Provider(
        id=row.provider_id,
        name=row.provider,
        vendor=row.vendor,
        wire=row.wire,
        base_url=row.base_url,
        model=row.provider_model,
        credential=row.credential,
        simulated=row.simulated,
        concurrency_limit=row.concurrency_limit,
    )
    return Lease(
        task_id=row.id,
        tenant_id=row.tenant_id,
        attempt=row.attempt,
        token=token,
        request=TASK_REQUEST.validate_json(row.request),
        standing=tasks.standing_of(row),
        provider=provider,
        paid=_paid(row),
        claimed_at=claimed_at,
    )


def _paid(row: Row[Any]) -> PaidAnswer | None:
    if row.paid_call_id is None:
        return None
    return PaidAnswer(row.paid_call_id, Purpose(row.paid_purpose), row.paid_answer)
