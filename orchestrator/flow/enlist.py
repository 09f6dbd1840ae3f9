"""Enlist: a worker process makes itself known, and buries its predecessor if that is surely dead."""

import os
from dataclasses import dataclass
from uuid import UUID

from orchestrator import __version__
from orchestrator.store import leases
from orchestrator.wiring import Parts


@dataclass(frozen=True, slots=True)
class Enlisted:
    """A worker process: a new boot id each time it starts, so that its leases die with it."""

    boot_id: UUID
    name: str
    hostname: str
    pid: int
    queues: tuple[str, ...]
    slots: int


async def enlist(parts: Parts, worker: Enlisted) -> int:
    """Register the process; how many dead predecessors of the same name were buried."""
    await parts.db.run(
        leases.REGISTER,
        boot_id=worker.boot_id,
        name=worker.name,
        hostname=worker.hostname,
        pid=worker.pid,
        queues=list(worker.queues),
        slots=worker.slots,
        version=__version__,
    )
    rows = await parts.db.run(
        leases.PREDECESSORS, name=worker.name, hostname=worker.hostname, boot_id=worker.boot_id
    )
    dead = [row.boot_id for row in rows if row.pid == worker.pid or not _alive(row.pid)]
    if dead:
        await parts.db.run(leases.BURY, boots=dead)
    return len(dead)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
