"""A provider that answers 200 MB to everything, for as long as anyone reads."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.chaos.records import Received

SIZE: Final = 200_000_000
_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
_PIECE: Final = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 65_400 + b'"}}]}\n\n'
_CALL_ID: Final = "x-client-request-id"


@dataclass
class Flood:
    """What it received, and the most that anyone took of an answer."""

    received: list[Received] = field(default_factory=list)
    most_sent: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
            self.received.append(Received(fields.get(_CALL_ID), datetime.now(UTC), "200 MB", 0))
            await reader.readexactly(int(fields.get("content-length", "0")))
            writer.write(_HEAD % SIZE)
            await self._pour(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _pour(self, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while sent < SIZE:
            writer.write(_PIECE)
            await writer.drain()
            sent += len(_PIECE)
            self.most_sent = max(self.most_sent, sent)
