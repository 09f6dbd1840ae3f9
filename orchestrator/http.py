"""The one HTTP client: httpx's interface over aiohttp's transport, one client per endpoint.

No environment proxies, no redirects, no client timeout that could be mistaken for a deadline:
deadlines are the caller's. Addresses that a stranger must not make us call are refused: by `guarded`
before a webhook is sent, and for a provider by its client, at the moment when it opens a connection to
one, so that neither a name that changes its address nor a literal one gets past.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final
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

_AWS_METADATA: Final = ipaddress.IPv6Address("fd00:ec2::254")
_LOCAL_NAMES: Final = frozenset({"localhost", "local", "internal", "localdomain", "lan", "home", "intranet"})

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
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}

    def of(self, base_url: str, *, private: bool) -> httpx.AsyncClient:
        """The client of an endpoint; `private`: it may be at a private or loopback address."""
        client = self._clients.get((base_url, private))
        if client is None:
            client = self._clients[base_url, private] = httpx.AsyncClient(
                base_url=base_url,
                transport=AiohttpTransport(client=_private_session if private else _public_session),
                timeout=httpx.Timeout(None, connect=self._connect),
                follow_redirects=False,
                trust_env=False,
            )
        return client

    def anywhere(self) -> httpx.AsyncClient:
        """The one client for addresses that strangers name, given absolute URLs: its idle connections
        are dropped, so that many hosts leave nothing behind."""
        return self.of("", private=True)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


class _Refused(OSError):
    """A connection to this address is not allowed."""


def _public_session() -> aiohttp.ClientSession:
    return _session(_public_socket)


def _private_session() -> aiohttp.ClientSession:
    return _session(_private_socket)


def _public_socket(found: tuple[Any, ...]) -> socket.socket:
    address = _address(found)
    if not _is_public(address):
        raise _Refused(
            errno.EACCES,
            f"{address} is a private address, which only the operator may configure "
            "(ORCHESTRATOR_ALLOW_PRIVATE_PROVIDERS allows it to tenants)",
        )
    return _socket(found)


def _private_socket(found: tuple[Any, ...]) -> socket.socket:
    address = _address(found)
    if is_never_called(address):
        raise _Refused(errno.EACCES, f"{address} is an address that no provider can be at")
    return _socket(found)


def _address(found: tuple[Any, ...]) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(str(found[4][0]).partition("%")[0])


def _socket(found: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = found
    return socket.socket(family, kind, protocol)


def _session(opened: Callable[[tuple[Any, ...]], socket.socket]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30, socket_factory=opened)
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


def is_private_host(host: str) -> bool:
    """Whether a host, as an address has it, is a private one by its very name or number."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return not _is_public(ipaddress.ip_address(name))
    except ValueError:
        last = name.rpartition(".")[2]
        return last in _LOCAL_NAMES or last.isdigit() or last.startswith("0x")


def is_never_called(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether this is a link's own, everybody's or nobody's address: a cloud's metadata are at one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_never_called(address.ipv4_mapped)
        if address == _AWS_METADATA or any(map(is_never_called, _embedded(address))):
            return True
    return address.is_link_local or address.is_multicast or address.is_unspecified


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
