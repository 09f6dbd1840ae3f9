"""The one HTTP client: httpx's interface over aiohttp's transport, one client per endpoint.

No environment proxies, no redirects, no client timeout that could be mistaken for a deadline:
deadlines are the caller's. `guarded` refuses addresses that a stranger must not make us call.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

_IPV4_AT_THE_END: Final = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible (RFC 4291)
)
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # a network's own gateway (RFC 8215)

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

    def anywhere(self) -> httpx.AsyncClient:
        """The one client for addresses that strangers name, given absolute URLs: its idle connections
        are dropped, so that many hosts leave nothing behind."""
        return self.of("")

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
        called = parts._replace(netloc=f"{shown}:{port}").geturl()
        return _callable(called), _ascii(parts.netloc.rpartition("@")[2])
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


def _callable(url: str) -> str:
    try:
        return str(httpx.URL(url))
    except httpx.InvalidURL as error:
        raise AddressRefused(f"the URL can't be called: {error}") from error


def _ascii(host: str) -> str:
    if not host.isascii():
        raise AddressRefused(f"the host {host!r} must be written in ASCII (its xn-- form)")
    return host


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address and every IPv4 address it stands for are on the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped:
        return _is_public(address.ipv4_mapped)
    own = address.is_global and not (address.is_multicast or address.is_site_local or address in _NAT64_LOCAL)
    return own and all(map(_is_public, _embedded(address)))


def _embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that a gateway would take out of this one and pass packets on to."""
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in network for network in _IPV4_AT_THE_END):
        yield ipaddress.IPv4Address(address.packed[-4:])
