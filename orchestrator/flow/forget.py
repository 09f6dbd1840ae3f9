"""Forget: what was tried and what was found is not kept for long."""

from orchestrator.store import checks
from orchestrator.wiring import Parts

MOST = 500


async def forget(parts: Parts) -> int:
    """Drop old checks, and credentials that were left behind by one; how many checks."""
    return len(await parts.db.run(checks.FORGET, most=MOST))
