"""Step: what a visit does to a job next: send it, find its run, ask how it is, read its answer, cancel it.

That a job is about to be sent is committed before its first byte leaves; one whose sending went unheard is
looked up by its correlation id before it is sent again.
"""

from contextlib import suppress
from random import random
from typing import Final, NamedTuple

from orchestrator import failpoints, telemetry
from orchestrator.catalogue.credits import FLAT, NOTHING_SENT, cost_of
from orchestrator.flow.put_by import put_by
from orchestrator.flow.take_up import Job, JobStatus
from orchestrator.limits.gates import close_after
from schemas.calls import Cost
from schemas.copilot import CopilotOptions, JobWay
from schemas.errors import FOLLOWS, Category, Failure, Follow, StoreUnavailable
from schemas.providers import Provider
from workers.call import until_stored
from workers.process import Process
from workers.providers.copilot import Run
from workers.remote import Answer, Remote, Trouble

RESEND_AFTER: Final = 120.0
"""A job whose sending went unheard, and which nobody can find this long after, was not taken; seconds."""
APPEARS_WITHIN: Final = 600.0
"""The run of an event that GitHub took is found within this, or there is none; seconds."""
MOST_SENDS: Final = 3
SOON: Final = 2.0
_FIRST_PAUSE: Final = 4.0
_LONGEST_PAUSE: Final = 60.0


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


def step(process: Process, job: Job, options: CopilotOptions, remote: Remote) -> Later | Over:
    """The next thing to do for a job, done. Raises `Trouble`, `StoreUnavailable`."""
    if job.stop is not None:
        return _stop(job, job.stop, options, remote)
    if job.remote_id is not None:
        return _ask(job, job.remote_id, remote)
    if job.status is JobStatus.NEW:
        return _send(process, job, remote)
    found = remote.find(job.id)
    if found is not None:
        return Later(JobStatus.RUNNING, SOON, found)
    if job.status is JobStatus.SENT and job.sent_for < APPEARS_WITHIN:
        return Later(JobStatus.SENT, _pause(job), message="Its run has not appeared yet.")
    if job.status is JobStatus.SENT:
        return Over(None, _NEVER_APPEARED, cost(job, None))
    if job.sent_for < RESEND_AFTER:
        return Later(JobStatus.SENDING, _pause(job), message="Whether it was sent is not known yet.")
    if job.sends < MOST_SENDS:
        return _send(process, job, remote)
    message = f"GitHub did not take the job, {job.sends} times over."
    return Over(None, Failure(category=Category.SERVER_ERROR, message=message), cost(job, None))


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
        return Later(job.status, SOON)
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
        close_gate(process, job.provider, failure)
        return Later(before, max(SOON, failure.retry_after or 0.0), message=failure.message)
    if failure.category is Category.CONNECT_ERROR and failure.code:
        raise Trouble(failure)
    if FOLLOWS[failure.category] is Follow.RETRY:
        return Later(JobStatus.SENDING, _FIRST_PAUSE, message=failure.message)
    return Over(None, failure, NOTHING_SENT if before is JobStatus.NEW else cost(job, None))


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
    return Over(None, failure, cost(job, run.nano_credits, told=run.told_usage))


def _answered(job: Job, run: Run, remote: Remote) -> Later | Over:
    """A run that brought nothing usable costs what it cost all the same."""
    try:
        answer = remote.answer(job.id, run)
    except Trouble as trouble:
        if trouble.failure.category is not Category.JOB_WITHOUT_ANSWER:
            raise
        return Over(None, trouble.failure, cost(job, run.nano_credits, told=run.told_usage))
    return Over(answer, None, cost(job, answer.nano_credits, told=answer.told_usage))


def _stop(job: Job, why: Category, options: CopilotOptions, remote: Remote) -> Later | Over:
    """Cancel what runs. Agent tasks can't be cancelled by the API: they are let go."""
    if options.way is JobWay.AGENT_TASK:
        return Over(None, stopped(why), cost(job, None))
    remote_id = job.remote_id or remote.find(job.id)
    if remote_id is None:
        if job.sent_for < RESEND_AFTER:
            return Later(JobStatus.CANCELING, SOON, message="Its run has not appeared yet.")
        return Over(None, stopped(why), cost(job, None))
    remote.cancel(remote_id)
    return Over(None, stopped(why), cost(job, None))


def after_trouble(process: Process, job: Job, provider: Provider, failure: Failure) -> Later | Over:
    """What an exchange that went wrong means for a job that GitHub may have, or may get later."""
    follow = FOLLOWS[failure.category]
    if follow is Follow.WAIT:
        close_gate(process, provider, failure)
        return Later(kept(job), max(SOON, failure.retry_after or 0.0), message=failure.message)
    if follow is Follow.RETRY or job.stop is not None:
        if job.status is JobStatus.NEW and job.polls > MOST_SENDS:
            return Over(None, failure, NOTHING_SENT)
        return Later(kept(job), _pause(job), message=failure.message)
    return Over(None, failure, cost(job, None))


def kept(job: Job) -> JobStatus:
    """The state of a job that a visit has not brought further."""
    return JobStatus.CANCELING if job.stop is not None else job.status


def _pause(job: Job) -> float:
    """Growing with the visits, at most a minute, with jitter; seconds."""
    full = min(_LONGEST_PAUSE, _FIRST_PAUSE * 1.3 ** min(job.polls, 20))
    return full * (0.75 + random() / 4)


def cost(job: Job, nano_credits: int | None, *, told: bool = False) -> Cost | None:
    """What the vendor reports; else a plan's known 0, if that is how it is billed; else unknown."""
    if nano_credits is not None:
        return cost_of(nano_credits)
    options = job.provider.options.copilot
    return FLAT if options is not None and not options.by_credits and not told else None


def stopped(why: Category) -> Failure:
    """How a job ends that is wanted no more."""
    return Failure(category=why, message=_WHY[why])


_WHY: Final = {
    Category.CANCELED: "The task was cancelled.",
    Category.DEADLINE: "The task's deadline passed.",
    Category.TOTAL_TIMEOUT: "The job took longer than it may: see options.copilot.timeout_minutes.",
}


def close_gate(process: Process, provider: Provider, failure: Failure) -> None:
    """Let the others know at once; where the store is away, the next visit will tell again."""
    with suppress(StoreUnavailable):
        closed = process.wait(close_after(process.parts.db, provider.id, failure, provider.credential))
        if closed is not None:
            telemetry.warn("gate.closed", provider=provider.name, gate=closed.kind, reason=closed.reason)
