"""Alike: a kept answer whose question says nearly the same, found by the question's vector.

Only the last thing that was said may differ; all else that an answer depends on is the same, and so are the
numbers, the quoted words and the denials in what was said, in their order. The vector is bought by a call of
its own, once a task: with a hold, booked, its failure a miss. It names an entry of the cache and is no answer
itself.
"""

import base64
import hashlib
import re
from array import array
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.catalogue.embeddings import models_of
from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.limits import gates
from orchestrator.store import views
from orchestrator.volatile.answers import Found
from schemas.calls import Purpose, Question
from schemas.embeddings import EmbedResult
from schemas.errors import Category, Failure
from schemas.providers import Candidate, Provider
from schemas.routing import SimilarAnswers
from schemas.tasks import EmbedRequest
from workers.call import guarded_call, until_stored
from workers.context import Message
from workers.keepable import entry_of
from workers.process import Process
from workers.providers.base import Ask
from workers.verify import Accepted, verify

LONGEST: Final = 8_000
"""What is longer than this many characters is hardly ever asked in other words."""
_SECONDS: Final = 10
"""A vector that takes longer than this is worth no more waiting."""
_STOPS: Final = frozenset({Category.CANCELED, Category.SHUTDOWN, Category.DEADLINE})
_SAME: Final = re.compile(
    r"`[^`]*`|\"[^\"]*\"|\S*\d\S*|\b(?:not|no|never|none|without|cannot)\b|n['’]t\b", re.IGNORECASE
)
"""What makes another question of it, however near the rest is: it has to be the same in both."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look-up found, as which entry, and the question that a new answer would be found by."""

    found: Found | None
    entry: str = ""
    question: Question | None = None
    likeness: float | None = None

    @property
    def layer(self) -> str:
        """Where it was found."""
        if self.found is None:
            return "none"
        return self.found.layer if self.likeness is None else "alike"


class Stopped(Exception):
    """The task was taken from us: cancelled, at its deadline, or our process stops."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def alike(process: Process, lease: Lease, ask: Ask) -> Look:
    """The nearest kept answer that is near enough for the tenant. Raises `Stopped`, `Unreachable`.

    Nothing where the tenant has no such cache, its provider of vectors takes nothing now, or an earlier
    attempt has looked."""
    said = ask.messages[-1] if ask.messages else None
    if lease.attempt > 1 or said is None or said.role != "user" or len(said.content) > LONGEST:
        return Look(None)
    config = process.wait(until_stored(lambda: views.routing_config(process.parts.db, lease.tenant_id)))
    wanted = config.similar
    provider = _provider(process, lease, wanted) if wanted else None
    scope = entry_of(lease, replace(ask, messages=ask.messages[:-1]))
    if wanted is None or provider is None or scope is None:
        return Look(None)
    model = wanted.model or models_of(provider)[0]
    vector = _vector(process, lease, provider, model, said.content)
    if vector is None:
        return Look(None)
    return _nearest(process, lease, wanted, _within(scope, provider, model, said.content), vector)


def _provider(process: Process, lease: Lease, wanted: SimilarAnswers) -> Provider | None:
    """Who gives the vectors, unless nothing is to be sent there now."""
    standing = process.wait(until_stored(lambda: views.providers(process.parts.db, lease.tenant_id)))
    for provider, paused, _ in standing:
        if provider.name == wanted.provider and not paused and models_of(provider):
            closed = process.wait(until_stored(lambda: gates.closed(process.parts.db)))
            gate = closed.get(provider.id)
            return None if gate is not None and gate.shut else provider
    return None


def _vector(process: Process, lease: Lease, provider: Provider, model: str, text: str) -> str | None:
    """The vector of a text, by a call in the task's name, or None if it can't be had."""
    request = lease.request
    asked = EmbedRequest.model_validate(
        {
            "kind": "embed",
            "context": {"inputs": [text]},
            "preferences": {
                "model": model,
                "timeout_seconds": _SECONDS,
                "redaction": request.preferences.redaction,
            },
            "user_id": request.user_id,
            "session_id": request.session_id,
        }
    )
    candidate = Candidate(provider_id=provider.id, name=provider.name, vendor=provider.vendor, model=model)
    counters = replace(lease.standing.counters, candidate=0)
    standing = replace(lease.standing, candidates=(candidate,), counters=counters)
    own = replace(
        lease, request=asked, provider=provider, standing=standing, is_retry=False, circuit_noted=False
    )
    made = guarded_call(process, own, Purpose.LOOKUP, (Message("user", text),))
    if not isinstance(made, PaidAnswer):
        if made[1].category in _STOPS:
            raise Stopped(made[1])
        return None
    verdict = verify(asked, made.text)
    if isinstance(verdict, Accepted) and isinstance(verdict.result, EmbedResult):
        return verdict.result.vectors[0]
    return None


def _within(scope: str, provider: Provider, model: str, text: str) -> str:
    """Among which questions one is compared: of the same vectors, with the same particulars."""
    # In their order: 10 less 3 is not 3 less 10, and vectors hardly tell one from the other.
    same = [each.strip(".,;:?!()") for each in _SAME.findall(text)]
    parts = (scope, str(provider.id), provider.base_url, model, *same)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _nearest(process: Process, lease: Lease, wanted: SimilarAnswers, scope: str, vector: str) -> Look:
    numbers = array("f", base64.b64decode(vector)).tolist()
    near = process.wait(
        until_stored(lambda: views.nearest(process.parts.db, lease.tenant_id, scope, numbers))
    )
    cache, dead = process.parts.cache, []
    for each in near:
        if each.likeness < wanted.likeness:
            break
        found = cache.look(lease.tenant_id, each.entry, counted=False)
        if found is not None:
            cache.count(lease.tenant_id, hits_alike=1, misses=-1)
            return Look(found, each.entry, Question(scope=scope, vector=vector), each.likeness)
        dead.append(each.entry)
    return Look(None, question=Question(scope=scope, vector=vector, dead=tuple(dead)))
