"""Wake: tasks whose time or budget has come stand in their lanes again; lost nudges are forgotten."""

from orchestrator import clock, telemetry
from orchestrator.limits.budgets import affordable, let_go
from orchestrator.store import lanes, tasks
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.moves import Happening

MOST = 1_000
MOST_WAITERS = 100
MOST_GHOSTS = 100_000
"""More than any window holds, so that a wiped broker is made up for in one step."""


async def wake(parts: Parts, *, ghosts_older_than: float) -> set[str]:
    """Wake what is due and forget nudges older than that (seconds); the lanes as hint words."""
    await let_go(parts.db, await affordable(parts.db, clock.now(), MOST_WAITERS))
    due = await parts.db.run(tasks.WAKE, most=MOST)
    for row in due:
        telemetry.emit(row.id, (Happening(EventName.QUEUED),))
    await parts.db.run(lanes.FORGET_GHOSTS, age=ghosts_older_than, most=MOST_GHOSTS)
    return {f"{row.queue} {row.provider_id} {row.tenant_id}" for row in due}
