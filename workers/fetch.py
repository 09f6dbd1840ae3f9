"""One HTTP exchange with a vendor's job API, bounded in time and size; what goes wrong is a value."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from orchestrator.http import AddressRefused, Clients, TransportError, guarded, never_connected
from schemas.errors import Category, Failure
from workers.providers.copilot import JobRequest

SECONDS: Final = 30.0
NEVER_CONNECTED: Final = "never_connected"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch(clients: Clients, base_url: str, request: JobRequest, most: int) -> Fetched | Failure:
    """The response, or how there was none; code `never_connected`: nothing can have been sent."""
    client = clients.of(base_url)
    headers = dict(request.headers)
    if request.body:
        headers["Content-Type"] = "application/json"
    opening = client.stream(request.method, request.path, headers=headers, content=request.body)
    return await _within(opening, most)


async def download(clients: Clients, url: str, home: str, most: int) -> Fetched | Failure:
    """What a redirect leads to, asked for without any credential.

    The host is resolved and checked; only the provider's own (`home`, its base URL) may be a private one.
    """
    ours = urlsplit(url).hostname == urlsplit(home).hostname
    try:
        called, host = await guarded(url, allow_private=ours)
    except AddressRefused as error:
        return Failure(category=Category.JOB_WITHOUT_ANSWER, message=f"The artifact's address: {error}.")
    extensions = {"sni_hostname": urlsplit(url).hostname}
    opening = clients.anywhere().stream("GET", called, headers={"Host": host}, extensions=extensions)
    return await _within(opening, most)


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
