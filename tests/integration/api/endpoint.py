"""An OpenAI-compatible endpoint of this machine that wants a key, and remembers who asked it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from orchestrator import clock
from orchestrator.flow.examine import examine
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from workers.probe import probe

KEY = "sk-canary-1f9d3c"


@dataclass
class Endpoint:
    """Where it is, what it wants, what it lists, and the headers of every request that came."""

    origin: str = ""
    key: str | None = KEY
    models: list[str] = field(default_factory=lambda: ["text-embedding-3", "tiny-chat", "big-chat"])
    status: int = 200
    location: str | None = None
    received: list[dict[str, str]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """Up to its version."""
        return f"{self.origin}/v1"

    async def answer(self, incoming: web.Request) -> web.StreamResponse:
        """Answer a request for the models."""
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        self.received.append(headers)
        if self.location:
            return web.Response(status=307, headers={"Location": self.location})
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": "no"}}, status=401)
        return web.json_response({"data": [{"id": name} for name in self.models]}, status=self.status)


@asynccontextmanager
async def answering() -> AsyncIterator[Endpoint]:
    """An endpoint on a free port."""
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_route("GET", "/v1/models", endpoint.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


@asynccontextmanager
async def examining(parts: Parts) -> AsyncIterator[None]:
    """Somebody who does the checks, as a worker would."""
    due = text("SELECT id FROM chores WHERE kind = 'provider_check' AND status = 'queued'")

    async def work() -> None:
        while True:
            for row in await parts.db.run(due):
                await examine(parts, row.id, partial(probe, parts))
            await clock.sleep(0.01)

    working = asyncio.get_running_loop().create_task(work())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
