"""Visit: one look at a job from a Celery thread: send it, find it, look, fetch its answer, or cancel it.

Between two visits nothing is held. That a job is about to be sent is committed before its first byte
leaves; one whose sending went unheard is looked up by its correlation id before it is sent again.
"""

from contextlib import suppress
from random import random
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from orchestrator import failpoints, telemetry
from orchestrator.catalogue.credits import FLAT, NOTHING_SENT, cost_of
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.conclude import conclude
from orchestrator.flow.intend import Intent
from orchestrator.flow.put_by import put_by
from orchestrator.flow.take_up import LEASE_SECONDS, Job, JobStatus, take_up
from orchestrator.limits.breakers import Circuit, CircuitOpen, Health, health_of
from orchestrator.limits.credentials import opened
from orchestrator.limits.gates import close_after
from schemas.calls import CallStatus, Cost
from schemas.copilot import CopilotOptions, JobWay
from schemas.errors import FOLLOWS, Category, CredentialMissing, Failure, Follow, StoreUnavailable
from schemas.providers import Provider
from workers.call import until_stored
from workers.process import Process
from workers.providers.copilot import GitHub, Run
from workers.remote import Answer, Remote, Trouble

CLAIM_PATIENCE: Final = 3.0
RESEND_AFTER: Final = 120.0
"""A job whose sending went unheard, and which nobody can find this long after, was not taken; seconds."""
APPEARS_WITHIN: Final = 600.0
"""The run of an event that GitHub took is found within this, or there is none; seconds."""
MOST_SENDS: Final = 3
STOP_PATIENCE: Final = 600.0
"""How long it is tried to cancel a job that is wanted no more; seconds."""
_FIRST_PAUSE: Final = 4.0
_LONGEST_PAUSE: Final = 60.0
_SOON: Final = 2.0


class Later(NamedTuple):
    """The job goes on: look again in `delay` seconds."""

    status: JobStatus
    delay: float
    remote_id: str | None = None
    message: str | None = None


class Over(NamedTuple):
    """The job has ended. `cost` None: unknown, charged at its hold."""

    answer: Answer | None
    failure: Failure | None
    cost: Cost | None


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
    if over.failure is not None:
        _close_gate(process, provider, over.failure)


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
        return Over(None, _stopped(job.stop), NOTHING_SENT)
    if job.canceling_for > STOP_PATIENCE:
        return Over(None, _stopped(job.stop or Category.TOTAL_TIMEOUT), _cost(job, None))
    provider, options = job.provider, job.provider.options.copilot
    if job.removed or options is None:
        message = f"The provider {provider.name!r} of this job was removed, or its options.copilot were."
        return Over(None, Failure(category=Category.PROVIDER_REMOVED, message=message), _cost(job, None))
    try:
        credential = process.wait(until_stored(lambda: opened(process.parts, job.tenant_id, provider)))
    except CredentialMissing as error:
        failure = Failure(category=Category.UNAUTHORIZED, message=error.detail)
        return Over(None, failure, _cost(job, None))
    remote = Remote(process, provider, GitHub(options, credential), options.way)
    return _guarded(process, job, options, remote, provider)


def _guarded(
    process: Process, job: Job, options: CopilotOptions, remote: Remote, provider: Provider
) -> Later | Over:
    circuit = Circuit(provider.id, provider.base_url, job.model)
    try:
        with process.breakers.guard(circuit, LEASE_SECONDS) as verdict:
            try:
                found = _step(process, job, options, remote)
            except Trouble as trouble:
                found = _after_trouble(process, job, provider, trouble.failure)
            if remote.trouble is not None:
                verdict.health = health_of(remote.trouble.category)
            elif remote.heard:
                verdict.health = Health.SUCCESS
    except CircuitOpen as open_:
        return Later(_kept(job), max(_SOON, open_.retry_in), message="The provider's circuit is open.")
    return found


def _step(process: Process, job: Job, options: CopilotOptions, remote: Remote) -> Later | Over:
    if job.stop is not None:
        return _stop(job, job.stop, options, remote)
    if job.remote_id is not None:
        return _ask(job, job.remote_id, remote)
    if job.status is JobStatus.NEW:
        return _send(process, job, remote)
    found = remote.find(job.id)
    if found is not None:
        return Later(JobStatus.RUNNING, _SOON, found)
    if job.status is JobStatus.SENT and job.sent_for < APPEARS_WITHIN:
        return Later(JobStatus.SENT, _pause(job), message="Its run has not appeared yet.")
    if job.status is JobStatus.SENT:
        return Over(None, _NEVER_APPEARED, _cost(job, None))
    if job.sent_for < RESEND_AFTER:
        return Later(JobStatus.SENDING, _pause(job), message="Whether it was sent is not known yet.")
    if job.sends < MOST_SENDS:
        return _send(process, job, remote)
    message = f"GitHub did not take the job, {job.sends} times over."
    return Over(None, Failure(category=Category.SERVER_ERROR, message=message), _cost(job, None))


_NEVER_APPEARED: Final = Failure(
    category=Category.JOB_WITHOUT_ANSWER,
    code="run_not_found",
    message="GitHub took the event and no run showed its correlation id: put the workflow of docs/copilot.md "
    "on the repository's default branch, with its run-name, and name it in options.copilot.workflow.",
)


def _send(process: Process, job: Job, remote: Remote) -> Later | Over:
    """Commit that it is about to be sent, then send it; what can't be known is left as `sending`."""
    ours = process.wait(
        until_stored(lambda: put_by(process.parts, job, JobStatus.SENDING, delay=None, sending=True))
    )
    if not ours:
        return Later(job.status, _SOON)
    failpoints.reach("job.sending")
    try:
        remote_id = remote.start(job)
    except Trouble as trouble:
        return _not_taken(process, job, trouble.failure)
    failpoints.reach("job.sent")
    return Later(JobStatus.RUNNING if remote_id else JobStatus.SENT, _FIRST_PAUSE, remote_id)


def _not_taken(process: Process, job: Job, failure: Failure) -> Later | Over:
    """A refusal, or a connection that never was, started nothing; anything else may have."""
    before = JobStatus.NEW if job.status is JobStatus.NEW else JobStatus.SENDING
    if failure.category is Category.RATE_LIMITED:
        _close_gate(process, job.provider, failure)
        return Later(before, max(_SOON, failure.retry_after or 0.0), message=failure.message)
    if failure.category is Category.CONNECT_ERROR and failure.code:
        raise Trouble(failure)
    if FOLLOWS[failure.category] is Follow.RETRY:
        return Later(JobStatus.SENDING, _FIRST_PAUSE, message=failure.message)
    return Over(None, failure, NOTHING_SENT if before is JobStatus.NEW else _cost(job, None))


def _ask(job: Job, remote_id: str, remote: Remote) -> Later | Over:
    run = remote.look(remote_id)
    match run.result:
        case None:
            return Later(JobStatus.RUNNING, _pause(job))
        case "success":
            return _answered(job, run, remote)
        case "failed":
            failure = Failure(
                category=Category.SERVER_ERROR, message=f"Its run {remote_id} failed at GitHub."
            )
        case "timed_out":
            message = f"Its run {remote_id} took longer than GitHub lets it."
            failure = Failure(category=Category.TOTAL_TIMEOUT, message=message)
        case other:
            message = f"Its run {remote_id} ended at GitHub without an answer: {other[:100]}."
            failure = Failure(category=Category.JOB_WITHOUT_ANSWER, message=message)
    return Over(None, failure, _cost(job, run.nano_credits, told=run.told_usage))


def _answered(job: Job, run: Run, remote: Remote) -> Later | Over:
    """A run that brought nothing usable costs what it cost all the same."""
    try:
        answer = remote.answer(job.id, run)
    except Trouble as trouble:
        if trouble.failure.category is not Category.JOB_WITHOUT_ANSWER:
            raise
        return Over(None, trouble.failure, _cost(job, run.nano_credits, told=run.told_usage))
    return Over(answer, None, _cost(job, answer.nano_credits, told=answer.told_usage))


def _stop(job: Job, why: Category, options: CopilotOptions, remote: Remote) -> Later | Over:
    """Cancel what runs. Agent tasks can't be cancelled by the API: they are let go."""
    if options.way is JobWay.AGENT_TASK:
        return Over(None, _stopped(why), _cost(job, None))
    remote_id = job.remote_id or remote.find(job.id)
    if remote_id is None:
        if job.sent_for < RESEND_AFTER:
            return Later(JobStatus.CANCELING, _SOON, message="Its run has not appeared yet.")
        return Over(None, _stopped(why), _cost(job, None))
    remote.cancel(remote_id)
    return Over(None, _stopped(why), _cost(job, None))


def _after_trouble(process: Process, job: Job, provider: Provider, failure: Failure) -> Later | Over:
    follow = FOLLOWS[failure.category]
    if follow is Follow.WAIT:
        _close_gate(process, provider, failure)
        return Later(_kept(job), max(_SOON, failure.retry_after or 0.0), message=failure.message)
    if follow is Follow.RETRY or job.stop is not None:
        if job.status is JobStatus.NEW and job.polls > MOST_SENDS:
            return Over(None, failure, NOTHING_SENT)
        return Later(_kept(job), _pause(job), message=failure.message)
    return Over(None, failure, _cost(job, None))


def _kept(job: Job) -> JobStatus:
    return JobStatus.CANCELING if job.stop is not None else job.status


def _pause(job: Job) -> float:
    """Growing with the visits, at most a minute, with jitter; seconds."""
    full = min(_LONGEST_PAUSE, _FIRST_PAUSE * 1.3 ** min(job.polls, 20))
    return full * (0.75 + random() / 4)


def _cost(job: Job, nano_credits: int | None, *, told: bool = False) -> Cost | None:
    """What the vendor reports; else a plan's known 0, if that is how it is billed; else unknown."""
    if nano_credits is not None:
        return cost_of(nano_credits)
    options = job.provider.options.copilot
    return FLAT if options is not None and not options.by_credits and not told else None


def _stopped(why: Category) -> Failure:
    return Failure(category=why, message=_WHY[why])


_WHY: Final = {
    Category.CANCELED: "The task was cancelled.",
    Category.DEADLINE: "The task's deadline passed.",
    Category.TOTAL_TIMEOUT: "The job took longer than it may: see options.copilot.timeout_minutes.",
}


def _close_gate(process: Process, provider: Provider, failure: Failure) -> None:
    """Let the others know at once; where the store is away, the next visit will tell again."""
    with suppress(StoreUnavailable):
        closed = process.wait(close_after(process.parts.db, provider.id, failure, provider.credential))
        if closed is not None:
            telemetry.warn("gate.closed", provider=provider.name, gate=closed.kind, reason=closed.reason)
