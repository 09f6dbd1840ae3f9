"""Recall: an answer that was paid for once serves the same request again, where its submitter lets it.

What is kept is an answer that was accepted at once, as its provider sent it; what is served is verified like
any other. A hit is no call of its own: it has no intent, no hold and no cost. A cache that is away is a miss.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from orchestrator import telemetry
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.liken import liken
from orchestrator.volatile.answers import Found, Unreachable
from schemas.calls import Kept, Purpose, Question, Served
from schemas.errors import Failure, StoreUnavailable
from schemas.kept import seconds_kept
from schemas.tasks import CacheUse, ChatRequest, cache_use
from workers.alike import Look, Stopped, alike
from workers.ask import ask_of
from workers.call import until_stored
from workers.context import Message, Redacted
from workers.errand import JOB_WIRES
from workers.keepable import entry_of
from workers.process import Process
from workers.redaction import as_sent, is_redacted, made_whole, redacted

_SERVING: Final = (CacheUse.USE, CacheUse.SIMILAR)


@dataclass(frozen=True, slots=True)
class Recollection:
    """The answer that was given before, if any; else what a new one is to be found by.

    `stopped`: the task was taken from us while a look-up was made."""

    answer: PaidAnswer | None = None
    question: Question | None = None
    stopped: Failure | None = None


NOTHING: Final = Recollection()


def recalled(process: Process, lease: Lease, messages: tuple[Message, ...]) -> Recollection:
    """What these messages, or what is like them where the task wants that, were answered before."""
    use = _use(lease)
    if use not in _SERVING:
        return NOTHING
    sent = _sent(process, lease, messages)
    asking = as_sent(lease, sent)
    ask = ask_of(asking, sent.messages)
    entry = entry_of(asking, ask)
    if entry is None:
        return NOTHING
    kind = lease.request.kind
    try:
        found = process.parts.cache.look(lease.tenant_id, entry)
        look = Look(found, entry)
        if found is None and use is CacheUse.SIMILAR and not sent.values:
            look = alike(process, asking, ask)
    except Unreachable:
        telemetry.CACHE.labels(kind, "away").inc()
        return NOTHING
    except Stopped as stopped:
        return Recollection(stopped=stopped.failure)
    kept = _read(look.found)
    telemetry.CACHE.labels(kind, look.layer if kept else "none").inc()
    if kept is None:
        return Recollection(question=look.question)
    return Recollection(made_whole(_answer(kept, look), sent), look.question)


def remember(process: Process, lease: Lease, answer: PaidAnswer) -> None:
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
        elif answer.kept is not None and answer.entry is not None and _use(lease) is not CacheUse.OFF:
            seconds = seconds_kept(kind, process.config.cache_seconds)
            cache.keep(lease.tenant_id, answer.entry, answer.kept.model_dump_json(), seconds)
            if answer.question is not None:
                found_by = answer.question
                process.wait(liken(process.parts, lease.tenant_id, answer.entry, found_by, seconds))
    except (*Unreachable, StoreUnavailable):
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


def _read(found: Found | None) -> Kept | None:
    try:
        return Kept.model_validate_json(found.text) if found else None
    except ValidationError:
        return None


def _answer(kept: Kept, look: Look) -> PaidAnswer:
    served = Served(
        layer=look.layer,
        entry=look.entry,
        likeness=look.likeness,
        input_tokens=kept.input_tokens,
        output_tokens=kept.output_tokens,
        saved_nanos=kept.cost_nanos,
    )
    return PaidAnswer(None, Purpose.FIRST, kept.text, kept.model, kept.cut, served=served)
