"""Chores: nudge outbound work that is due, and take back what dead workers hold."""

import asyncio

from orchestrator.broker import CHORE, Publisher
from orchestrator.store import chores as table
from orchestrator.wiring import Parts
from schemas.providers import CHORES_QUEUE

MOST = 100


async def chores(parts: Parts, publisher: Publisher) -> int:
    """Nudge what is due; how many. Raises what publishing raises."""
    await parts.db.run(table.RESCUE, most=MOST)
    due = await parts.db.run(table.NUDGE, most=MOST, age=parts.config.nudge_seconds)
    if due:
        nudges = [(str(row.id), CHORES_QUEUE) for row in due]
        await asyncio.to_thread(publisher.publish, CHORE, nudges)
    return len(due)
