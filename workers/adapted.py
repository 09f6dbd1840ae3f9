"""Calls by own adapters: the adapter asks and reads, under our deadline, with our client, for our ledger.

Whatever an adapter does becomes an `Exchange`, as with every wire: what it raises is a failure of the
provider, and no more than that.
"""

import asyncio
from contextlib import aclosing
from decimal import ROUND_CEILING
from typing import Final

from orchestrator import clock, telemetry
from orchestrator.adapters import (
    Account,
    Answer,
    Message,
    Provider,
    ProviderFailed,
    Request,
    load,
)
from orchestrator.config import Config
from orchestrator.wiring import Parts
from schemas import providers
from schemas.calls import NANOS_PER_DOLLAR, Usage
from schemas.configured import CredentialVerdict, Probe
from schemas.errors import Category, Failure
from workers.bounded import BoundedClient
from workers.providers.base import LONGEST_WAIT, OUTPUT_LIMIT, Ask, said
from workers.stream import Exchange, Patience, as_configured

MOST_NANOS: Final = 10**15
"""A million dollars for one call is no price."""


def adapter_of(parts: Parts, provider: providers.Provider, credential: str | None, call_id: str) -> Provider:
    """The provider's adapter, ready for one call. Raises `ValueError` where it can't be had."""
    try:
        kind = load(provider.options.adapter or "")
        account = Account(
            provider.name, provider.base_url, provider.model, credential, provider.options.adapter_settings
        )
        return kind(account, BoundedClient(parts, provider, call_id))
    except Exception as error:
        raise ValueError(f"options.adapter: {error}"[:500]) from error


async def adapted(
    adapter: Provider, config: Config, ask: Ask, call_id: str, done: Exchange, total: float
) -> None:
    """Have the adapter answer into `done`; `total` seconds bound all of it."""
    ask = ask if adapter.capabilities.structured_output else ask.told_its_schema
    messages = tuple(Message(message.role, message.content) for message in ask.messages)
    asked = Request(ask.model, messages, ask.max_output_tokens, ask.temperature_taken, ask.schema, call_id)
    billed, whole = False, asyncio.timeout(total)
    try:
        async with whole:
            if adapter.capabilities.streaming:
                await _streamed(adapter, asked, as_configured(config, ask.provider, total), done)
            else:
                _take(adapter, ask.model, await adapter.process_request(asked), done)
        billed = True
    except TimeoutError as error:
        billed, done.failure = True, _out_of_time(error, total, ours=whole.expired())
    except ProviderFailed as failed:
        billed = failed.may_be_billed
        done.refused = not billed and not done.began
        done.http_status = failed.http_status
        done.failure = Failure(
            category=failed.category,
            message=said(failed.message, failed.http_status),
            http_status=failed.http_status,
            retry_after=_hint(failed.retry_after),
        )
    except Exception as error:  # noqa: BLE001 - another's code: whatever it raises is its provider's failure
        telemetry.fault("adapter.fault", error, adapter=adapter.account.name)
        message = said(f"The adapter failed: {type(error).__name__}: {error}", None)[:500]
        done.failure = Failure(category=Category.MALFORMED, message=message)
    finally:
        # An adapter may well ask by a client of its own, which we see nothing of.
        done.sent = billed or done.began or getattr(adapter.client, "sent", True)


def _hint(seconds: float | None) -> float | None:
    """The wait that an adapter named, within what every other wire believes; None where it is none."""
    if isinstance(seconds, int | float) and 0 <= seconds < LONGEST_WAIT:
        return float(seconds)
    return None


def _out_of_time(error: TimeoutError, total: float, *, ours: bool) -> Failure:
    """Our limit says nothing of the provider; one that the adapter sets itself says that it was too slow."""
    if ours:
        message = f"The call took longer than {total:g} s."
        return Failure(category=Category.TOTAL_TIMEOUT, message=message)
    message = said(f"The adapter waited no longer: {str(error) or type(error).__name__}", None)[:500]
    return Failure(category=Category.IDLE_TIMEOUT, message=message)


async def _streamed(adapter: Provider, asked: Request, config: Config, done: Exchange) -> None:
    """Its pieces as they come, up to the answer that ends them; silence ends them too."""
    answer, most = None, config.max_answer_bytes
    async with (
        Patience(config.first_token_timeout, done) as patience,
        aclosing(adapter.stream_request(asked)) as pieces,
    ):
        async for piece in pieces:
            if isinstance(piece, Answer):
                answer = piece
                break
            most -= len(piece)
            if most < 0:
                message = f"The answer is larger than {config.max_answer_bytes} bytes."
                raise ProviderFailed(Category.MALFORMED, message)
            if not done.began:
                patience.come_down_to(config.idle_timeout)
            patience.renew()
            _heard(done, piece)
    if answer is not None:
        _take(adapter, asked.model, answer, done)
    elif done.failure is None:
        message = "The adapter's stream ended without an Answer."
        done.failure = Failure(category=Category.TRUNCATED, message=message)


def _heard(done: Exchange, text: str) -> None:
    """Part of the answer has come."""
    if not isinstance(text, str):
        raise TypeError("a piece of an answer must be a text")
    done.began = True
    if text and done.first_token is None:
        done.first_token = done.seconds
    if text:
        done.reply.parts.append(text)
    if done.heard is not None:
        done.heard()


def cost_nanos(adapter: Provider, model: str, usage: Usage) -> int | None:
    """What the adapter says this usage costs; None where the price list holds, or it says nonsense."""
    try:
        told = adapter.estimate_cost(model, usage)
        nanos = None if told is None else (told * NANOS_PER_DOLLAR).to_integral_value(ROUND_CEILING)
        return int(nanos) if nanos is not None and 0 <= nanos < MOST_NANOS else None
    except Exception as error:  # noqa: BLE001 - another's code must not keep a call from being booked
        telemetry.fault("adapter.fault", error, adapter=adapter.account.name)
        return None


def _take(adapter: Provider, model: str, answer: Answer, done: Exchange) -> None:
    reply = done.reply
    reply.model, reply.tier, reply.request_id = answer.model, answer.tier, answer.request_id
    reply.usage = answer.usage
    if answer.usage is not None:
        reply.raw_usage = answer.usage.model_dump()
        reply.charged_nanos = cost_nanos(adapter, answer.model or model, answer.usage)
    _heard(done, answer.text)
    reply.finished = True
    if not reply.text.strip():
        done.failure = Failure(category=Category.MALFORMED, message="The answer was empty.")
    elif answer.finish == "length":
        done.failure = OUTPUT_LIMIT


async def probed(parts: Parts, provider: providers.Provider, credential: str | None) -> Probe:
    """What the adapter finds of its endpoint. Raises `ProviderFailed`, or `ValueError` for all else."""
    adapter = adapter_of(parts, provider, credential, str(clock.new_id()))
    try:
        return await _found(adapter, provider, credential)
    except ProviderFailed:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


async def _found(adapter: Provider, provider: providers.Provider, credential: str | None) -> Probe:
    began = clock.monotonic()
    health = await adapter.health_check()
    seconds = clock.monotonic() - began
    models = await adapter.get_models() if health.ok else []
    taken = await adapter.validate_credentials() if credential is not None else None
    verdict = CredentialVerdict.NONE if credential is None else CredentialVerdict.UNPROVEN
    if taken is not None:
        verdict = CredentialVerdict.ACCEPTED if taken else CredentialVerdict.REFUSED
    known = provider.model in models if models and provider.model != "-" else None
    stats = await adapter.get_usage_stats() if health.ok else None
    return Probe(
        ok=health.ok and known is not False and taken is not False,
        reachable=True,
        credential=verdict,
        latency_ms=round(seconds * 1000, 1),
        http_status=None,
        models=models[:500],
        model_listed=known,
        message=health.message or "The adapter answered.",
        vendor_usage=dict(stats) if stats is not None else None,
    )
