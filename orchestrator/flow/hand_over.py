"""Hand over: a claimed task begins to wait for a job of its provider; the job's row takes over its lease.

The intent of the job's call was committed before. Nothing has been sent yet: whoever takes the job up
first sends it, and the task holds no worker, lease or connection until the job has ended.
"""

from dataclasses import dataclass
from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow.claim import Lease
from orchestrator.flow.intend import LeaseLost
from orchestrator.store import jobs, tasks
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.moves import Happening


@dataclass(frozen=True, slots=True)
class Errand:
    """What a job is to be made of: its call (also its correlation id), its prompt, how long it may take."""

    call_id: UUID
    prompt: str
    seconds: float


async def hand_over(parts: Parts, lease: Lease, errand: Errand) -> None:
    """Commit the job; done twice it is done once. Raises `LeaseLost` if the fence does not hold."""
    data = {"call_id": str(errand.call_id), "provider": lease.provider.name}
    happening = Happening(EventName.HANDED_OVER, data)
    params = {
        "id": errand.call_id,
        "task_id": lease.task_id,
        "attempt": lease.attempt,
        "token": lease.token,
        "prompt": errand.prompt,
        "seconds": errand.seconds,
        **tasks.event_arrays([happening]),
    }
    if not await parts.db.run(jobs.HAND_OVER, **params):
        if not await parts.db.run(jobs.HANDED_OVER, id=errand.call_id):
            raise LeaseLost
        return
    telemetry.emit(lease.task_id, (happening,))
