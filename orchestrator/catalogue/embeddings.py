"""Who turns texts into vectors, by which models: data and pure functions."""

from typing import Final

from orchestrator.catalogue.models import Capability, all_models, plain_name
from orchestrator.catalogue.vendors import FACTS
from schemas.providers import Provider, Wire

WIRES: Final = frozenset({Wire.OPENAI_CHAT, Wire.OPENAI_RESPONSES, Wire.GEMINI, Wire.OLLAMA})
"""The wires that have a request for embeddings."""


def embeds(provider: Provider, model: str) -> bool:
    """Whether a provider is known to serve embeddings of this model."""
    return provider.wire in WIRES and model in models_of(provider)


def models_of(provider: Provider) -> tuple[str, ...]:
    """The models a provider may be asked for embeddings of, its usual one first.

    The one that its options name, those of its vendor, and its own default where that is one.
    """
    if provider.wire not in WIRES:
        return ()
    facts = FACTS[provider.vendor]
    known = {model.id: model.maker for model in all_models() if model.strengths[Capability.EMBEDDING] > 0}
    usual = (provider.options.embedding_model, facts.embeds)
    makes = (name for name, maker in known.items() if maker == provider.vendor)
    own = (provider.model,) if plain_name(provider.model) in known else ()
    return tuple(dict.fromkeys(name for name in (*usual, *own, *makes) if name))
