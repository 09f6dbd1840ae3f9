"""Recall: an answer that was paid for once serves the same request again, where its submitter lets it.

What is kept is an answer that was accepted at once, as its provider sent it; what is served is verified like
any other. A hit is no call: it has no intent, no hold and no cost. A cache that is away is a miss.
"""

import hashlib
from typing import Final

import orjson
from pydantic import ValidationError

from orchestrator import telemetry
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.volatile.answers import Unreachable
from schemas.calls import Kept, Purpose, Served
from schemas.tasks import CacheUse, ChatRequest, TaskKind, cache_use
from workers.call import ask_of, until_stored
from workers.context import Message, Redacted
from workers.errand import JOB_WIRES
from workers.process import Process
from workers.redaction import is_redacted, made_whole, redacted

FORM: Final = 1
"""Goes up with what an entry, or its name, is made of."""
LONGER: Final = {TaskKind.EMBED: 24}
"""How many times as long as others the answers of a kind are kept: vectors of a text don't change."""


def recalled(process: Process, lease: Lease, messages: tuple[Message, ...]) -> PaidAnswer | None:
    """The answer that these messages were given before, or None."""
    if _use(lease) is not CacheUse.USE:
        return None
    sent = _sent(process, lease, messages)
    try:
        found = process.parts.cache.look(lease.tenant_id, _name(lease, sent.messages))
        kept = Kept.model_validate_json(found.text) if found else None
    except Unreachable:
        telemetry.CACHE.labels(lease.request.kind, "away").inc()
        return None
    except ValidationError:
        found = kept = None
    telemetry.CACHE.labels(lease.request.kind, found.layer if found else "none").inc()
    if found is None or kept is None:
        return None
    served = Served(
        layer=found.layer,
        input_tokens=kept.input_tokens,
        output_tokens=kept.output_tokens,
        saved_nanos=kept.cost_nanos,
    )
    return made_whole(PaidAnswer(None, Purpose.FIRST, kept.text, kept.model, kept.cut, served=served), sent)


def remember(process: Process, lease: Lease, messages: tuple[Message, ...], answer: PaidAnswer) -> None:
    """What an accepted answer leaves: a fresh one is kept, one that served is counted; best effort."""
    cache, kind = process.parts.cache, lease.request.kind
    try:
        if answer.served is not None:
            telemetry.SERVED_TOKENS.labels(kind, "input").inc(answer.served.input_tokens)
            telemetry.SERVED_TOKENS.labels(kind, "output").inc(answer.served.output_tokens)
            cache.count(
                lease.tenant_id,
                served=1,
                input_tokens_served=answer.served.input_tokens,
                output_tokens_served=answer.served.output_tokens,
                saved_nanos=answer.served.saved_nanos,
            )
        elif answer.kept is not None and answer.purpose is Purpose.FIRST and _use(lease) is not CacheUse.OFF:
            seconds = process.config.cache_seconds * LONGER.get(kind, 1)
            name = _name(lease, _sent(process, lease, messages).messages)
            cache.keep(lease.tenant_id, name, answer.kept.model_dump_json(), seconds)
    except Unreachable:
        return


def _sent(process: Process, lease: Lease, messages: tuple[Message, ...]) -> Redacted:
    """The messages as they leave: what is hidden from a provider is hidden from the cache."""
    wanted = process.wait(until_stored(lambda: is_redacted(process, lease)))
    return redacted(lease, messages, wanted=wanted)


def _use(lease: Lease) -> CacheUse:
    """What the task wishes; nothing of a stream, whose client is promised its parts, or of a job."""
    streams = isinstance(lease.request, ChatRequest) and lease.request.context.stream
    if streams or lease.provider.wire in JOB_WIRES:
        return CacheUse.OFF
    return cache_use(lease.request)


def _name(lease: Lease, messages: tuple[Message, ...]) -> str:
    """The hash of all that an answer depends on, within its tenant; messages carry the prompt's version."""
    ask = ask_of(lease, messages)
    canonical = {
        "form": FORM,
        "kind": lease.request.kind,
        "provider": lease.provider.id,
        "wire": lease.provider.wire,
        "address": lease.provider.base_url,
        "model": ask.model,
        "messages": [[message.role, message.content] for message in ask.messages],
        "max_tokens": ask.max_output_tokens,
        "temperature": ask.temperature,
        "schema": ask.schema,
        "inputs": ask.inputs,
        "dimensions": ask.dimensions,
    }
    text = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()
