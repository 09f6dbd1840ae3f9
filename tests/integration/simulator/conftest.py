"""A simulator that listens on a free port of this machine, and a client of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from orchestrator.simulator.server import Server, Settings

CHAT = "/openai/v1/chat/completions"


@dataclass(frozen=True)
class Client:
    """What a test asks of the simulator, over HTTP only."""

    http: httpx.AsyncClient
    url: str

    async def chat(
        self,
        *,
        fault: str = "",
        key: str = "sk-any",
        call: str = "call-1",
        path: str = CHAT,
        text: str = "hello",
        **fields: Any,
    ) -> httpx.Response:
        """One completion; `fault` goes into the header of the simulator."""
        headers = {"authorization": f"Bearer {key}", "x-client-request-id": call}
        if fault:
            headers["x-simulator"] = fault
        body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": text}]} | fields
        return await self.http.post(path, json=body, headers=headers)

    async def rules(self, *rules: dict[str, Any]) -> httpx.Response:
        """Put these rules in force."""
        return await self.http.put("/simulator/rules", json=list(rules))

    async def entry(self, call: str = "call-1") -> dict[str, Any]:
        """The journal's one entry of a call."""
        (entry,) = (await self.http.get(f"/simulator/journal/{call}")).json()
        found: dict[str, Any] = entry
        return found

    async def bill(self) -> dict[str, Any]:
        """The bill."""
        bill: dict[str, Any] = (await self.http.get("/simulator/bill")).json()
        return bill


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    server = Server(Settings("127.0.0.1", 0, latency_ms=0, journal=None))
    url = await server.start()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        yield Client(http, url)
    await server.stop(grace_seconds=1)
