"""A provider that sends what a test wrote down, byte by byte, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from orchestrator import clock


@dataclass
class Canned:
    """A running one: its URL, what it sends, how long it rests between two chunks, and what came in."""

    url: str
    content_type: str = "text/event-stream"
    status: int = 200
    chunks: Iterable[bytes] = ()
    headers: dict[str, str] = field(default_factory=dict)
    rest: float = 0.0
    asked: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def canned() -> AsyncIterator[Canned]:
    """A provider on a free port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        provider.asked.append(head + await reader.readexactly(length))
        given = {"content-type": provider.content_type, "connection": "close", **provider.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"HTTP/1.1 {provider.status} -\r\n{lines}\r\n".encode())
        try:
            for chunk in provider.chunks:
                writer.write(chunk)
                await writer.drain()
                await clock.sleep(provider.rest)
        except ConnectionError:
            return
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    provider = Canned(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        yield provider
