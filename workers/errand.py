"""Errand: where the provider answers by a job, a worker commits its intent and hands the task over."""

from typing import Final
from uuid import UUID

from orchestrator import clock, failpoints
from orchestrator.catalogue.credits import CREDIT_NANOS
from orchestrator.flow.claim import Lease
from orchestrator.flow.hand_over import Errand, hand_over
from orchestrator.flow.intend import LeaseLost, Refused, intend
from orchestrator.limits.breakers import Circuit, Phase
from orchestrator.secrets import CredentialMissing, credential_of
from schemas.calls import Purpose
from schemas.errors import Category, Failure
from schemas.providers import CopilotOptions, JobWay, Wire
from workers.call import RETRIES_SPENT, refused, unsent, until_stored
from workers.context import Message
from workers.process import Process
from workers.providers.copilot import MOST_CONTEXT, prompt_of

JOB_WIRES: Final = frozenset({Wire.COPILOT})


def errand(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    *,
    rejected_call: UUID | None = None,
) -> tuple[UUID | None, Failure] | None:
    """None once the task waits for its job; else why there is none. From a Celery thread.

    Raises `LeaseLost` before anything is sent, `StoreUnavailable` if the store stays away.
    """
    options = lease.provider.options.copilot
    prompt = prompt_of(messages)
    failure = _unfit(process, lease, options, prompt)
    if failure is None and purpose is Purpose.FIRST and lease.is_retry:
        failure = None if process.retries.spend(lease.provider.id) else RETRIES_SPENT
    if failure is not None or options is None:
        return None, failure or _unconfigured(lease)
    made = process.wait(_given(process, lease, purpose, options, prompt, rejected_call))
    if made is None and purpose is Purpose.FIRST and not lease.is_retry:
        process.retries.earn(lease.provider.id)
    return made


def _unfit(process: Process, lease: Lease, options: CopilotOptions | None, prompt: str) -> Failure | None:
    if options is None:
        return _unconfigured(lease)
    try:
        credential_of(lease.provider)
    except CredentialMissing as error:
        return Failure(category=Category.UNAUTHORIZED, message=str(error))
    size = len(prompt.encode("utf-8", "replace"))
    if options.way is JobWay.DISPATCH and size > MOST_CONTEXT:
        message = (
            f"The prompt has {size} bytes and an event carries {MOST_CONTEXT}: give fewer files in context."
        )
        return Failure(category=Category.CONTEXT_TOO_LONG, message=message)
    if lease.seconds_left <= 0:
        return Failure(category=Category.DEADLINE, message="The task's deadline passed.")
    state = process.breakers.state(Circuit(lease.provider.id, lease.provider.base_url, lease.candidate.model))
    if state.name is Phase.OPEN and state.retry_in > 0:
        message = f"The circuit of provider {lease.provider.name!r} is open."
        return Failure(category=Category.CIRCUIT_OPEN, message=message, retry_after=state.retry_in)
    return None


def _unconfigured(lease: Lease) -> Failure:
    message = f"Set options.copilot.repository of the provider {lease.provider.name!r} to `owner/name`."
    return Failure(category=Category.UNAUTHORIZED, message=message)


async def _given(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    options: CopilotOptions,
    prompt: str,
    rejected_call: UUID | None,
) -> tuple[UUID | None, Failure] | None:
    call_id = clock.new_id()
    hold = options.max_credits * CREDIT_NANOS if options.by_credits else 0
    timeout = lease.request.preferences.timeout_seconds or options.timeout_minutes * 60
    try:
        intent = await until_stored(
            lambda: intend(
                process.parts,
                process.boot_id,
                lease,
                purpose,
                call_id=call_id,
                hold_nanos=hold,
                timeout=min(float(timeout), lease.seconds_left),
                rejected_call=rejected_call,
            )
        )
        if isinstance(intent, Refused):
            return None, refused(lease, intent.refusal)
        failpoints.reach("job.intended")
        given = Errand(call_id, prompt, intent.timeout)
        await until_stored(lambda: hand_over(process.parts, lease, given))
    except LeaseLost:
        await unsent(process, lease, call_id, purpose, hold)
        raise
    failpoints.reach("job.handed_over")
    return None
