"""Chores: outbound work that is no task, done by whoever serves the queue `chores`."""

from functools import partial
from uuid import UUID

from orchestrator.flow.notify import notify
from workers.deliver import deliver
from workers.process import Process


def chore(process: Process, chore_id: UUID) -> None:
    """Do one chore; a stale or doubled nudge finds nothing to do. Raises `StoreUnavailable`."""
    process.wait(notify(process.parts, chore_id, partial(deliver, process.parts)))
