"""Probe: ask an endpoint for its models, to see whether it answers, how fast, and whether it takes the key.

Nothing is paid for. An endpoint that lists its models without a key as well proves nothing about the key.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson

from orchestrator import clock
from orchestrator.adapters import ProviderFailed
from orchestrator.catalogue.vendors import path_of
from orchestrator.http.transport import Response, TransportError
from orchestrator.wiring import Parts
from schemas.configured import CredentialVerdict, Probe
from schemas.providers import Provider, Wire
from workers.adapted import probed
from workers.context import Message
from workers.probe_job import probe_job
from workers.providers import wire_for
from workers.providers.base import Ask
from workers.providers.custom import found_in

TIMEOUT: Final = 15.0
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_MODELS: Final = 500
LONGEST_NAME: Final = 200
MODELS_PATH: Final[dict[Wire, str]] = {
    Wire.OPENAI_CHAT: "/models",
    Wire.OPENAI_RESPONSES: "/models",
    Wire.ANTHROPIC_MESSAGES: "/v1/models",
    Wire.GEMINI: "/models",
    Wire.OLLAMA: "/api/tags",
}
_REFUSED: Final = (401, 403)


async def probe(parts: Parts, provider: Provider, credential: str | None) -> Probe:
    """What the endpoint answered; whatever goes wrong is what was found."""
    if provider.wire is Wire.COPILOT:
        return await probe_job(parts, provider, credential)
    try:
        async with asyncio.timeout(TIMEOUT):
            if provider.wire is Wire.ADAPTER:
                return await probed(parts, provider, credential)
            return await _probed(parts, provider, credential)
    except TimeoutError:
        return _unreached(f"It did not answer within {TIMEOUT:g} s.")
    except TransportError as error:
        return _unreached(f"It can't be reached: {error}"[:500])
    except (ProviderFailed, ValueError) as error:
        return _unreached(f"Its adapter says: {error}"[:500])


def _unreached(message: str) -> Probe:
    return Probe(
        ok=False,
        reachable=False,
        credential=CredentialVerdict.UNPROVEN,
        latency_ms=None,
        http_status=None,
        models=[],
        model_listed=None,
        message=message,
    )


def _path(provider: Provider) -> str | None:
    custom = provider.options.custom if provider.wire is Wire.CUSTOM else None
    return custom.paths.models or custom.paths.health if custom else MODELS_PATH.get(provider.wire)


async def _probed(parts: Parts, provider: Provider, credential: str | None) -> Probe:
    path = _path(provider)
    if path is None:
        return _unreached("options.custom.paths names neither models nor health, so there is nothing to ask.")
    status, body, seconds = await _asked(parts, provider, credential, path)
    models = _models(provider, body) if status == 200 else []
    verdict = CredentialVerdict.NONE if credential is None else CredentialVerdict.UNPROVEN
    if credential is not None and status in _REFUSED:
        verdict = CredentialVerdict.REFUSED
    elif credential is not None and status == 200:
        without, _, _ = await _asked(parts, provider, None, path)
        verdict = CredentialVerdict.ACCEPTED if without in _REFUSED else CredentialVerdict.UNPROVEN
    known = provider.model in models if models and provider.model != "-" else None
    return Probe(
        ok=status == 200 and known is not False,
        reachable=True,
        credential=verdict,
        latency_ms=round(seconds * 1000, 1),
        http_status=status,
        models=models,
        model_listed=known,
        message=_said(provider, status, verdict, models, known),
    )


def _models(provider: Provider, body: bytes) -> list[str]:
    custom = provider.options.custom if provider.wire is Wire.CUSTOM else None
    if custom is None:
        return listed(body)
    return _named(found_in(body, custom.paths.model_ids)) if custom.paths.models else []


async def _asked(
    parts: Parts, provider: Provider, credential: str | None, path: str
) -> tuple[int, bytes, float]:
    client = parts.http.to(provider, private=parts.config.allow_private_providers)
    began = clock.monotonic()
    headers = _headers(provider, credential)
    async with client.stream("GET", path_of(provider, path), headers=headers) as response:
        body = await _read(response)
        return response.status_code, body, clock.monotonic() - began


def _headers(provider: Provider, credential: str | None) -> dict[str, str]:
    """As the wire sends them, so that the key is shown the way that calls show it."""
    ask = Ask(
        provider=provider,
        model=provider.model,
        messages=(Message("user", ""),),
        max_output_tokens=1,
        temperature=None,
    )
    sent = wire_for(ask).request(ask, credential, str(clock.new_id()))
    kept = {name: value for name, value in sent.headers.items() if name.lower() != "content-type"}
    return {**provider.options.headers, **kept, "Accept": "application/json"}


async def _read(response: Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            return b""
    return bytes(body)


def listed(body: bytes) -> list[str]:
    """The ids in a list of models, as any of the wires writes it; empty where it is none."""
    try:
        told: Any = orjson.loads(body)
    except ValueError:
        return []
    rows = told.get("data", told.get("models")) if isinstance(told, dict) else told
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = [row.get("id", row.get("name")) for row in found]
    return _named(names)


def _named(names: Sequence[Any]) -> list[str]:
    given = [name.removeprefix("models/") for name in names if isinstance(name, str)]
    fitting = [name for name in given if 0 < len(name) <= LONGEST_NAME]
    return [name for name in dict.fromkeys(fitting) if name.isprintable()][:MOST_MODELS]


def _said(
    provider: Provider, status: int, verdict: CredentialVerdict, models: list[str], known: bool | None
) -> str:
    if verdict is CredentialVerdict.REFUSED:
        return f"It refused the credential (HTTP {status})."
    if status == 404:
        return "It has no list of models there (HTTP 404): does base_url end with the version, such as /v1?"
    if status in _REFUSED:
        return f"It wants a credential (HTTP {status})."
    if status != 200:
        return f"It answered with HTTP {status}."
    if not models:
        return "It answered, and listed no models."
    if known is False:
        return f"It does not list the model {provider.model!r}; it lists {', '.join(models[:5])} …"
    if verdict is CredentialVerdict.UNPROVEN:
        return "It answered; it would have without a credential too, so that the credential is not proven."
    return f"It answered and listed {len(models)} models."
