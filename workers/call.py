"""The paid call: credential, hold, intent, provider, deadline, booking.

Whatever happens after the intent is booked: a complete answer by its usage, a refusal at 0, and
everything in between (began to answer, or we gave up waiting) at its hold, marked estimated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.catalogue import models, prices, tokens
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.intend import intend
from orchestrator.secrets import CredentialMissing, credential_of
from schemas.calls import Cost, Purpose
from schemas.errors import Category, Failure, StoreUnavailable
from workers.context import Message
from workers.process import Process
from workers.providers import WIRES
from workers.providers.base import Ask, WireFormat, WireRequest
from workers.stream import Exchange, exchange

T = TypeVar("T")
STORE_PATIENCE: Final = 120.0
_GIVING_UP: Final = {
    Category.CANCELED: "The task was cancelled.",
    Category.DEADLINE: "The task's deadline passed.",
    Category.SHUTDOWN: "The worker is stopping.",
}


async def call(
    process: Process,
    lease: Lease,
    purpose: Purpose,
    messages: tuple[Message, ...],
    *,
    rejected_call: UUID | None = None,
) -> PaidAnswer | tuple[UUID | None, Failure]:
    """A booked, complete answer; or the call's id (None: none was made) and how it failed.

    Raises `LeaseLost` before anything is spent, `StoreUnavailable` if the store stays away.
    """
    try:
        credential = credential_of(lease.provider)
    except CredentialMissing as error:
        return None, Failure(category=Category.UNAUTHORIZED, message=str(error))
    ask = _ask(lease, messages)
    timeout = _timeout(process, lease)
    if timeout <= 0:
        return None, Failure(category=Category.DEADLINE, message=_GIVING_UP[Category.DEADLINE])
    call_id = clock.new_id()
    intent = await until_stored(
        lambda: intend(
            process.parts,
            process.boot_id,
            lease,
            purpose,
            call_id=call_id,
            hold_nanos=_hold(ask),
            timeout=timeout,
            rejected_call=rejected_call,
        )
    )
    failpoints.reach("call.intended")
    timeout = max(0.001, min(timeout, lease.seconds_left))
    wire = WIRES[lease.provider.wire]
    request = wire.request(ask, credential, str(call_id))
    done = await _exchange(process, lease, wire, request, timeout)
    failpoints.reach("call.answered")
    outcome = _outcome(lease, done)
    await until_stored(lambda: book(process.parts, lease.task_id, lease.provider, intent, outcome))
    failpoints.reach("call.booked")
    if outcome.answer is not None:
        return PaidAnswer(call_id, purpose, outcome.answer)
    return call_id, outcome.failure or Failure(category=Category.MALFORMED, message="The answer was empty.")


async def until_stored(step: Callable[[], Awaitable[T]]) -> T:
    """Try a step again while the store is away, for two minutes at most."""
    until = clock.monotonic() + STORE_PATIENCE
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
        max_output_tokens=wishes.max_tokens or models.DEFAULT_MAX_OUTPUT,
        temperature=models.CODE_TEMPERATURE if wishes.temperature is None else wishes.temperature,
    )


def _hold(ask: Ask) -> int:
    estimate = sum(tokens.estimate(message.content) for message in ask.messages)
    return prices.upper_bound(ask.provider.vendor, ask.model, estimate, ask.max_output_tokens, clock.now())


def _timeout(process: Process, lease: Lease) -> float:
    policy = lease.request.preferences.timeout_seconds or process.parts.config.total_timeout
    return min(float(policy), lease.seconds_left)


async def _exchange(
    process: Process, lease: Lease, wire: WireFormat, request: WireRequest, timeout: float
) -> Exchange:
    """The exchange, however it ends; giving up on it (cancel, deadline, shutdown) is an ending too."""
    done = Exchange()
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
    return done


def _outcome(lease: Lease, done: Exchange) -> Outcome:
    reply = done.reply
    return Outcome(
        answer=None if done.failure else reply.text,
        failure=done.failure,
        usage=reply.usage,
        raw_usage=reply.raw_usage,
        cost=_cost(lease, done),
        served_model=reply.model,
        served_tier=reply.tier,
        http_status=done.http_status,
        request_id=done.request_id,
        first_token_after=done.first_token,
        seconds=done.seconds,
    )


def _cost(lease: Lease, done: Exchange) -> Cost | None:
    reply = done.reply
    if reply.usage is not None:
        model = reply.model or lease.candidate.model
        return prices.cost(lease.provider.vendor, model, reply.tier, reply.usage, clock.now())
    if done.refused or not done.sent:
        return Cost(nanos=0, source="not_answered", version="1")
    telemetry.warn("call.without_usage", task_id=lease.task_id, began=done.began)
    return None
