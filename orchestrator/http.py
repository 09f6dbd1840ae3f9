"""The one HTTP client: httpx's interface over aiohttp's transport, one client per endpoint.

No environment proxies, no redirects, no client timeout that could be mistaken for a deadline:
deadlines are the caller's. `guarded` refuses addresses that a stranger must not make us call.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

TransportError = httpx.TransportError
Response = httpx.Response


def never_connected(error: httpx.TransportError) -> bool:
    """Whether there was no connection at all, so that nothing can have been sent.

    The transport gives the names of connect errors to connections that broke later as well.
    """
    unconnected = aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError
    return isinstance(error.__cause__, unconnected)


class AddressRefused(ValueError):
    """This URL leads to an address that is not allowed."""


class HostUnknown(AddressRefused):
    """The host has no address now; it may have one later."""


class Clients:
    """The process's clients, one per base URL, made when first used."""

    def __init__(self, connect_timeout: float) -> None:
        self._connect = connect_timeout
        self._clients: dict[str, httpx.AsyncClient] = {}

    def of(self, base_url: str) -> httpx.AsyncClient:
        """The client of an endpoint."""
        client = self._clients.get(base_url)
        if client is None:
            client = self._clients[base_url] = httpx.AsyncClient(
                base_url=base_url,
                transport=AiohttpTransport(client=_session),
                timeout=httpx.Timeout(None, connect=self._connect),
                follow_redirects=False,
                trust_env=False,
            )
        return client

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def guarded(url: str, *, allow_private: bool) -> tuple[str, str]:
    """An URL with its host replaced by a checked address, and the host name; raises `AddressRefused`."""
    parts, port = _parsed(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"the host {parts.hostname!r} has no address") from error
    for family, _, _, _, sockaddr in found:
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        if not allow_private and not _is_public(address):
            raise AddressRefused(f"the host {parts.hostname!r} leads to the private address {address}")
        shown = f"[{address}]" if family == socket.AF_INET6 else str(address)
        return parts._replace(netloc=f"{shown}:{port}").geturl(), parts.netloc.rpartition("@")[2]
    raise HostUnknown(f"the host {parts.hostname!r} has no address")


def _parsed(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused(f"the URL can't be read: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused("the URL must start with http:// or https:// and name a host")
    return parts, port


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address).is_global and not (inner or address).is_multicast
