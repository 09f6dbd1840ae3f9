"""The paid call: credential, hold, intent, provider, deadline, booking.

Whatever happens after the intent is booked: a complete answer by its usage, a refusal at 0, and
everything in between (began to answer, or we gave up waiting) at its hold, marked estimated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.adapters import Provider as Adapter
from orchestrator.catalogue import models, prices
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.intend import Intent, LeaseLost, Refused, intend
from orchestrator.limits.breakers import Circuit, CircuitOpen, health_of
from orchestrator.limits.budgets import Refusal
from orchestrator.limits.credentials import opened
from schemas.budgets import OnBudget, Scope
from schemas.calls import Cost, Purpose
from schemas.errors import Category, CredentialMissing, Failure, StoreUnavailable
from schemas.providers import Wire
from schemas.tasks import ChatRequest, TaskRequest
from workers.adapted import adapted, adapter_of
from workers.ask import ask_of, hold_of
from workers.context import Message
from workers.keepable import entry_of, keepable
from workers.lessons import close_gate, learnt
from workers.process import Process, given_up
from workers.providers import wire_for
from workers.providers.base import Ask, WireRequest, malformed
from workers.redaction import as_sent, is_redacted, made_whole, redacted
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

RETRIES_SPENT: Final = Failure(
    category=Category.RETRIES_SPENT,
    message="The provider has been retried as often as its other calls allow.",
    retry_after=5.0,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked under a call's id, and the request that asks it, or the adapter that will."""

    ask: Ask
    call_id: UUID
    request: WireRequest | Adapter


Made = PaidAnswer | tuple[UUID | None, Failure]
"""A booked, complete answer; or the call's id (None: none was made) and how it failed."""


def guarded_call(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    *,
    rejected_call: UUID | None = None,
    first: tuple[Message, ...] | None = None,
) -> Made:
    """A call, if the circuit and the retry budget of its provider let it through; from a Celery thread.

    `first` are the messages that the attempt began with, where these are others."""
    wanted = process.wait(until_stored(lambda: is_redacted(process, lease)))
    sent = redacted(lease, messages, first, wanted=wanted)
    circuit = Circuit(lease.provider.id, lease.provider.base_url, lease.candidate.model)
    try:
        believed = process.config.lease_seconds
        with process.breakers.guard(circuit, believed, lease.provider.options.circuit) as verdict:
            if purpose is Purpose.FIRST and lease.is_retry and not process.retries.spend(lease.provider.id):
                return None, RETRIES_SPENT
            made = process.wait(call(process, as_sent(lease, sent), purpose, sent.messages, rejected_call))
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
        return None, given_up(Category.DEADLINE)
    call_id, ask = clock.new_id(), ask_of(lease, messages)
    request = await _request(process, lease, ask, call_id)
    if isinstance(request, Failure):
        return None, request
    hold = hold_of(ask, request)
    entry = entry_of(lease, ask) if purpose is Purpose.FIRST else None
    intent = await intended(process, lease, Intent(call_id, purpose, hold, timeout, entry), rejected_call)
    if isinstance(intent, Refused):
        return None, refused(lease, intent.refusal)
    failpoints.reach("call.intended")
    timeout = max(0.001, min(timeout, lease.seconds_left))
    done = Exchange()
    async with relayed(process.parts, lease, call_id, done) as relay:
        await _exchange(process, lease, Asked(ask, call_id, request), done, timeout)
    failpoints.reach("call.answered")
    outcome = _reckoned(lease, done)
    outcome = await _booked(process, Paid(lease.task_id, lease.provider, intent, outcome))
    failpoints.reach("call.booked")
    await learnt(process, lease, ask, outcome)
    if outcome.failure is not None:
        await close_gate(process, lease, outcome.failure)
    if outcome.answer is not None:
        model, cut = outcome.served_model, outcome.cut
        return PaidAnswer(call_id, purpose, outcome.answer, model, cut, kept=keepable(outcome), entry=entry)
    failure = outcome.failure or Failure(category=Category.MALFORMED, message="The answer was empty.")
    return call_id, failure.model_copy(update={"passed_on": relay is not None and relay.passed_on})


async def intended(
    process: Process, lease: Lease, wanted: Intent, rejected_call: UUID | None
) -> Intent | Refused:
    """The call's intent with its hold, committed. Raises `LeaseLost`, `StoreUnavailable`."""
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
                entry=wanted.entry,
            )
        )
    except LeaseLost:
        await unsent(process, lease, wanted)
        raise


async def unsent(process: Process, lease: Lease, intent: Intent) -> None:
    """An intent may have been committed unheard before the lease was lost: nothing was sent, it costs 0."""
    nothing = Exchange(failure=Failure(category=Category.CANCELED, message="The lease was lost."))
    outcome = _outcome(lease, nothing)
    await until_stored(lambda: book(process.parts, lease.task_id, lease.provider, intent, outcome))


async def _booked(process: Process, paid: Paid) -> Outcome:
    """What was booked: the outcome, or the call at its hold where that can't be kept. Raises
    `StoreUnavailable`."""
    try:
        await _committed(process, paid)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - money was spent, so the call must not stay open
        telemetry.fault("call.not_kept", error, call_id=paid.intent.call_id)
        process.spool.forget(paid.intent.call_id)
        kept = paid.outcome
        bare = Outcome.at_hold(kept.http_status, kept.first_token_after, kept.seconds)
        if await _committed(process, replace(paid, outcome=bare)):
            return bare
    return paid.outcome


async def _committed(process: Process, paid: Paid) -> bool:
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
        except (OSError, ValueError) as error:
            telemetry.fault("spool.not_written", error, call_id=paid.intent.call_id)
        failpoints.reach("spool.kept")
    ours = await booking
    if not done:
        process.spool.forget(paid.intent.call_id)
    return ours


def refused(lease: Lease, refusal: Refusal) -> Failure:
    """What a refused hold means: wait where only open calls are in the way or the submitter chose to.

    A provider whose own budget is used up is left first for another one.
    """
    chose_to_wait = lease.request.preferences.on_budget is OnBudget.WAIT
    elsewhere = refusal.scope is Scope.PROVIDER and lease.standing.has_next
    if refusal.impossible or not (refusal.passing or (chose_to_wait and not elsewhere)):
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


async def _request(
    process: Process, lease: Lease, ask: Ask, call_id: UUID
) -> WireRequest | Adapter | Failure:
    """The request, written before anything is promised: what can't be written costs nothing.

    Where an own adapter writes it, the adapter.
    """
    provider = lease.provider
    try:
        credential = await until_stored(lambda: opened(process.parts, lease.tenant_id, provider))
        if provider.wire is Wire.ADAPTER and not ask.inputs:
            return adapter_of(process.parts, provider, credential, str(call_id))
        request = wire_for(ask).request(ask, credential, str(call_id))
    except CredentialMissing as error:
        return Failure(category=Category.UNAUTHORIZED, message=error.detail)
    except (ValueError, TypeError) as error:
        message = f"The provider {provider.name!r} can't be asked this: {error}"
        return Failure(category=Category.BAD_REQUEST, message=message[:500])
    return replace(request, headers={**provider.options.headers, **request.headers})


def _timeout(process: Process, lease: Lease) -> float:
    timeouts = lease.provider.options.timeouts
    own = timeouts.total_seconds if timeouts else None
    policy = lease.request.preferences.timeout_seconds or own or process.parts.config.total_timeout
    return min(float(policy), lease.seconds_left)


async def _exchange(process: Process, lease: Lease, asked: Asked, done: Exchange, timeout: float) -> None:
    """The exchange, however it ends; giving up on it (cancel, deadline, shutdown) is an ending too."""
    running = asyncio.ensure_future(_answered(process, asked, done, timeout))
    with process.interruptible(lease.task_id, running):
        try:
            await running
        except asyncio.CancelledError:
            category = process.why_interrupted(lease.task_id)
            if category is None:
                raise
            done.failure = given_up(category)
        except Exception as error:  # noqa: BLE001 - whatever it was, the call may be paid: it is booked
            telemetry.fault("call.fault", error, call_id=asked.call_id)
            done.sent, done.failure = True, malformed(error)
    if lease.seconds_left <= 0 and done.failure and done.failure.category is Category.TOTAL_TIMEOUT:
        done.failure = given_up(Category.DEADLINE)


async def _answered(process: Process, asked: Asked, done: Exchange, timeout: float) -> None:
    ask, request, parts = asked.ask, asked.request, process.parts
    if isinstance(request, Adapter):
        await adapted(request, parts.config, ask, str(asked.call_id), done, timeout)
    else:
        await exchange(parts.http, parts.config, ask.provider, wire_for(ask), request, done, timeout)


def _reckoned(lease: Lease, done: Exchange) -> Outcome:
    try:
        return _outcome(lease, done)
    except Exception as error:  # noqa: BLE001 - what can't be reckoned is charged at its hold
        telemetry.fault("call.not_reckoned", error, task_id=lease.task_id)
        return Outcome.at_hold(done.http_status, done.first_token, done.seconds)


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
    """Whether the answer ended at its limit and is one all the same: a chat's is, half a patch or half a
    JSON text is not."""
    at_limit = done.failure is not None and done.failure.category is Category.OUTPUT_LIMIT
    free = isinstance(request, ChatRequest) and request.context.answer_schema is None
    return at_limit and free and bool(done.reply.text.strip())


def _cost(lease: Lease, done: Exchange) -> Cost | None:
    reply = done.reply
    if reply.usage is not None:
        vendor = lease.provider.vendor
        model = prices.priced_model(vendor, lease.candidate.model, reply.model)
        told = prices.charged(vendor, reply.charged_nanos)
        if lease.provider.wire is Wire.ADAPTER and reply.charged_nanos is not None:
            told = Cost(nanos=reply.charged_nanos, source="adapter", version="1")
        told = told or (prices.of_a_plan() if models.is_flat(lease.provider) else None)
        return told or prices.cost(vendor, model, reply.tier, reply.usage, clock.now())
    if done.refused or not done.sent:
        return Cost(nanos=0, source="not_answered", version="1")
    telemetry.warn("call.without_usage", task_id=lease.task_id, began=done.began)
    return None
