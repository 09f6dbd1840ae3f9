"""Listens, answers, and stops when told: no new requests, a short grace for running ones, then an end."""

import asyncio
import contextlib
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from orchestrator.simulator.answering import Simulator
from orchestrator.simulator.connection import Connection
from orchestrator.simulator.doors import Doors
from orchestrator.simulator.journal import Journal
from orchestrator.simulator.scripts.answer import script

BACKLOG: Final = 4096
GRACE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulator runs."""

    host: str
    port: int
    latency_ms: float
    journal: Path | None


class Server:
    """A listening simulator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal = Journal(settings.journal)
        self._doors = Doors(Simulator(self._journal, script, settings.latency_ms))
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen; returns the base URL with the port that was given."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._doors, self._connections),
            self._settings.host,
            self._settings.port,
            backlog=BACKLOG,
        )
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Stop listening, let running requests end, close the rest."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            if connection.task is None:
                connection.transport.close()
        await self._ended(grace_seconds)
        for connection in list(self._connections):
            connection.transport.abort()
        await self._ended(grace_seconds)
        self._journal.close()

    async def _ended(self, within_seconds: float) -> None:
        """Wait for the requests that are being answered."""
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=within_seconds)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    _allow_many_connections()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = Server(settings)
    _say("simulator.listening", url=await server.start(), latency_ms=settings.latency_ms)
    await stopped.wait()
    await server.stop()
    _say("simulator.stopped")


def _say(event: str, **fields: object) -> None:
    sys.stdout.write(orjson.dumps({"event": event} | fields).decode() + "\n")
    sys.stdout.flush()


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
