"""The process's clients: one per endpoint, made when first used.

A process that calls nobody, such as the API's, never loads what they are made of. Deadlines are the
caller's.
"""

from typing import TYPE_CHECKING

from orchestrator.catalogue.vendors import address_of
from schemas.providers import Provider

if TYPE_CHECKING:
    import httpx


class Clients:
    """The process's clients, one per base URL and patience, made when first used."""

    def __init__(self, connect_timeout: float) -> None:
        self._connect = connect_timeout
        self._clients: dict[tuple[str, bool, float], httpx.AsyncClient] = {}

    def to(self, provider: Provider, *, private: bool) -> "httpx.AsyncClient":
        """The client of a provider, with its own patience for connecting.

        `private`: tenants' providers may be at private and loopback addresses; the operator's always may.
        """
        timeouts = provider.options.timeouts
        connect = timeouts.connect_seconds if timeouts else None
        return self.of(address_of(provider.base_url), private=provider.trusted or private, connect=connect)

    def of(self, base_url: str, *, private: bool, connect: float | None = None) -> "httpx.AsyncClient":
        """The client of an endpoint; `private`: it may be at a private or loopback address."""
        connect = connect or self._connect
        client = self._clients.get((base_url, private, connect))
        if client is None:
            from orchestrator.http.transport import open_client

            client = open_client(base_url, connect, private=private)
            self._clients[base_url, private, connect] = client
        return client

    def anywhere(self) -> "httpx.AsyncClient":
        """The one client for addresses that strangers name, given absolute URLs: its idle connections
        are dropped, so that many hosts leave nothing behind."""
        return self.of("", private=True)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
