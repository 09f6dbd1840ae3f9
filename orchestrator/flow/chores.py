"""Chores: nudge outbound work and jobs that are due, and take back what dead workers hold."""

import asyncio

from orchestrator.broker import CHORE, JOB, Publisher
from orchestrator.store import chores as table
from orchestrator.store import jobs
from orchestrator.wiring import Parts
from schemas.providers import CHORES_QUEUE

MOST = 100


async def chores(parts: Parts, publisher: Publisher) -> int:
    """Nudge what is due; how many. Raises what publishing raises."""
    await parts.db.run(table.RESCUE, most=MOST)
    published = 0
    for celery_task, nudge in ((CHORE, table.NUDGE), (JOB, jobs.NUDGE)):
        due = await parts.db.run(nudge, most=MOST, age=parts.config.nudge_seconds)
        if due:
            nudges = [(str(row.id), CHORES_QUEUE) for row in due]
            await asyncio.to_thread(publisher.publish, celery_task, nudges)
        published += len(due)
    return published
