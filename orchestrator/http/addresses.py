"""Addresses that a stranger must not make us call, by name or by number.

`guarded` looks a host up and gives the address that is to be called, so that a name that changes its
address gets no one past; sockets are checked again, in `transport`, when they are opened.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

_IPV4_AT_THE_END: Final = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible (RFC 4291)
)
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # a network's own gateway (RFC 8215)

_AWS_METADATA: Final = ipaddress.IPv6Address("fd00:ec2::254")
_LOCAL_NAMES: Final = frozenset({"localhost", "local", "internal", "localdomain", "lan", "home", "intranet"})


class AddressRefused(ValueError):
    """This URL leads to an address that is not allowed."""


class HostUnknown(AddressRefused):
    """The host has no address now; it may have one later."""


async def guarded(url: str, *, allow_private: bool) -> tuple[str, str]:
    """An URL with its host replaced by a checked address, and the host name; raises `AddressRefused`."""
    parts, port = _parsed(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"the host {parts.hostname!r} has no address") from error
    for family, _, _, _, sockaddr in found:
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        if not allow_private and not is_public(address):
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
    import httpx  # heavy: a process that only checks addresses does without

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
        return not is_public(ipaddress.ip_address(name))
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


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address and every IPv4 address it stands for are on the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    own = address.is_global and not (address.is_multicast or address.is_site_local or address in _NAT64_LOCAL)
    return own and all(map(is_public, _embedded(address)))


def _embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that a gateway would take out of this one and pass packets on to."""
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in network for network in _IPV4_AT_THE_END):
        yield ipaddress.IPv4Address(address.packed[-4:])
