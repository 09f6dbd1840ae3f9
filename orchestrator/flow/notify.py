"""Notify: claim one chore, have its webhook sent, record how it went.

The delivery was written with the move that ended the task, in the same statement.

A delivery that fails is tried again with doubling waits; a crash in between means the receiver may
see it twice, under the same webhook id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from orchestrator import telemetry
from orchestrator.store import chores as table
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts

LEASE_SECONDS = 60.0
_BACKOFF_BASE = 5.0
_BACKOFF_CAP = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook to be sent: what happened to which task, and where to tell it."""

    id: UUID
    task_id: UUID
    event: str
    kind: str
    status: str
    error: dict[str, Any] | None
    finished_at: datetime
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Sent:
    """How sending went; `final` where trying again makes no sense."""

    ok: bool
    http_status: int | None
    message: str
    final: bool = False


async def notify(parts: Parts, chore_id: UUID, send: Callable[[Delivery], Awaitable[Sent]]) -> bool:
    """Do one chore; False if it was not ours to do. Raises `StoreUnavailable`."""
    claimed = await parts.db.one(
        table.CLAIM, id=chore_id, kind=table.DELIVERY_KIND, token=uuid4(), lease=LEASE_SECONDS
    )
    if claimed is None:
        return False
    row = await parts.db.one(table.DELIVERY, id=claimed.subject_id)
    sent = await send(_delivery(row)) if row else Sent(False, None, "the delivery is gone", final=True)
    await _record(parts, claimed, sent)
    return True


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row.id,
        task_id=row.task_id,
        event=row.event,
        kind=row.kind,
        status=row.status,
        error=row.error,
        finished_at=row.finished_at,
        url=row.url,
        secret=row.secret,
    )


async def _record(parts: Parts, chore: Row, sent: Sent) -> None:
    last = sent.final or chore.attempt >= chore.max_attempts
    status = "done" if sent.ok else "failed" if last else "queued"
    delay = min(_BACKOFF_CAP, _BACKOFF_BASE * 3.0 ** (chore.attempt - 1))
    if sent.ok or last:
        outcome = "delivered" if sent.ok else "failed"
        await parts.db.run(
            table.END_DELIVERY, id=chore.subject_id, status=outcome, http_status=sent.http_status
        )
    await parts.db.run(
        table.END,
        id=chore.id,
        token=chore.lease_token,
        status=status,
        message=sent.message[:500],
        delay=delay,
    )
    telemetry.tell(
        "webhook.sent" if sent.ok else "webhook.failed", delivery_id=chore.subject_id, status=status
    )
