"""What a provider is asked, and the most that it may cost."""

import orjson

from orchestrator import clock
from orchestrator.adapters import Provider as Adapter
from orchestrator.catalogue import models, prices, tokens
from orchestrator.catalogue.estimates import full_hour
from orchestrator.catalogue.tiers import tier_asked
from orchestrator.flow.claim import Lease
from schemas.calls import Usage
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest
from workers.adapted import cost_nanos
from workers.context import Message
from workers.providers.base import Ask, WireRequest


def ask_of(lease: Lease, messages: tuple[Message, ...]) -> Ask:
    """What is asked of the provider that the lease stands at."""
    wishes = lease.request.preferences
    if isinstance(lease.request, EmbedRequest):
        context = lease.request.context
        return Ask(
            lease.provider, lease.candidate.model, (), 0, None, None,
            tuple(message.content for message in messages), context.dimensions,
        )  # fmt: skip
    return Ask(
        provider=lease.provider,
        model=lease.candidate.model,
        messages=messages,
        max_output_tokens=models.output_asked(
            lease.provider.vendor, lease.candidate.model, wishes.max_tokens
        ),
        temperature=_temperature(lease.request),
        schema=lease.request.context.answer_schema if isinstance(lease.request, ChatRequest) else None,
        tier=tier_asked(
            lease.provider.vendor,
            lease.candidate.model,
            wishes.speed_priority,
            lease.seconds_left,
            full_hour(clock.now()),
        ),
    )


def _temperature(request: TaskRequest) -> float | None:
    """The wished one; for code a low one, for a chat the model's own."""
    wished = request.preferences.temperature
    return models.CODE_TEMPERATURE if wished is None and not isinstance(request, ChatRequest) else wished


def hold_of(ask: Ask, request: WireRequest | Adapter) -> int:
    """The nano-dollars that this call holds: an upper bound of what it may cost."""
    estimate = sum(map(tokens.estimate, (*ask.inputs, *(message.content for message in ask.messages))))
    if ask.schema is not None:
        estimate += 2 * tokens.estimate(orjson.dumps(ask.schema).decode())
    if isinstance(request, Adapter):
        usage = Usage(input_tokens=estimate, output_tokens=ask.max_output_tokens)
        told = cost_nanos(request, ask.model, usage)
        if told is not None:
            return told
    if models.is_flat(ask.provider):
        return 0
    return prices.upper_bound(ask.provider.vendor, ask.model, estimate, ask.max_output_tokens, clock.now())
