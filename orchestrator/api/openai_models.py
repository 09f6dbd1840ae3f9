"""What may be asked for as `model` at the OpenAI-compatible front: models, providers, or any of them."""

from collections.abc import Sequence
from typing import Any, Final

from orchestrator.api.openai_errors import ModelNotFound
from orchestrator.catalogue.embeddings import models_of
from orchestrator.store.views.providers import Standing
from schemas.errors import FieldError
from schemas.providers import Provider

ANY: Final = "auto"
"""Whatever the route chooses."""


def chosen(model: str, standings: Sequence[Standing]) -> dict[str, Any]:
    """The preferences that a `model` stands for. Raises `ModelNotFound`, naming what there is."""
    providers = [provider for provider, _, _ in standings]
    # Before the names: some vendors' own model is called so too.
    if model == ANY:
        return {}
    if any(provider.name == model for provider in providers):
        return {"providers": [model]}
    serving = [provider.name for provider in providers if provider.model == model]
    if serving:
        return {"providers": serving, "model": model}
    known = ", ".join(listed(standings))
    message = f"The model {model[:200]!r} does not exist here; there are {known}."
    raise ModelNotFound(message, errors=(FieldError(field="model", message=message, code="model_not_found"),))


def listed(standings: Sequence[Standing]) -> dict[str, dict[str, Any]]:
    """All that `chosen` knows, by id, as OpenAI lists models."""
    found: dict[str, dict[str, Any]] = {}
    for provider, _, _ in standings:
        found.setdefault(provider.model, _entry(provider.model, provider))
        found[provider.name] = _entry(provider.name, provider)
    return {ANY: {"id": ANY, "object": "model", "created": 0, "owned_by": "orchestrator"}, **found}


def listed_with_embeddings(standings: Sequence[Standing]) -> dict[str, dict[str, Any]]:
    """The same, and the models that may be asked for embeddings."""
    found = listed(standings)
    for provider, _, _ in standings:
        for model in models_of(provider):
            found.setdefault(model, _entry(model, provider))
    return found


def _entry(name: str, provider: Provider) -> dict[str, Any]:
    # A provider's id is a UUIDv7: its first 48 bits are the milliseconds at which it was made.
    created = (provider.id.int >> 80) // 1000 if provider.id.version == 7 else 0
    return {"id": name, "object": "model", "created": created, "owned_by": str(provider.vendor)}
