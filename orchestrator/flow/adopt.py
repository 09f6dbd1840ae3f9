"""Adopt: a worker that lost its lease goes on with the answer it paid for, or that answer is superseded.

Decided under the task's lock. Adopted where nobody has made a newer call: the task is queued, or its
new holder has sent nothing yet. The late worker then holds a new lease and goes on at verification.
"""

from uuid import UUID, uuid4

from orchestrator import clock, telemetry
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.store import late, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.wiring import Parts
from schemas.calls import Purpose
from schemas.errors import Category
from schemas.events import EventName
from schemas.moves import Happening


async def adopt(parts: Parts, boot_id: UUID, lost: Lease) -> Lease | None:
    """A new lease with the answer that was paid under `lost`; None where there is none to go on with."""
    token, claimed_at = uuid4(), clock.monotonic()
    async with parts.db.transaction() as connection:
        await connection.execute(late.LOCK, {"id": lost.task_id})
        ours = {"id": lost.task_id, "attempt": lost.attempt}
        answer = (await connection.execute(late.LATE_ANSWER, ours)).one_or_none()
        if answer is None:
            return None
        data = {"attempt": lost.attempt, "call_id": str(answer.id)}
        happening = Happening(EventName.ADOPTED, data)
        row = await _adopted(parts, connection, boot_id, token, ours, happening)
        if row is None:
            happening = Happening(EventName.SUPERSEDED, data)
            marked = {"id": lost.task_id, "call_id": answer.id, **tasks.event_arrays([happening])}
            await connection.execute(late.SUPERSEDE, marked)
    telemetry.emit(lost.task_id, (happening,))
    cut = answer.category == Category.OUTPUT_LIMIT
    paid = PaidAnswer(answer.id, Purpose(answer.purpose), answer.answer, answer.served_model, cut)
    return Lease.of(row, token, claimed_at, paid) if row is not None else None


async def _adopted(
    parts: Parts,
    connection: Connection,
    boot_id: UUID,
    token: UUID,
    ours: dict[str, object],
    happening: Happening,
) -> Row | None:
    params = {
        **ours,
        "token": token,
        "lease": parts.config.lease_seconds,
        "boot_id": boot_id,
        **tasks.event_arrays([happening]),
    }
    return (await connection.execute(late.ADOPT, params)).one_or_none()
