"""The paid call: credential, hold, intent, provider, deadline, booking.

Whatever happens after the intent is booked: a complete answer by its usage, a refusal at 0, and
everything in between (began to answer, or we gave up waiting) at its hold, marked estimated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.catalogue import models, prices, tokens
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.intend import Intent, LeaseLost, Refused, intend
from orchestrator.limits.breakers import Circuit, CircuitOpen, health_of
from orchestrator.limits.budgets import Refusal
from orchestrator.limits.credentials import opened
from orchestrator.limits.gates import close_after
from schemas.budgets import OnBudget
from schemas.calls import Cost, Purpose
from schemas.errors import Category, CredentialMissing, Failure, StoreUnavailable
from schemas.tasks import ChatRequest, TaskRequest
from workers.context import Message
from workers.process import Process
from workers.providers import WIRES
from workers.providers.base import Ask, WireFormat, WireRequest
from workers.redaction import is_redacted, made_whole, redacted
from workers.relay import relayed
from workers.spool import Paid
from workers.stream import Exchange, exchange

T = TypeVar("T")
STORE_PATIENCE: Final = 120.0
"""How long a thread waits for the store before it gives its task up; seconds."""
SPOOL_AFTER: Final = 1.0
"""An outcome that is not booked within this is written to the spool; seconds."""
BUDGET_POLL: Final = 30.0
"""A task that waits for budget looks again after this, if nothing woke it before; seconds."""
BUDGET_POLL_TO_FAIL: Final = 3.0
"""The same for one that waits for open calls only, and would rather fail once they have used it up."""
_GIVING_UP: Final = {
    Category.CANCELED: "The task was cancelled.",
    Category.DEADLINE: "The task's deadline passed.",
    Category.SHUTDOWN: "The worker is stopping.",
}


_RETRIES_SPENT: Final = Failure(
    category=Category.RETRIES_SPENT,
    message="The provider has been retried as often as its other calls allow.",
    retry_after=5.0,
)

Made = PaidAnswer | tuple[UUID | None, Failure]
"""A booked, complete answer; or the call's id (None: none was made) and how it failed."""


def guarded_call(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    *,
    rejected_call: UUID | None = None,
) -> Made:
    """A call, if the circuit and the retry budget of its provider let it through; from a Celery thread."""
    sent = redacted(lease, messages, wanted=process.wait(until_stored(lambda: is_redacted(process, lease))))
    circuit = Circuit(lease.provider.id, lease.provider.base_url, lease.candidate.model)
    try:
        with process.breakers.guard(circuit, _timeout(process, lease) + STORE_PATIENCE) as verdict:
            if purpose is Purpose.FIRST and lease.is_retry and not process.retries.spend(lease.provider.id):
                return None, _RETRIES_SPENT
            made = process.wait(call(process, lease, purpose, sent.messages, rejected_call))
            if isinstance(made, PaidAnswer) or made[0] is not None:
                verdict.health = health_of(None if isinstance(made, PaidAnswer) else made[1].category)
                if purpose is Purpose.FIRST and not lease.is_retry:
                    process.retries.earn(lease.provider.id)
                elif purpose is Purpose.FIRST and isinstance(made, PaidAnswer):
                    process.retries.answered(lease.provider.id)
    except CircuitOpen as open_:
        message = f"The circuit of provider {lease.provider.name!r} is open."
        category = Category.CIRCUIT_OPEN
        return None, Failure(category=category, message=message, retry_after=open_.retry_in)
    if lease.circuit_noted and isinstance(made, PaidAnswer):
        process.note_closed(circuit)
    return made_whole(made, sent) if isinstance(made, PaidAnswer) else made


async def call(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    rejected_call: UUID | None = None,
) -> Made:
    """A call from credential to booking, whatever its circuit says.

    Raises `LeaseLost` before anything is spent, `StoreUnavailable` if the store stays away."""
    timeout = _timeout(process, lease)
    if timeout <= 0:
        return None, Failure(category=Category.DEADLINE, message=_GIVING_UP[Category.DEADLINE])
    call_id, ask = clock.new_id(), _ask(lease, messages)
    request = await _request(process, lease, ask, call_id)
    if isinstance(request, Failure):
        return None, request
    intent = await _intended(process, lease, Intent(call_id, purpose, _hold(ask), timeout), rejected_call)
    if isinstance(intent, Refused):
        return None, _refused(lease, intent.refusal)
    failpoints.reach("call.intended")
    timeout = max(0.001, min(timeout, lease.seconds_left))
    wire, done = WIRES[lease.provider.wire], Exchange()
    async with relayed(process.parts, lease, call_id, done) as relay:
        await _exchange(process, lease, wire, request, done, timeout)
    failpoints.reach("call.answered")
    outcome = _outcome(lease, done)
    await _booked(process, Paid(lease.task_id, lease.provider, intent, outcome))
    failpoints.reach("call.booked")
    if outcome.failure is not None:
        await _close_gate(process, lease, outcome.failure)
    if outcome.answer is not None:
        return PaidAnswer(call_id, purpose, outcome.answer, outcome.served_model, outcome.cut)
    failure = outcome.failure or Failure(category=Category.MALFORMED, message="The answer was empty.")
    return call_id, failure.model_copy(update={"passed_on": relay is not None and relay.passed_on})


async def _intended(
    process: Process, lease: Lease, wanted: Intent, rejected_call: UUID | None
) -> Intent | Refused:
    try:
        return await until_stored(
            lambda: intend(
                process.parts,
                process.boot_id,
                lease,
                wanted.purpose,
                call_id=wanted.call_id,
                hold_nanos=wanted.hold_nanos,
                timeout=wanted.timeout,
                rejected_call=rejected_call,
            )
        )
    except LeaseLost:
        await _unsent(process, lease, wanted)
        raise


async def _unsent(process: Process, lease: Lease, intent: Intent) -> None:
    """An intent may have been committed unheard before the lease was lost: nothing was sent, it costs 0."""
    nothing = Exchange(failure=Failure(category=Category.CANCELED, message="The lease was lost."))
    outcome = _outcome(lease, nothing)
    await until_stored(lambda: book(process.parts, lease.task_id, lease.provider, intent, outcome))


async def _booked(process: Process, paid: Paid) -> None:
    """Book an outcome; where that takes longer than a moment, it waits in the spool meanwhile.

    Raises `StoreUnavailable` if the store stays away: the outcome is then booked from the spool.
    """
    booking = asyncio.ensure_future(
        until_stored(lambda: book(process.parts, paid.task_id, paid.provider, paid.intent, paid.outcome))
    )
    done, _ = await asyncio.wait({booking}, timeout=SPOOL_AFTER)
    if not done:
        try:
            await asyncio.to_thread(process.spool.keep, paid)
        except OSError as error:
            telemetry.fault("spool.not_written", error, call_id=paid.intent.call_id)
        failpoints.reach("spool.kept")
    await booking
    if not done:
        process.spool.forget(paid.intent.call_id)


async def _close_gate(process: Process, lease: Lease, failure: Failure) -> None:
    """Let the others know at once; where the store is away, the next call will tell again."""
    with suppress(StoreUnavailable):
        provider = lease.provider
        closed = await close_after(process.parts.db, provider.id, failure, provider.credential)
        if closed is not None:
            telemetry.warn(
                "gate.closed", provider=lease.provider.name, gate=closed.kind, reason=closed.reason
            )


def _refused(lease: Lease, refusal: Refusal) -> Failure:
    """What a refused hold means: wait where only open calls are in the way or the submitter chose to."""
    chose_to_wait = lease.request.preferences.on_budget is OnBudget.WAIT
    if refusal.impossible or not (refusal.passing or chose_to_wait):
        return Failure(category=Category.BUDGET_EXHAUSTED, message=refusal.message)
    return Failure(
        category=Category.BUDGET_HELD,
        message=refusal.message,
        retry_after=BUDGET_POLL if chose_to_wait else BUDGET_POLL_TO_FAIL,
        asked_nanos=refusal.asked_nanos,
    )


async def until_stored(step: Callable[[], Awaitable[T]], patience: float = STORE_PATIENCE) -> T:
    """Try a step again while the store is away, for `patience` seconds at most."""
    until = clock.monotonic() + patience
    pause = 0.1
    while True:
        try:
            return await step()
        except StoreUnavailable:
            if clock.monotonic() + pause > until:
                raise
        await clock.sleep(pause)
        pause = min(2.0, pause * 2)


def _ask(lease: Lease, messages: tuple[Message, ...]) -> Ask:
    wishes = lease.request.preferences
    return Ask(
        provider=lease.provider,
        model=lease.candidate.model,
        messages=messages,
        max_output_tokens=models.output_asked(
            lease.provider.vendor, lease.candidate.model, wishes.max_tokens
        ),
        temperature=_temperature(lease.request),
    )


def _temperature(request: TaskRequest) -> float | None:
    """The wished one; for code a low one, for a chat the model's own."""
    wished = request.preferences.temperature
    return models.CODE_TEMPERATURE if wished is None and not isinstance(request, ChatRequest) else wished


async def _request(process: Process, lease: Lease, ask: Ask, call_id: UUID) -> WireRequest | Failure:
    """The request, written before anything is promised: what can't be written costs nothing."""
    provider = lease.provider
    try:
        credential = await until_stored(lambda: opened(process.parts, lease.tenant_id, provider))
        request = WIRES[provider.wire].request(ask, credential, str(call_id))
    except CredentialMissing as error:
        return Failure(category=Category.UNAUTHORIZED, message=error.detail)
    except (ValueError, TypeError) as error:
        message = f"The provider {provider.name!r} can't be asked this: {error}"
        return Failure(category=Category.BAD_REQUEST, message=message[:500])
    return replace(request, headers={**provider.options.headers, **request.headers})


def _hold(ask: Ask) -> int:
    estimate = sum(tokens.estimate(message.content) for message in ask.messages)
    return prices.upper_bound(ask.provider.vendor, ask.model, estimate, ask.max_output_tokens, clock.now())


def _timeout(process: Process, lease: Lease) -> float:
    policy = lease.request.preferences.timeout_seconds or process.parts.config.total_timeout
    return min(float(policy), lease.seconds_left)


async def _exchange(
    process: Process, lease: Lease, wire: WireFormat, request: WireRequest, done: Exchange, timeout: float
) -> None:
    """The exchange, however it ends; giving up on it (cancel, deadline, shutdown) is an ending too."""
    parts = process.parts
    running = asyncio.ensure_future(
        exchange(parts.http, parts.config, lease.provider, wire, request, done, timeout)
    )
    with process.interruptible(lease.task_id, running):
        try:
            await running
        except asyncio.CancelledError:
            category = process.why_interrupted(lease.task_id)
            if category is None:
                raise
            done.failure = Failure(category=category, message=_GIVING_UP[category])
    if lease.seconds_left <= 0 and done.failure and done.failure.category is Category.TOTAL_TIMEOUT:
        done.failure = Failure(category=Category.DEADLINE, message=_GIVING_UP[Category.DEADLINE])


def _outcome(lease: Lease, done: Exchange) -> Outcome:
    reply = done.reply
    priced = prices.priced_model(lease.provider.vendor, lease.candidate.model, reply.model)
    cut = _is_cut(lease.request, done)
    failure = None if cut else done.failure
    return Outcome(
        answer=None if failure else reply.text,
        failure=failure,
        usage=reply.usage,
        raw_usage=reply.raw_usage,
        cost=_cost(lease, done),
        served_model=priced if reply.model else None,
        served_tier=reply.tier,
        http_status=done.http_status,
        request_id=reply.request_id,
        first_token_after=done.first_token,
        seconds=done.seconds,
        cut=cut,
    )


def _is_cut(request: TaskRequest, done: Exchange) -> bool:
    """Whether the answer ended at its limit and is one all the same: a chat's is, half a patch is not."""
    at_limit = done.failure is not None and done.failure.category is Category.OUTPUT_LIMIT
    return at_limit and isinstance(request, ChatRequest) and bool(done.reply.text.strip())


def _cost(lease: Lease, done: Exchange) -> Cost | None:
    reply = done.reply
    if reply.usage is not None:
        vendor = lease.provider.vendor
        model = prices.priced_model(vendor, lease.candidate.model, reply.model)
        told = prices.charged(vendor, reply.charged_nanos)
        return told or prices.cost(vendor, model, reply.tier, reply.usage, clock.now())
    if done.refused or not done.sent:
        return Cost(nanos=0, source="not_answered", version="1")
    telemetry.warn("call.without_usage", task_id=lease.task_id, began=done.began)
    return None
