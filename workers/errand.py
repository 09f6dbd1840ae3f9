"""Errand: where the provider answers by a job, a worker commits its intent and hands the task over."""

from typing import Final
from uuid import UUID

from orchestrator import clock, failpoints
from orchestrator.catalogue.credits import most_of_a_job
from orchestrator.flow.claim import Lease
from orchestrator.flow.hand_over import Errand, hand_over
from orchestrator.flow.intend import Intent, LeaseLost, Refused
from orchestrator.limits.breakers import Circuit, Phase
from orchestrator.limits.credentials import opened
from schemas.calls import Purpose
from schemas.copilot import CopilotOptions, JobWay
from schemas.errors import Category, CredentialMissing, Failure
from schemas.providers import Wire
from workers.call import RETRIES_SPENT, Made, guarded_call, intended, refused, unsent, until_stored
from workers.context import Message
from workers.process import Process
from workers.providers.copilot import MOST_CONTEXT, prompt_of, size_of
from workers.redaction import is_redacted, redacted

JOB_WIRES: Final = frozenset({Wire.COPILOT})


class HandedOver(Exception):
    """The task waits for a job of its provider now: there is nothing more to do for its worker."""


def ask(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    *,
    rejected_call: UUID | None = None,
    first: tuple[Message, ...] | None = None,
) -> Made:
    """A call, or a job, as the provider answers. From a Celery thread.

    Raises `HandedOver` once the task waits for its job, `LeaseLost` before anything is sent,
    `StoreUnavailable` if the store stays away.
    """
    if lease.provider.wire not in JOB_WIRES:
        return guarded_call(process, lease, purpose, messages, rejected_call=rejected_call, first=first)
    options = lease.provider.options.copilot
    if options is None:
        message = f"Set options.copilot.repository of the provider {lease.provider.name!r} to `owner/name`."
        return None, Failure(category=Category.UNAUTHORIZED, message=message)
    wanted = process.wait(until_stored(lambda: is_redacted(process, lease)))
    prompt = prompt_of(redacted(lease, messages, first, wanted=wanted).messages)
    failure = _unfit(process, lease, options, prompt)
    if failure is None and purpose is Purpose.FIRST and lease.is_retry:
        failure = None if process.retries.spend(lease.provider.id) else RETRIES_SPENT
    if failure is not None:
        return None, failure
    intent = _intent(lease, purpose, options)
    failure = process.wait(_given(process, lease, intent, prompt, rejected_call))
    if failure is not None:
        return None, failure
    if purpose is Purpose.FIRST and not lease.is_retry:
        process.retries.earn(lease.provider.id)
    raise HandedOver


def _unfit(process: Process, lease: Lease, options: CopilotOptions, prompt: str) -> Failure | None:
    provider = lease.provider
    try:
        process.wait(until_stored(lambda: opened(process.parts, lease.tenant_id, provider)))
    except CredentialMissing as error:
        return Failure(category=Category.UNAUTHORIZED, message=error.detail)
    size = size_of(prompt)
    if options.way is JobWay.DISPATCH and size > MOST_CONTEXT:
        message = (
            f"The prompt takes {size} bytes and an event carries {MOST_CONTEXT}: give fewer files in context."
        )
        return Failure(category=Category.CONTEXT_TOO_LONG, message=message)
    if lease.seconds_left <= 0:
        return Failure(category=Category.DEADLINE, message="The task's deadline passed.")
    state = process.breakers.state(Circuit(provider.id, provider.base_url, lease.candidate.model))
    if state.name is Phase.OPEN and state.retry_in > 0:
        message = f"The circuit of provider {provider.name!r} is open."
        return Failure(category=Category.CIRCUIT_OPEN, message=message, retry_after=state.retry_in)
    return None


def _intent(lease: Lease, purpose: Purpose, options: CopilotOptions) -> Intent:
    timeout = lease.request.preferences.timeout_seconds or options.timeout_minutes * 60
    seconds = min(float(timeout), lease.seconds_left)
    return Intent(clock.new_id(), purpose, most_of_a_job(options), seconds)


async def _given(
    process: Process, lease: Lease, wanted: Intent, prompt: str, rejected_call: UUID | None
) -> Failure | None:
    intent = await intended(process, lease, wanted, rejected_call)
    if isinstance(intent, Refused):
        return refused(lease, intent.refusal)
    failpoints.reach("job.intended")
    try:
        given = Errand(intent.call_id, prompt, intent.timeout)
        await until_stored(lambda: hand_over(process.parts, lease, given))
    except LeaseLost:
        await unsent(process, lease, intent)
        raise
    failpoints.reach("job.handed_over")
    return None
