"""Ports of this machine, and short questions over HTTP to servers on it."""

import http.client
import socket
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from orchestrator.embedded.directory import free_port

__all__ = ["fetch", "first_listener", "free_port", "listener_on", "reachable_host"]

_BACKLOG: Final = 2048


def listener_on(host: str, port: int) -> socket.socket | None:
    """A socket that listens there, port 0 being any; None where none can.

    Whoever has it has the port: from now on nobody else on this machine takes it for free.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError:
        return None


def first_listener(host: str, port: int) -> socket.socket | None:
    """A listener on the first free port from this one on; None where a hundred are taken."""
    ports = range(port, min(port + 100, 65_536))
    return next((found for free in ports if (found := listener_on(host, free))), None)


def reachable_host(host: str) -> str:
    """How this machine calls a server that listens on `host`, ready for a URL."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1" if host != "::" else "[::1]"
    return f"[{host}]" if ":" in host else host


def fetch(url: str, timeout: float) -> bytes | None:
    """The body of a 200 within the seconds; None for anything else. Never through a proxy."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        link.request("GET", parts.path or "/")
        response = link.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        link.close()
    return body if response.status == HTTPStatus.OK else None
