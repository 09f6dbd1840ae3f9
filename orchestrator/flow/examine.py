"""Examine: do one check of a provider: claim it, open the credential, have it tried, keep what was found.

A credential that was given for the check alone is shredded, however the check ended.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID, uuid4

from orchestrator import telemetry
from orchestrator.limits.credentials import opened, opened_for_check, shred
from orchestrator.store import checks, chores
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.configured import CredentialVerdict, Probe
from schemas.errors import CredentialMissing
from schemas.providers import Provider

LEASE_SECONDS: Final = 60.0
Try = Callable[[Provider, str | None], Awaitable[Probe]]


async def examine(parts: Parts, chore_id: UUID, attempt: Try) -> bool:
    """Do one check; False if it was not ours to do. Raises `StoreUnavailable`."""
    claimed = await parts.db.one(
        chores.CLAIM, id=chore_id, kind=checks.KIND, token=uuid4(), lease=LEASE_SECONDS
    )
    if claimed is None:
        return False
    row = await parts.db.one(checks.TARGET, id=claimed.subject_id)
    message = "nobody was there to do it in time"
    if row is not None and row.age <= checks.LONGEST:
        found = await _found(parts, row, attempt)
        await parts.db.run(checks.END, id=row.id, result=found.model_dump_json())
        message = found.message
        telemetry.tell("provider.checked", check_id=row.id, ok=found.ok, credential=found.credential)
    if row is not None and row.credential_id is not None:
        await shred(parts, row.credential_id)
    await parts.db.run(
        chores.END, id=claimed.id, token=claimed.lease_token, status="done", message=message[:500], delay=0.0
    )
    return True


async def _found(parts: Parts, row: Row, attempt: Try) -> Probe:
    target = Provider.model_validate(row.target)
    try:
        if row.credential_id is not None:
            credential: str | None = await opened_for_check(
                parts, row.tenant_id, row.credential_id, target.base_url
            )
        else:
            credential = await opened(parts, row.tenant_id, target)
    except CredentialMissing as error:
        return Probe(
            ok=False,
            reachable=False,
            credential=CredentialVerdict.MISSING,
            latency_ms=None,
            http_status=None,
            models=[],
            model_listed=None,
            message=error.detail,
        )
    found = await attempt(target, credential)
    if row.provider_id is not None and found.models:
        await parts.db.run(
            checks.KEEP_MODELS, id=row.provider_id, base_url=target.base_url, models=found.models
        )
    return found
