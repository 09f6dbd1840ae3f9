"""Visit: one look at a job from a Celery thread. Between two visits nothing is held.

A visit leases the job's row, takes one step under the provider's circuit, and puts the job by until it is
looked at again, or books what it came to and lets its task go on.
"""

from typing import Final
from uuid import UUID, uuid4

from orchestrator import failpoints, telemetry
from orchestrator.catalogue.credits import NOTHING_SENT
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.conclude import conclude
from orchestrator.flow.intend import Intent
from orchestrator.flow.put_by import put_by
from orchestrator.flow.take_up import LEASE_SECONDS, Job, JobStatus, take_up
from orchestrator.limits.breakers import Circuit, CircuitOpen, Health, health_of
from orchestrator.limits.credentials import opened
from schemas.calls import CallStatus
from schemas.copilot import CopilotOptions
from schemas.errors import Category, CredentialMissing, Failure
from schemas.providers import Provider
from workers.call import until_stored
from workers.process import Process
from workers.providers.copilot import GitHub
from workers.remote import Remote, Trouble
from workers.step import SOON, Later, Over, after_trouble, close_gate, cost, kept, step, stopped

CLAIM_PATIENCE: Final = 3.0
STOP_PATIENCE: Final = 600.0
"""How long it is tried to cancel a job that is wanted no more; seconds."""


def visit(process: Process, job_id: UUID) -> None:
    """Look at a job once; a stale or doubled nudge finds nothing to do. Raises `StoreUnavailable`."""
    if process.draining:
        return
    token = uuid4()
    taking = until_stored(lambda: take_up(process.parts, job_id, token), CLAIM_PATIENCE)
    job = process.wait(taking)
    if job is None:
        telemetry.DROPPED.labels("nothing_to_claim").inc()
        return
    failpoints.reach("job.taken_up")
    found = _look(process, job)
    if isinstance(found, Later):
        process.wait(
            until_stored(
                lambda: put_by(
                    process.parts,
                    job,
                    found.status,
                    delay=found.delay,
                    remote_id=found.remote_id,
                    message=found.message,
                )
            )
        )
    else:
        _end(process, job, found)


def _end(process: Process, job: Job, over: Over) -> None:
    provider = job.provider
    if job.call_status in (CallStatus.STARTED, CallStatus.UNKNOWN):
        intent = Intent(job.id, job.purpose, job.hold_nanos, 0.0)
        outcome = _outcome(job, over)
        process.wait(until_stored(lambda: book(process.parts, job.task_id, provider, intent, outcome)))
    failpoints.reach("job.booked")
    process.wait(until_stored(lambda: conclude(process.parts, job, over.failure)))
    if over.failure is not None and over.failure.http_status is not None:
        close_gate(process, provider, over.failure)


def _outcome(job: Job, over: Over) -> Outcome:
    answer = over.answer
    return Outcome(
        answer=answer.text if answer else None,
        failure=over.failure,
        usage=None,
        raw_usage={"nano_ai_credits": answer.nano_credits} if answer and answer.nano_credits else None,
        cost=over.cost,
        served_model=answer.model if answer else None,
        served_tier=None,
        http_status=over.failure.http_status if over.failure else 200,
        request_id=job.remote_id,
        first_token_after=None,
        seconds=job.age,
    )


def _look(process: Process, job: Job) -> Later | Over:
    if job.call_status is CallStatus.ANSWERED:
        return Over(None, None, None)
    if job.booked_failure is not None:
        return Over(None, job.booked_failure, None)
    if job.stop is not None and job.status is JobStatus.NEW:
        return Over(None, stopped(job.stop), NOTHING_SENT)
    if job.canceling_for > STOP_PATIENCE:
        return Over(None, stopped(job.stop or Category.TOTAL_TIMEOUT), cost(job, None))
    provider, options = job.provider, job.provider.options.copilot
    if job.removed or options is None:
        message = f"The provider {provider.name!r} of this job was removed, or its options.copilot were."
        return Over(None, Failure(category=Category.PROVIDER_REMOVED, message=message), cost(job, None))
    try:
        credential = process.wait(until_stored(lambda: opened(process.parts, job.tenant_id, provider)))
    except CredentialMissing as error:
        failure = Failure(category=Category.UNAUTHORIZED, message=error.detail)
        return Over(None, failure, cost(job, None))
    remote = Remote(process, provider, GitHub(options, credential), options.way)
    return _guarded(process, job, options, remote, provider)


def _guarded(
    process: Process, job: Job, options: CopilotOptions, remote: Remote, provider: Provider
) -> Later | Over:
    circuit = Circuit(provider.id, provider.base_url, job.model)
    try:
        with process.breakers.guard(circuit, LEASE_SECONDS, provider.options.circuit) as verdict:
            try:
                found = step(process, job, options, remote)
            except Trouble as trouble:
                found = after_trouble(process, job, provider, trouble.failure)
            if remote.trouble is not None:
                verdict.health = health_of(remote.trouble.category)
            elif remote.heard:
                verdict.health = Health.SUCCESS
    except CircuitOpen as open_:
        return Later(kept(job), max(SOON, open_.retry_in), message="The provider's circuit is open.")
    return found
