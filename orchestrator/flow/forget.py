"""Forget: what was tried and what was found is not kept for long, nor what a vendor's job went through."""

from orchestrator.store import checks, jobs, similar
from orchestrator.wiring import Parts

MOST = 500


async def forget(parts: Parts) -> int:
    """Drop old checks, credentials that were left behind by one, old jobs and questions; how many checks."""
    await parts.db.run(jobs.FORGET, most=MOST)
    await parts.db.run(similar.FORGET, most=MOST)
    return len(await parts.db.run(checks.FORGET, most=MOST))
