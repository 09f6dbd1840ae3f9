"""Who will answer: the vendors whose keys are in the environment, a local Ollama, else the simulator."""

import json
from typing import Final

from orchestrator.catalogue.vendors import FACTS
from orchestrator.cli.system.network import fetch
from orchestrator.config import credential
from orchestrator.flow.configure import ProviderSetting
from schemas.providers import Vendor, Wire

OLLAMA: Final = "http://127.0.0.1:11434"
SIMULATOR_KEY: Final = "ORCHESTRATOR_SIMULATOR_KEY"
_ADDRESSES: Final = {Vendor.OPENAI: "OPENAI_BASE_URL", Vendor.ANTHROPIC: "ANTHROPIC_BASE_URL"}
"""Where the vendors' own SDKs look for another address."""
_OLLAMA_SECONDS: Final = 0.3


def real() -> tuple[ProviderSetting, ...]:
    """The real providers found on this machine: whose key is in the environment, else a local Ollama."""
    found = tuple(filter(None, map(_keyed, FACTS)))
    if found:
        return found
    model = _ollama_model()
    return (_ollama(model),) if model else ()


def simulated(simulator_url: str) -> tuple[ProviderSetting, ...]:
    """Two simulated accounts, so that one can fail and the other take over."""
    return (
        ProviderSetting(
            name="simulated-openai",
            vendor=Vendor.OPENAI,
            wire=Wire.OPENAI_CHAT,
            base_url=f"{simulator_url}/accounts/primary/openai/v1",
            model=FACTS[Vendor.OPENAI].model or "",
            credential=f"env:{SIMULATOR_KEY}",
            simulated=True,
        ),
        ProviderSetting(
            name="simulated-backup",
            vendor=Vendor.CUSTOM,
            wire=Wire.OPENAI_CHAT,
            base_url=f"{simulator_url}/accounts/backup/openai/v1",
            model="gpt-4.1-mini",
            credential=f"env:{SIMULATOR_KEY}",
            simulated=True,
        ),
    )


def key_name(vendor: Vendor) -> str | None:
    """The variable that a vendor's key is in; None where it has none here."""
    return next((name for name in FACTS[vendor].environment if credential(name)), None)


def _keyed(vendor: Vendor) -> ProviderSetting | None:
    """The vendor at its usual address with its usual model, where its key is in the environment.

    Who has no usual address, or is not asked by a request and its answer, is a tenant's to make.
    """
    facts, key = FACTS[vendor], key_name(vendor)
    if key is None or facts.base_url is None or facts.wire is None or facts.model is None:
        return None
    address = credential(_ADDRESSES.get(vendor, "")) or facts.base_url
    return ProviderSetting(
        name=str(vendor),
        vendor=vendor,
        wire=facts.wire,
        base_url=address.rstrip("/"),
        model=facts.model,
        credential=f"env:{key}",
    )


def _ollama(model: str) -> ProviderSetting:
    return ProviderSetting(
        name="local-ollama",
        vendor=Vendor.OLLAMA,
        wire=Wire.OPENAI_CHAT,
        base_url=f"{OLLAMA}/v1",
        model=model,
        credential="none",
    )


def _ollama_model() -> str | None:
    """The first model that a local Ollama has; None where none answers at once or it has no model."""
    body = fetch(f"{OLLAMA}/api/tags", _OLLAMA_SECONDS)
    try:
        return str(json.loads(body)["models"][0]["name"]) if body else None
    except (ValueError, LookupError, TypeError):
        return None
