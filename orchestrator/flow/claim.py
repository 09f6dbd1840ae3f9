"""Claim: take a queued task under a new lease. Zero rows is the normal answer to a stale nudge."""

from dataclasses import dataclass, replace
from typing import Final, Self
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from orchestrator import clock, telemetry
from orchestrator.limits.budgets import Payer
from orchestrator.limits.gates import CHECK_FAILED
from orchestrator.store import providers, tasks
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.calls import Kept, Purpose, Question, Served
from schemas.errors import Category, Failure
from schemas.events import EventName
from schemas.moves import Happening, Standing
from schemas.providers import Candidate, Provider
from schemas.tasks import TASK_REQUEST, TaskRequest


@dataclass(frozen=True, slots=True)
class PaidAnswer:
    """A booked answer that led to no result yet; `cut`: it ended at the limit of output tokens.

    `hidden` tells what was hidden from who gave it. `kept`: as a call of this attempt brought it, to be kept
    as `entry`, and found by what is like `question`. `served`: it is an earlier task's, without a call.
    """

    call_id: UUID | None
    purpose: Purpose
    text: str
    model: str | None = None
    cut: bool = False
    hidden: str = ""
    kept: Kept | None = None
    served: Served | None = None
    entry: str | None = None
    question: Question | None = None


_PAID: Final = TypeAdapter(tuple[PaidAnswer, ...])


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed task: everything a worker needs to run it. `claimed_at` is of the process's own clock.

    `answers`: what was paid for and not given up, from a first answer on, each later one mending those before
    it. `closed`: the account's gate, as the failure it stands for. `is_retry`: a call of the task failed here
    before. `circuit_noted`: others believe that the circuit is not closed. `judgement`: a verifier's paid
    word on the last of the answers. `parent_id`: the consensus it is part of.
    """

    task_id: UUID
    tenant_id: UUID
    attempt: int
    token: UUID
    request: TaskRequest
    standing: Standing
    provider: Provider
    answers: tuple[PaidAnswer, ...]
    claimed_at: float
    api_key_id: str | None
    closed: Failure | None
    is_retry: bool
    circuit_noted: bool
    judgement: PaidAnswer | None = None
    parent_id: UUID | None = None

    @classmethod
    def of(cls, row: Row, token: UUID, claimed_at: float, paid: PaidAnswer | None = None) -> Self:
        """From what the store tells of a task that was just leased under `token`."""
        return cls(
            task_id=row.id,
            tenant_id=row.tenant_id,
            attempt=row.attempt,
            token=token,
            request=TASK_REQUEST.validate_json(row.request),
            standing=tasks.standing_of(row),
            provider=providers.provider_of(row),
            answers=_answers(row, paid),
            claimed_at=claimed_at,
            api_key_id=row.api_key_id,
            closed=_closed(row),
            is_retry=row.is_retry,
            circuit_noted=row.circuit_noted,
            judgement=_judgement(row),
            parent_id=row.parent_id,
        )

    @property
    def paid(self) -> PaidAnswer | None:
        """The last answer that was paid for."""
        return self.answers[-1] if self.answers else None

    @property
    def payer(self) -> Payer:
        """Whose budgets its calls count against."""
        asked = self.request
        return Payer(self.tenant_id, asked.user_id, self.api_key_id, asked.session_id, self.provider.name)

    def asking(self, request: TaskRequest) -> Self:
        """The same lease, with another request in its place."""
        return replace(self, request=request)

    @property
    def seconds_left(self) -> float:
        """Until the task's deadline, by this process's own clock."""
        return self.standing.seconds_left - (clock.monotonic() - self.claimed_at)

    @property
    def candidate(self) -> Candidate:
        """The candidate this attempt is for."""
        return self.standing.candidates[self.standing.counters.candidate]


async def claim(
    parts: Parts, boot_id: UUID, queues: tuple[str, ...], task_id: UUID, token: UUID | None = None
) -> Lease | None:
    """The lease on a task, or None: somebody else's, not due, cancelled, ended or unknown.

    A claim repeated with the same `token` finds the lease that an earlier try got without hearing of it.
    """
    told = token is not None
    token = token or uuid4()
    claimed_at = clock.monotonic()
    params = {
        "id": task_id,
        "token": token,
        "lease": parts.config.lease_seconds,
        "boot_id": boot_id,
        "queues": list(queues),
    }
    rows = await tasks.rows_of(parts.db, tasks.CLAIM, params)
    if not rows and told:
        rows = await tasks.rows_of(parts.db, tasks.CLAIMED, {"id": task_id, "token": token})
    if not rows:
        return None
    lease = Lease.of(rows[0], token, claimed_at)
    started = Happening(EventName.STARTED, {"attempt": lease.attempt, "provider": lease.provider.name})
    telemetry.emit(task_id, (started,))
    return lease


def _closed(row: Row) -> Failure | None:
    """The account's gate as the failure that a call would end with; no call is made."""
    if row.gate_kind is None:
        return None
    category = _BEHIND_GATE[row.gate_reason]
    message = f"The account of provider {row.provider!r} takes nothing now: {row.gate_reason}."
    return Failure(category=category, message=message, retry_after=max(0.0, row.gate_seconds))


_BEHIND_GATE = {
    "rate_limited": Category.RATE_LIMITED,
    "quota_exhausted": Category.QUOTA_EXHAUSTED,
    "misconfigured": Category.UNAUTHORIZED,
    CHECK_FAILED: Category.CIRCUIT_OPEN,
}


def _judgement(row: Row) -> PaidAnswer | None:
    if row.judgement_call_id is None:
        return None
    return PaidAnswer(row.judgement_call_id, Purpose.VERIFIER, row.judgement_answer)


def _answers(row: Row, until: PaidAnswer | None) -> tuple[PaidAnswer, ...]:
    """The answers to go on with, up to one; a mended part without the answer that it mends is none."""
    paid = _PAID.validate_json(row.paid_answers) if row.paid_answers else ()
    last = until.call_id if until else None
    answers = [each for each in paid if last is None or (each.call_id is not None and each.call_id <= last)]
    first = max((at for at, answer in enumerate(answers) if answer.purpose is Purpose.FIRST), default=None)
    return tuple(answers[first:]) if first is not None else ()
