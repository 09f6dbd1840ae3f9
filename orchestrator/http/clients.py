"""The process's clients: one per endpoint, made when first used.

A process that calls nobody, such as the API's, never loads what they are made of. Deadlines are the
caller's.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class Clients:
    """The process's clients, one per base URL, made when first used."""

    def __init__(self, connect_timeout: float) -> None:
        self._connect = connect_timeout
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}

    def of(self, base_url: str, *, private: bool) -> "httpx.AsyncClient":
        """The client of an endpoint; `private`: it may be at a private or loopback address."""
        client = self._clients.get((base_url, private))
        if client is None:
            from orchestrator.http.transport import open_client

            client = open_client(base_url, self._connect, private=private)
            self._clients[base_url, private] = client
        return client

    def anywhere(self) -> "httpx.AsyncClient":
        """The one client for addresses that strangers name, given absolute URLs: its idle connections
        are dropped, so that many hosts leave nothing behind."""
        return self.of("", private=True)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
