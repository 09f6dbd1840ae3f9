"""Intend: commit that a call is about to be made, with its hold, before its first byte leaves."""

from dataclasses import dataclass
from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow.claim import Lease
from orchestrator.limits.budgets import Refusal, hold
from orchestrator.store import calls, tasks
from orchestrator.store.engine import Duplicate
from orchestrator.wiring import Parts
from schemas.calls import Purpose
from schemas.events import EventName
from schemas.moves import Happening


@dataclass(frozen=True, slots=True)
class Refused:
    """A hard budget would be overrun; nothing was written."""

    refusal: Refusal


class _RolledBack(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class LeaseLost(Exception):
    """The task is no longer ours: cancelled, ended, or taken back from us."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be made; `timeout` in seconds bounds the whole of it.

    `entry` is the name that its answer has in the cache of answers, if it may ever be kept there."""

    call_id: UUID
    purpose: Purpose
    hold_nanos: int
    timeout: float
    entry: str | None = None


async def intend(
    parts: Parts,
    boot_id: UUID,
    lease: Lease,
    purpose: Purpose,
    *,
    call_id: UUID,
    hold_nanos: int,
    timeout: float,
    rejected_call: UUID | None = None,
    entry: str | None = None,
) -> Intent | Refused:
    """The committed intent of a call with its holds, or why a budget refused it, with nothing written.

    Raises `LeaseLost` if the fence does not hold.

    `rejected_call` is the call whose answer this one shall repair. An intent that is already there
    under this `call_id` was committed by an earlier try whose answer got lost.
    """
    intent = Intent(call_id, purpose, hold_nanos, timeout, entry)
    happenings = _happenings(lease, intent)
    try:
        params = _params(boot_id, lease, intent, rejected_call, happenings)
        if not await parts.db.run(calls.INTEND_UNBUDGETED, **params):
            await _with_holds(parts, lease, params)
    except Duplicate:
        if not await parts.db.run(
            calls.STILL_INTENDED,
            id=call_id,
            task_id=lease.task_id,
            attempt=lease.attempt,
            token=lease.token,
        ):
            raise LeaseLost from None
        return intent
    except _RolledBack as back:
        return Refused(back.refusal)
    telemetry.emit(lease.task_id, happenings)
    return intent


async def _with_holds(parts: Parts, lease: Lease, params: dict[str, object]) -> None:
    payer = lease.payer
    async with parts.db.transaction() as connection:
        row = (await connection.execute(calls.INTEND, params)).one_or_none()
        if row is None:
            raise LeaseLost
        nanos = int(str(params["hold_nanos"]))
        refusal = await hold(connection, payer, row.id, nanos, row.started_at)
        if refusal is not None:
            raise _RolledBack(refusal)


def _params(
    boot_id: UUID,
    lease: Lease,
    intent: Intent,
    rejected_call: UUID | None,
    happenings: tuple[Happening, ...],
) -> dict[str, object]:
    return {
        "id": intent.call_id,
        "task_id": lease.task_id,
        "attempt": lease.attempt,
        "token": lease.token,
        "purpose": intent.purpose,
        "provider_id": lease.provider.id,
        "provider": lease.provider.name,
        "vendor": lease.provider.vendor,
        "model": lease.candidate.model,
        "hold_nanos": intent.hold_nanos,
        "boot_id": boot_id,
        "timeout": intent.timeout,
        "rejected_call": rejected_call,
        "entry": intent.entry,
        **tasks.event_arrays(happenings),
    }


def _happenings(lease: Lease, intent: Intent) -> tuple[Happening, ...]:
    data = {
        "call_id": str(intent.call_id),
        "provider": lease.provider.name,
        "model": lease.candidate.model,
        "purpose": str(intent.purpose),
    }
    started = Happening(EventName.CALL_STARTED, data)
    if intent.purpose is Purpose.REPAIR:
        return (Happening(EventName.REPAIRING), started)
    return (started,)
