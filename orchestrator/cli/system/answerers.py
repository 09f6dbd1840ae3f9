"""Who will answer: the vendors whose keys are in the environment, a local Ollama, else the simulator."""

import json
from typing import Final

from orchestrator.cli.system.network import fetch
from orchestrator.config import Config, credential
from orchestrator.flow.configure import ProviderSetting
from schemas.providers import Vendor, Wire

OLLAMA: Final = "http://127.0.0.1:11434"
SIMULATOR_KEY: Final = "ORCHESTRATOR_SIMULATOR_KEY"
_OLLAMA_SECONDS: Final = 0.3


def real(config: Config) -> tuple[ProviderSetting, ...]:
    """The real providers found on this machine; empty where there is none."""
    if config.openai_api_key and config.openai_api_key.get_secret_value():
        return (_openai(),)
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
            model="gpt-5-mini",
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


def _openai() -> ProviderSetting:
    return ProviderSetting(
        name="openai",
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url=(credential("OPENAI_BASE_URL") or "https://api.openai.com/v1").rstrip("/"),
        model="gpt-5-mini",
        credential="env:OPENAI_API_KEY",
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
