"""httpx's interface over aiohttp's transport: how a client is made, and what its errors mean.

No environment proxies, no redirects, no client timeout that could be mistaken for a deadline. A client
checks each address at the moment when it opens a connection to it, so that neither a name that changes
its address nor a literal one gets past.
"""

import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator.http.addresses import is_never_called, is_public

TransportError = httpx.TransportError
Response = httpx.Response


def open_client(base_url: str, connect_timeout: float, *, private: bool) -> httpx.AsyncClient:
    """A client of an endpoint; `private`: it may be at a private or loopback address."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=AiohttpTransport(client=_private_session if private else _public_session),
        timeout=httpx.Timeout(None, connect=connect_timeout),
        follow_redirects=False,
        trust_env=False,
    )


def never_connected(error: httpx.TransportError) -> bool:
    """Whether there was no connection at all, so that nothing can have been sent.

    The transport gives the names of connect errors to connections that broke later as well.
    """
    unconnected = aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError
    return isinstance(error.__cause__, unconnected)


class _Refused(OSError):
    """A connection to this address is not allowed."""


def _public_session() -> aiohttp.ClientSession:
    return _session(_public_socket)


def _private_session() -> aiohttp.ClientSession:
    return _session(_private_socket)


def _public_socket(found: tuple[Any, ...]) -> socket.socket:
    address = _address(found)
    if not is_public(address):
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
