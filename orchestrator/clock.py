"""The only source of time on our side of the database.

Leases, fences and windows never use it: they use the database's clock. What is here serves
durations inside one process and stamps for people.
"""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow; for durations and deadlines inside this process."""
    return time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait on the loop."""
    await asyncio.sleep(seconds)


def pause(seconds: float) -> None:
    """Wait in a thread that has no loop."""
    time.sleep(seconds)


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time they were made, which is what the partitions are cut by."""
    return uuid7()
