"""How an answer is cut into pieces: server-sent events, one JSON text a line, or the body as a whole.

Bytes go in as they arrive, cut anywhere; whole pieces come out. What was never finished stays inside: an
answer that breaks off in the middle of a piece is an answer without its end.
"""

from collections.abc import Iterator
from typing import ClassVar, Protocol


class Framing(Protocol):
    """One way of cutting; made anew for each answer."""

    content_type: ClassVar[str]

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces that this chunk completes."""
        ...

    def end(self) -> Iterator[bytes]:
        """The pieces that are complete because nothing comes any more."""
        ...


class _Lines:
    """Bytes in, whole lines out, without their ends."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []

    def take(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        if b"\n" not in chunk:
            self._pending.append(chunk)
            return []
        *lines, rest = b"".join((*self._pending, chunk)).split(b"\n")
        self._pending = [rest]
        return [line.rstrip(b"\r") for line in lines]


class ServerSentEvents:
    """The `data:` of each event; comments and the other fields are dropped."""

    content_type: ClassVar[str] = "text/event-stream"

    def __init__(self) -> None:
        self._lines = _Lines()
        self._data: list[bytes] = []

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The data of the events that this chunk completes."""
        for line in self._lines.take(chunk):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data

    def end(self) -> Iterator[bytes]:
        """Nothing: what has no end mark was cut off."""
        yield from ()


class JsonLines:
    """Each line that isn't empty (NDJSON)."""

    content_type: ClassVar[str] = "application/x-ndjson"

    def __init__(self) -> None:
        self._lines = _Lines()

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes."""
        yield from filter(None, self._lines.take(chunk))

    def end(self) -> Iterator[bytes]:
        """Nothing: what has no end mark was cut off."""
        yield from ()


class WholeBody:
    """The body as one piece: an answer that is not streamed."""

    content_type: ClassVar[str] = "application/json"

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """Nothing before the end."""
        self._chunks.append(chunk)
        yield from ()

    def end(self) -> Iterator[bytes]:
        """All of it."""
        yield b"".join(self._chunks)
