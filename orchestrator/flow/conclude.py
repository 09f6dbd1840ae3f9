"""Conclude: end a job whose call is booked, and move the task that waited for it, in one transaction.

An answer makes the task ready again: the worker that claims it finds a paid answer and verifies it like
any other. A task that was cancelled, or ended, keeps what it has become.
"""

from random import random

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.flow.take_up import Job, JobStatus
from orchestrator.store import families, jobs, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import DONE, READY
from orchestrator.wiring import Parts
from schemas.calls import AnswerVerdict
from schemas.errors import Category, Failure
from schemas.events import EventName
from schemas.moves import Fence, Happening, Move
from schemas.providers import queue_of
from schemas.tasks import TaskStatus

_STOPPED = (Category.CANCELED, Category.DEADLINE, Category.TOTAL_TIMEOUT)


class _Lost(Exception):
    pass


async def conclude(parts: Parts, job: Job, failure: Failure | None) -> bool:
    """End the job, by an answer where there is no `failure`; False if it is no longer ours."""
    moved: tuple[Move, Row] | None = None
    try:
        async with parts.db.transaction() as connection:
            whose = {"id": job.task_id, "tenant_id": job.tenant_id}
            await connection.execute(families.LOCK_PARENT_OF, whose)
            rows = await tasks.rows_of(connection, tasks.STANDING, whose)
            ended = {"id": job.id, "token": job.token, "status": _status(failure), "message": _why(failure)}
            if not await tasks.rows_of(connection, jobs.END, ended):
                raise _Lost
            if rows:
                moved = await _moved(connection, job, rows[0], failure)
    except _Lost:
        return False
    telemetry.tell("job.ended", job_id=job.id, status=_status(failure), polls=job.polls, sends=job.sends)
    if moved is not None:
        move, after = moved
        telemetry.emit(job.task_id, move.happenings)
        _hint(parts, job, rows[0], move)
        if lane := families.tell_parent(after):
            parts.volatile.hint(READY, lane)
    return True


def _status(failure: Failure | None) -> JobStatus:
    if failure is None:
        return JobStatus.ANSWERED
    return JobStatus.CANCELED if failure.category in _STOPPED else JobStatus.FAILED


def _why(failure: Failure | None) -> str | None:
    return failure.message[:500].replace("\0", "\ufffd") if failure else None


async def _moved(
    connection: Connection, job: Job, row: Row, failure: Failure | None
) -> tuple[Move, Row] | None:
    status = TaskStatus(row.status)
    waits = status in (TaskStatus.RUNNING, TaskStatus.CANCELING)
    if not waits or row.attempt != job.attempt or row.lease_token is not None:
        if failure is None:
            await _supersede(connection, job)
        return None
    standing = tasks.standing_of(row)
    dropped = status is TaskStatus.CANCELING
    if dropped:
        move = states.after_cancel(standing)
    elif failure is None:
        move = states.after_answer(standing, job.id)
    else:
        move = states.after_failure(standing, failure, random())
    done = await tasks.move(
        connection,
        Fence(job.task_id, status, job.attempt, None, parent_id=row.parent_id),
        move,
        standing.candidates,
        outcome=failure.category if failure else "answered",
        call_id=job.id if dropped else None,
        verdict=AnswerVerdict.SUPERSEDED if dropped else None,
    )
    return (move, done) if done is not None else None


async def _supersede(connection: Connection, job: Job) -> None:
    happening = Happening(EventName.SUPERSEDED, {"attempt": job.attempt, "call_id": str(job.id)})
    params = {"task_id": job.task_id, "call_id": job.id, **tasks.event_arrays([happening])}
    await connection.execute(tasks.SUPERSEDE, params)


def _hint(parts: Parts, job: Job, row: Row, move: Move) -> None:
    if move.status is not TaskStatus.QUEUED:
        parts.volatile.hint(DONE, str(job.task_id))
    elif not move.delay:
        candidate = tasks.standing_of(row).candidates[move.counters.candidate]
        parts.volatile.hint(READY, f"{queue_of(candidate.vendor)} {candidate.provider_id} {job.tenant_id}")
