"""Chores: outbound work that is no task, done by whoever serves the queue `chores`."""

from functools import partial
from uuid import UUID

from orchestrator.flow.check_up import check_up
from orchestrator.flow.examine import examine
from orchestrator.flow.notify import notify
from orchestrator.wiring import Parts
from workers.deliver import deliver
from workers.probe import probe
from workers.process import Process


def chore(process: Process, chore_id: UUID) -> None:
    """Do one chore; a stale or doubled nudge finds nothing to do. Raises `StoreUnavailable`."""
    process.wait(_done(process.parts, chore_id))


async def _done(parts: Parts, chore_id: UUID) -> bool:
    """Each step takes only what is of its kind."""
    trying = partial(probe, parts)
    delivered = await notify(parts, chore_id, partial(deliver, parts))
    return delivered or await examine(parts, chore_id, trying) or await check_up(parts, chore_id, trying)
