"""Ports of this machine, and short questions over HTTP to servers on it."""

import http.client
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from orchestrator.embedded.directory import free_port

__all__ = ["can_listen", "fetch", "free_port", "next_free_port", "reachable_host"]


def can_listen(host: str, port: int) -> bool:
    """Whether a server could listen on this address now."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def next_free_port(host: str, port: int) -> int | None:
    """The first free port from this one on; None where a hundred are taken."""
    return next((free for free in range(port, min(port + 100, 65_536)) if can_listen(host, free)), None)


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
