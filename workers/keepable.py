"""What the cache may hold of a call, and under which name: nothing where it is not known what it took."""

import hashlib
from typing import Final

import orjson

from orchestrator.flow.book import Outcome
from orchestrator.flow.claim import Lease
from schemas.calls import Kept
from workers.providers.base import Ask

FORM: Final = 2
"""Goes up with what an entry, or its name, is made of."""
_NO_MATTER: Final = {"timeouts", "retry", "health", "embedding_model"}
"""What of a provider's options changes no answer."""


def keepable(outcome: Outcome) -> Kept | None:
    """A complete answer with its usage and cost, or None."""
    if outcome.answer is None or outcome.usage is None or outcome.cost is None:
        return None
    return Kept(
        text=outcome.answer,
        model=outcome.served_model,
        cut=outcome.cut,
        input_tokens=outcome.usage.input_tokens,
        output_tokens=outcome.usage.output_tokens,
        cost_nanos=outcome.cost.nanos,
    )


def entry_of(lease: Lease, ask: Ask) -> str | None:
    """The name of an answer: a hash of all that it depends on within its tenant. None for what is no JSON.

    The messages are those that leave, and carry the prompt's version."""
    canonical = {
        "form": FORM,
        "kind": lease.request.kind,
        "provider": lease.provider.id,
        "wire": lease.provider.wire,
        "address": lease.provider.base_url,
        "options": lease.provider.options.model_dump(mode="json", exclude=_NO_MATTER, exclude_defaults=True),
        "model": ask.model,
        "messages": [[message.role, message.content] for message in ask.messages],
        "max_tokens": ask.max_output_tokens,
        "temperature": ask.temperature,
        "schema": ask.schema,
        "inputs": ask.inputs,
        "dimensions": ask.dimensions,
    }
    try:
        text = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS, default=str)
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(text).hexdigest()
