"""Monitor: see that each provider that is to be asked at intervals has the one chore that does so."""

from typing import Final

from orchestrator.store import health_checks
from orchestrator.wiring import Parts

MOST: Final = 100


async def monitor(parts: Parts) -> int:
    """Make the missing chores; how many. None where the installation doesn't check at intervals."""
    if not parts.config.health_check_seconds:
        return 0
    return len(await parts.db.run(health_checks.PLAN, most=MOST))
