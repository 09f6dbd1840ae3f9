"""Check up: ask a provider whether it is there, keep what was found, and come again after the interval.

One that failed often enough in a row, while no real call was answered either, has its gate closed until
the next check but one: its tasks go to the next provider of their route or wait, and none is lost.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import random
from typing import Final
from uuid import UUID, uuid4

from orchestrator import clock, telemetry
from orchestrator.limits.credentials import opened
from orchestrator.limits.gates import note_check
from orchestrator.store import chores, health_checks, views
from orchestrator.store.engine import Row
from orchestrator.store.partitions import lowest_id
from orchestrator.wiring import Parts
from schemas.configured import Probe
from schemas.errors import CredentialMissing
from schemas.manners import USUAL_HEALTH
from schemas.providers import Provider

LEASE_SECONDS: Final = 60.0
LONGEST_CALL: Final = timedelta(hours=2)
"""A call that has just been answered was begun no longer ago."""

Try = Callable[[Provider, str | None], Awaitable[Probe]]


async def check_up(parts: Parts, chore_id: UUID, attempt: Try) -> bool:
    """Do one check; False if it was not ours to do. Raises `StoreUnavailable`."""
    claimed = await parts.db.one(
        chores.CLAIM, id=chore_id, kind=health_checks.KIND, token=uuid4(), lease=LEASE_SECONDS
    )
    if claimed is None:
        return False
    seconds = parts.config.health_check_seconds
    row = await parts.db.one(health_checks.TARGET, id=claimed.subject_id) if seconds else None
    goes_on, message = False, "the provider is not checked any more"
    if row is not None:
        target = views.provider(row)
        policy = target.options.health or USUAL_HEALTH
        goes_on = policy.check
        if goes_on:
            message = await _checked(parts, row, target, policy.failed_checks, attempt)
    await parts.db.run(
        chores.END,
        id=claimed.id,
        token=claimed.lease_token,
        status="queued" if goes_on else "done",
        message=message[:500],
        delay=seconds * (0.9 + 0.2 * random()),
    )
    return True


async def _checked(parts: Parts, row: Row, target: Provider, tolerated: int, attempt: Try) -> str:
    seconds = parts.config.health_check_seconds
    try:
        found = await attempt(target, await opened(parts, row.tenant_id, target))
    except CredentialMissing as error:
        return error.detail
    ok = _is_there(found)
    kept = await parts.db.one(
        health_checks.FOUND,
        id=target.id,
        ok=ok,
        latency_ms=found.latency_ms,
        message=found.message[:500],
        from_id=lowest_id(clock.now() - LONGEST_CALL),
        seconds=seconds,
    )
    down = not ok and kept is not None and kept.failures >= tolerated and not kept.answers
    moved = await note_check(parts.db, row.account, down=down, ok=ok, seconds=2 * seconds + LEASE_SECONDS)
    if moved:
        telemetry.warn("provider.down" if down else "provider.up", provider=target.name)
    return found.message


def _is_there(found: Probe) -> bool:
    """Whether a working server answered, whatever it thinks of the key and the path. Pure."""
    return found.reachable and (found.http_status or 0) < 500
