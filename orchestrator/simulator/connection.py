"""One HTTP/1.1 connection, parsed by httptools, answered by a task per request.

A server of its own, because faults need what ASGI hides: closing the connection in the middle of an
answer, lying about a length, and knowing at once that the client has gone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, cast

import httptools

MAX_BODY: Final = 64 * 1024 * 1024
LINGER_SECONDS: Final = 10.0
_MAX_WAITING: Final = 16
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


class ClientGone(Exception):
    """The client has closed the connection."""


@dataclass(slots=True)
class Request:
    """One request; `received_at` is the wall clock when its headers had arrived, in epoch seconds."""

    method: str
    target: str
    headers: dict[str, str]
    received_at: float
    keep_alive: bool
    body: bytes = b""
    refused: int | None = None
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class Connection(asyncio.Protocol):
    """Reads requests one after the other and hands each to `answer`."""

    def __init__(
        self, answer: Callable[["Exchange"], Awaitable[None]], connections: set["Connection"]
    ) -> None:
        self._answer = answer
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[str, str] = {}
        self._request: Request | None = None
        self._waiting: deque[Request] = deque()
        self.task: asyncio.Task[None] | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self.gone = False

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport and aren't instances of it.
        self.transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._connections.discard(self)
        for waiter in (self._sleeper, self._writable):
            if waiter and not waiter.done():
                waiter.set_exception(ClientGone())

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.transport.write(head(400, {"content-length": "0", "connection": "close"}))
            self.transport.close()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # the parser's side

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._url.decode("latin-1"),
            headers=self._headers,
            received_at=time.time(),
            keep_alive=self._parser.should_keep_alive(),
        )
        length = self._headers.get("content-length", "0")
        if length.isdigit() and int(length) > MAX_BODY:
            self._refuse(self._request)
        elif self._headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        request = self._request
        if request is None or request.refused:
            return
        request.parts.append(body)
        request.size += len(body)
        if request.size > MAX_BODY:
            self._refuse(request)

    def on_message_complete(self) -> None:
        request, self._request = self._request, None
        if request is None or request.refused:
            return
        request.body = b"".join(request.parts)
        request.parts = []
        self._waiting.append(request)
        if len(self._waiting) > _MAX_WAITING:
            self.transport.close()
        elif self.task is None:
            self._next()

    # the answer's side

    async def wait(self, seconds: float) -> None:
        """Let time pass; ClientGone as soon as the client has left."""
        if self.gone:
            raise ClientGone
        sleeper = self._sleeper = self._loop.create_future()
        timer = self._loop.call_later(seconds, _wake, sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            self._sleeper = None

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow to read."""
        if self.gone:
            raise ClientGone
        self.transport.write(data)
        if self._writable:
            await self._writable

    def _next(self) -> None:
        if not self._waiting or self.transport.is_closing():
            self.task = None
            return
        request = self._waiting.popleft()
        self.task = self._loop.create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        exchange = Exchange(self, request)
        try:
            await self._answer(exchange)
        except ClientGone:
            self.transport.abort()
        except BaseException:
            self.transport.abort()
            raise
        finally:
            if not exchange.complete or not request.keep_alive:
                self.transport.close()
            self._next()

    def _refuse(self, request: Request) -> None:
        """Answer 413 and swallow the rest: closing at once would lose the answer in a reset."""
        request.refused = 413
        request.parts = []
        body = b'{"error":{"message":"The body is larger than 64 MB.","type":"invalid_request_error"}}'
        fields = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
        }
        self.transport.write(head(413, fields) + body)
        self._loop.call_later(LINGER_SECONDS, self.transport.close)


class Exchange:
    """A request and the way back to its client."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.request = request
        self.complete = False
        self.sent = 0
        self.status: int | None = None
        self.first_sent_at: float | None = None
        self.wait = connection.wait
        self._connection = connection

    async def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole answer with its length."""
        await self.start(status, {**headers, "content-length": str(len(body))}, body)
        self.complete = True

    async def start(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Status and headers, with the first bytes of the body where there are any."""
        self.status = status
        self._count(body)
        await self._connection.write(head(status, headers) + body)

    async def write(self, body: bytes) -> None:
        """More of a body whose length was stated."""
        self._count(body)
        await self._connection.write(body)

    async def chunk(self, *parts: bytes) -> None:
        """More of a chunked body, each part a chunk of its own; an empty one would end it and is left out."""
        for part in parts:
            self._count(part)
        await self._connection.write(b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part))

    async def last_chunk(self) -> None:
        """The end of a chunked body."""
        await self._connection.write(b"0\r\n\r\n")
        self.complete = True

    def cut(self) -> None:
        """Close the connection as it is."""
        self._connection.transport.close()

    def _count(self, body: bytes) -> None:
        if body and self.first_sent_at is None:
            self.first_sent_at = time.time()
        self.sent += len(body)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of an answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n{lines}\r\n".encode("latin-1")


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
