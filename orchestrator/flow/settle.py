"""Settle: record what an attempt came to, under the fence, and what follows.

A task that was asked to cancel meanwhile ends as cancelled; one that was taken from us keeps what
its new holder makes of it, and our answer is recorded as superseded once the task has ended.
"""

from dataclasses import dataclass, replace
from random import random
from typing import Final
from uuid import UUID

from orchestrator import failpoints, telemetry
from orchestrator.catalogue.quality import quality
from orchestrator.flow import states
from orchestrator.flow.claim import Lease
from orchestrator.store import families, tasks
from orchestrator.volatile import DONE, READY
from orchestrator.wiring import Parts
from schemas.calls import AnswerVerdict, Served
from schemas.errors import Category, Failure
from schemas.events import EventName
from schemas.manners import USUAL_RETRIES
from schemas.moves import Fence, Happening, Move
from schemas.results import AnyResult
from schemas.tasks import TaskStatus

_REJECTED: Final = (Category.ANSWER_REJECTED, Category.UNVERIFIABLE)


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt came to: a verified result, mended in `repairs` rounds, or a failure.

    The result is of a call's answer, or of one that the cache `served`."""

    call_id: UUID | None
    result: AnyResult | None = None
    failure: Failure | None = None
    repairs: int = 0
    served: Served | None = None

    @property
    def verdict(self) -> AnswerVerdict | None:
        """What the call's answer was worth."""
        if self.result is not None:
            return AnswerVerdict.ACCEPTED
        rejected = self.failure is not None and self.failure.category in _REJECTED
        return AnswerVerdict.REJECTED if rejected else None


async def settle(parts: Parts, lease: Lease, ending: Ending) -> TaskStatus | None:
    """The task's new state, or None if the lease was lost."""
    decided = _decide(lease, ending)
    failpoints.reach("settle.uncommitted")
    move = await _carry_out(parts, lease, ending, decided) or await _carried_out(
        parts, lease, ending, decided
    )
    if move is None:
        await _supersede(parts, lease, ending)
        telemetry.emit(lease.task_id, (Happening(EventName.SUPERSEDED, {"attempt": lease.attempt}),))
        return None
    telemetry.emit(lease.task_id, move.happenings)
    if move.quality is not None:
        telemetry.QUALITY.labels(lease.provider.vendor, lease.request.kind).observe(move.quality)
    _hint(parts, lease, move)
    return move.status


def _decide(lease: Lease, ending: Ending) -> Move:
    standing = replace(lease.standing, seconds_left=lease.seconds_left)
    if ending.failure is not None:
        policy = lease.provider.options.retry or USUAL_RETRIES
        return states.after_failure(standing, ending.failure, random(), policy)
    found = quality(ending.result, ending.repairs) if ending.result is not None else None
    return states.after_success(standing, found, ending.served)


async def _carry_out(parts: Parts, lease: Lease, ending: Ending, decided: Move) -> Move | None:
    for status, move in (
        (TaskStatus.RUNNING, decided),
        (TaskStatus.CANCELING, states.after_cancel(lease.standing)),
    ):
        ours = move is decided and ending.result is not None
        verdict = ending.verdict if move is decided else AnswerVerdict.SUPERSEDED
        fence = Fence(
            lease.task_id, status, lease.attempt, lease.token, unexpired=True, parent_id=lease.parent_id
        )
        row = await tasks.move(
            parts.db,
            fence,
            move,
            lease.standing.candidates,
            outcome=ending.failure.category if ending.failure else None,
            result=ending.result.model_dump_json() if ours and ending.result else None,
            call_id=ending.call_id,
            verdict=verdict,
        )
        if row is not None:
            if lane := families.tell_parent(row):
                parts.volatile.hint(READY, lane)
            return move
    return None


async def _carried_out(parts: Parts, lease: Lease, ending: Ending, decided: Move) -> Move | None:
    """The move of an earlier try that was committed although its answer got lost.

    Only the holder of a lease writes such an outcome to its attempt; rescue and adoption write their own.
    """
    row = await parts.db.one(tasks.ENDED_ATTEMPT, id=lease.task_id, attempt=lease.attempt)
    canceled = states.after_cancel(lease.standing)
    category = ending.failure.category if ending.failure else None
    if row is None or row.outcome not in (category, *(() if category else (decided.status, canceled.status))):
        return None
    return canceled if row.status == TaskStatus.CANCELED else decided


async def _supersede(parts: Parts, lease: Lease, ending: Ending) -> None:
    if ending.call_id is not None:
        await tasks.supersede(parts.db, lease.task_id, ending.call_id, lease.attempt)


def _hint(parts: Parts, lease: Lease, move: Move) -> None:
    if move.status is TaskStatus.QUEUED:
        candidate = lease.standing.candidates[move.counters.candidate]
        word = f"provider.{candidate.vendor} {candidate.provider_id} {lease.tenant_id}"
        if not move.delay:
            parts.volatile.hint(READY, word)
    else:
        parts.volatile.hint(READY, "")
        parts.volatile.hint(DONE, str(lease.task_id))
