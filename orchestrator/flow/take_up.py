"""Take up: lease a job for one look at it. None is the normal answer to a stale or doubled nudge."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from orchestrator.store import jobs, providers
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.calls import CallStatus, Purpose
from schemas.errors import Category, Failure
from schemas.providers import Provider
from schemas.tasks import TaskKind, TaskStatus

LEASE_SECONDS: Final = 300.0
"""Longer than one look at a job takes."""


class JobStatus(StrEnum):
    """`sending`: about to be sent, or sent and unheard. `sent`: taken, its run not found yet."""

    NEW = "new"
    SENDING = "sending"
    SENT = "sent"
    RUNNING = "running"
    CANCELING = "canceling"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Job:
    """A job under lease, with what became of its task and its call. Times in seconds.

    `removed`: its provider was, meanwhile. `stop`: why the job is wanted no more.
    """

    id: UUID
    token: UUID
    tenant_id: UUID
    task_id: UUID
    attempt: int
    kind: TaskKind | None
    branch: str | None
    status: JobStatus
    remote_id: str | None
    prompt: str
    sends: int
    polls: int
    age: float
    sent_for: float
    canceling_for: float
    seconds_left: float
    stop: Category | None
    provider: Provider
    removed: bool
    model: str
    purpose: Purpose
    hold_nanos: int
    call_status: CallStatus
    booked_failure: Failure | None


async def take_up(parts: Parts, job_id: UUID, token: UUID) -> Job | None:
    """The job under a new lease, if it is due and nobody else looks after it."""
    row = await parts.db.one(jobs.TAKE_UP, id=job_id, token=token, lease=LEASE_SECONDS)
    return None if row is None else _job(row, token)


def _job(row: Row, token: UUID) -> Job:
    return Job(
        id=row.id,
        token=token,
        tenant_id=row.tenant_id,
        task_id=row.task_id,
        attempt=row.attempt,
        kind=TaskKind(row.task_kind) if row.task_kind else None,
        branch=row.task_branch,
        status=JobStatus(row.status),
        remote_id=row.remote_id,
        prompt=row.prompt,
        sends=row.sends,
        polls=row.polls,
        age=row.age,
        sent_for=row.sent_for or 0.0,
        canceling_for=row.canceling_for or 0.0,
        seconds_left=row.seconds_left,
        stop=_why_stop(row),
        provider=providers.provider_of(row),
        removed=row.provider_removed,
        model=row.call_model,
        purpose=Purpose(row.purpose),
        hold_nanos=row.hold_nanos,
        call_status=CallStatus(row.call_status),
        booked_failure=_booked(row),
    )


def _why_stop(row: Row) -> Category | None:
    ours = row.task_status == TaskStatus.RUNNING and row.task_attempt == row.attempt and not row.task_token
    if not ours:
        return Category.DEADLINE if row.task_status == TaskStatus.EXPIRED else Category.CANCELED
    return Category.TOTAL_TIMEOUT if row.seconds_left <= 0 else None


def _booked(row: Row) -> Failure | None:
    if row.call_status != CallStatus.FAILED:
        return None
    category = Category(row.call_category or Category.MALFORMED)
    return Failure(category=category, message=row.call_message or "The job failed.")
