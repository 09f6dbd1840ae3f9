"""One HTTP exchange with a vendor's job API, bounded in time and size; what goes wrong is a value."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from orchestrator.http.addresses import AddressRefused, guarded
from orchestrator.http.transport import TransportError, never_connected
from orchestrator.wiring import Parts
from schemas.errors import Category, Failure
from schemas.providers import Provider
from workers.providers.copilot import JobRequest

SECONDS: Final = 30.0
NEVER_CONNECTED: Final = "never_connected"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch(parts: Parts, provider: Provider, request: JobRequest, most: int) -> Fetched | Failure:
    """The response, or how there was none; code `never_connected`: nothing can have been sent."""
    client = parts.http.to(provider, private=parts.config.allow_private_providers)
    headers = dict(request.headers)
    if request.body:
        headers["Content-Type"] = "application/json"
    opening = client.stream(request.method, request.path, headers=headers, content=request.body)
    return await _within(opening, most)


async def download(parts: Parts, provider: Provider, url: str, most: int) -> Fetched | Failure:
    """What a redirect leads to, asked for without any credential.

    The host is resolved and checked; only the provider's own may be a private one.
    """
    ours = urlsplit(url).hostname == urlsplit(provider.base_url).hostname
    try:
        called, host = await guarded(url, allow_private=ours and _private(parts, provider))
    except AddressRefused as error:
        return Failure(category=Category.JOB_WITHOUT_ANSWER, message=f"The artifact's address: {error}.")
    extensions = {"sni_hostname": urlsplit(url).hostname}
    opening = parts.http.anywhere().stream("GET", called, headers={"Host": host}, extensions=extensions)
    return await _within(opening, most)


def _private(parts: Parts, provider: Provider) -> bool:
    return provider.trusted or parts.config.allow_private_providers


async def _within(opening: object, most: int) -> Fetched | Failure:
    try:
        async with asyncio.timeout(SECONDS), opening as response:  # type: ignore[attr-defined]
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > most:
                    message = f"The response is larger than {most} bytes."
                    return Failure(category=Category.JOB_WITHOUT_ANSWER, message=message)
            return Fetched(response.status_code, response.headers, bytes(body))
    except TimeoutError:
        message = f"The response took longer than {SECONDS:g} s."
        return Failure(category=Category.FIRST_TOKEN_TIMEOUT, message=message)
    except TransportError as error:
        code = NEVER_CONNECTED if never_connected(error) else None
        message = f"{type(error).__name__}: {error}"[:500]
        return Failure(category=Category.CONNECT_ERROR, message=message, code=code)
