"""A TCP proxy on a link between two processes: it delays, cuts, resets or swallows what passes.

All links of a run share one loop in a thread of its own; they are steered from any thread. What a
partition holds back is delivered when it heals, as TCP does.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlsplit

from orchestrator.embedded.directory import free_port
from orchestrator.embedded.stack import Stack
from tests.chaos.flood import Flood

T = TypeVar("T")

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536
_RST: Final = struct.pack("ii", 1, 0)
_HEALED_WITHIN: Final = 0.02


class Weather(StrEnum):
    """How a link is."""

    FAIR = "fair"
    SLOW = "slow"
    PARTED = "parted"
    REFUSING = "refusing"


@dataclass
class Link:
    """One proxied address: a port of its own in front of a target."""

    name: str
    loop: asyncio.AbstractEventLoop
    port: int = field(default_factory=free_port)
    target: tuple[str, int] = (HOST, 0)
    weather: Weather = Weather.FAIR
    delay: float = 0.0
    cuts: int = 0
    _pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    def instead_of(self, url: str) -> str:
        """The URL that leads through this link."""
        parts = urlsplit(url)
        return url.replace(f"{parts.hostname}:{parts.port}", f"{HOST}:{self.port}", 1)

    def aim(self, url: str) -> None:
        """Lead to the address of a URL."""
        parts = urlsplit(url)
        self.target = parts.hostname or HOST, parts.port or 0

    def become(self, weather: Weather, delay: float = 0.0) -> None:
        """Change the weather for what passes from now on; refusing ends what is open, too."""
        was, self.weather, self.delay = self.weather, weather, delay
        if weather is Weather.REFUSING:
            self.run(self.close())
        elif was is Weather.REFUSING:
            self.run(self.open())

    def reset(self) -> int:
        """RST to both ends of every connection; how many there were."""

        async def resetting() -> int:
            return self._reset()

        return self.run(resetting())

    def run(self, act: Coroutine[None, None, T]) -> T:
        """Do something on the loop of the links."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(5)

    def cut(self, answers: int) -> None:
        """Break so many connections in the middle of what their server says next."""
        self.cuts = answers

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    async def close(self) -> None:
        """Stop listening, and end what is open."""
        if self._server:
            self._server.close()
        self._reset()

    async def _healed(self) -> None:
        # The weather is changed from another thread, and looked at between two pieces only.
        while self.weather is Weather.PARTED:  # noqa: ASYNC110
            await asyncio.sleep(_HEALED_WITHIN)

    def _reset(self) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            _abort(*pair)
        return len(pairs)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _abort(writer)
            return
        pair = writer, there_writer
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._carry(reader, there_writer, from_server=False),
                self._carry(there_reader, writer, from_server=True),
            )
        except OSError:
            pass
        finally:
            self._pairs.discard(pair)
            _abort(*pair)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_server: bool
    ) -> None:
        while data := await reader.read(_CHUNK):
            await self._healed()
            if self.weather is Weather.SLOW:
                await asyncio.sleep(self.delay)
            if from_server and self.cuts > 0:
                self.cuts -= 1
                writer.write(data[: len(data) // 2])
                with suppress(OSError):
                    await writer.drain()
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@dataclass(frozen=True)
class Links:
    """The links of a run: each role's own to Postgres, all to Valkey, the workers' to the provider."""

    to_postgres: dict[str, Link]
    to_valkey: Link
    to_provider: Link

    @property
    def all(self) -> list[Link]:
        """Every link."""
        return [*self.to_postgres.values(), self.to_valkey, self.to_provider]

    @contextmanager
    def flooding(self) -> Iterator[Flood]:
        """For the time of the block another server stands where the provider was."""
        flood, link = Flood(), self.to_provider
        server = link.run(asyncio.start_server(flood.serve, HOST, 0))
        kept, link.target = link.target, server.sockets[0].getsockname()[:2]
        link.reset()
        try:
            yield flood
        finally:
            link.target = kept
            link.reset()
            server.close()

    @staticmethod
    @contextmanager
    def opened(stack: Stack) -> "Iterator[Links]":
        """All links, open in front of a stack's servers; the provider's has to be aimed."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="links", daemon=True)
        thread.start()
        roles = ("api", "worker", "dispatcher")
        links = Links(
            {role: Link(f"{role} → Postgres", loop) for role in roles},
            Link("all → Valkey", loop),
            Link("worker → provider", loop),
        )
        for link in links.to_postgres.values():
            link.aim(stack.database_url)
        links.to_valkey.aim(stack.broker_url)
        try:
            for link in links.all:
                link.run(link.open())
            yield links
        finally:
            for link in links.all:
                link.run(link.close())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=5)


def _abort(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        link = writer.get_extra_info("socket")
        if link is not None and link.fileno() >= 0:
            with suppress(OSError):
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        writer.transport.abort()
