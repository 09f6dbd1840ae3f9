"""Expose: commit that a call's answer begins to go out to its client, before its first part does.

From then on there is no retry and no failover, also where the worker dies: rescue finds the mark.
"""

from uuid import UUID

from orchestrator.flow.claim import Lease
from orchestrator.store import calls
from orchestrator.wiring import Parts


async def expose(parts: Parts, lease: Lease, call_id: UUID) -> bool:
    """Whether the answer may go out; False if the lease was lost. Raises `StoreUnavailable`."""
    ours = {"task_id": lease.task_id, "attempt": lease.attempt, "token": lease.token}
    return bool(await parts.db.run(calls.EXPOSE, id=call_id, **ours))
