"""Wake: tasks whose time or budget has come stand in their lanes again; lost nudges are forgotten."""

from orchestrator import telemetry
from orchestrator.limits.budgets import affordable, let_go
from orchestrator.store import lanes, tasks
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.moves import Happening

MOST = 1_000
MOST_WAITERS = 100
MOST_GHOSTS = 100_000
"""More than any window holds, so that a wiped broker is made up for in one step."""


async def wake(parts: Parts, *, ghosts_older_than: float) -> set[str]:
    """Wake what is due and forget nudges older than that (seconds); the lanes as hint words."""
    await let_go(parts.db, await affordable(parts.db, MOST_WAITERS))
    due = await parts.db.run(tasks.WAKE, most=MOST)
    for row in due:
        telemetry.emit(row.id, (Happening(EventName.QUEUED),))
    await _forget_ghosts(parts, ghosts_older_than)
    return {f"{row.queue} {row.provider_id} {row.tenant_id}" for row in due}


async def _forget_ghosts(parts: Parts, age: float) -> None:
    """Forget old nudges of queues that hold fewer messages than were nudged: some of them got lost.

    Where all of them still wait behind busy slots, repeating them would only make the queue longer.
    """
    nudged = {row.queue: row.nudged for row in await parts.db.run(lanes.NUDGED, age=age) if row.old}
    if not nudged:
        return
    try:
        waiting = await parts.volatile.lengths(nudged)
    except Unreachable:
        return
    lost = [queue for queue, count in nudged.items() if waiting[queue] < count]
    await parts.db.run(lanes.FORGET_GHOSTS, age=age, queues=lost, most=MOST_GHOSTS)
