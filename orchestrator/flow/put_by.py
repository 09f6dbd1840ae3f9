"""Put by: keep how far a job has come, and give its lease back until it is looked at again."""

from orchestrator.flow.take_up import Job, JobStatus
from orchestrator.store import jobs
from orchestrator.wiring import Parts


async def put_by(
    parts: Parts,
    job: Job,
    status: JobStatus,
    *,
    delay: float | None,
    remote_id: str | None = None,
    sending: bool = False,
    message: str | None = None,
) -> bool:
    """False if the job is no longer ours. `delay` in seconds; None keeps the lease.

    With `sending` it is committed that the job is about to be sent, before its first byte leaves.
    """
    rows = await parts.db.run(
        jobs.KEEP,
        id=job.id,
        token=job.token,
        status=status,
        delay=delay,
        remote_id=remote_id,
        sending=sending,
        message=message[:500].replace("\0", "\ufffd") if message else None,
    )
    return bool(rows)
