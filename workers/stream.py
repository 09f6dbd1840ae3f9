"""One HTTP exchange with a provider under our own deadlines: connect, first token, idle, total.

Never raises for what a provider does: whatever happens becomes an `Exchange`. Cancellation is the
caller's: what had arrived by then stays in the `Exchange` it holds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, Self

from orchestrator import clock, failpoints, telemetry
from orchestrator.config import Config
from orchestrator.http.clients import Clients
from orchestrator.http.transport import Response, TransportError, never_connected
from schemas.errors import Category, Failure
from schemas.manners import Timeouts
from schemas.providers import Provider
from workers.framing import Framing, WholeBody
from workers.providers.base import (
    Malformed,
    Reply,
    WireFormat,
    WireRequest,
    by_status,
    hinted,
    malformed,
    said,
)

_MOST_ERROR_BYTES: Final = 64 * 1024
_OK: Final = 200


@dataclass(slots=True)
class Exchange:
    """How far an exchange got. `sent`: the request left us; `began`: a success response began.

    `heard` is called after each piece that came.
    """

    reply: Reply = field(default_factory=Reply)
    started: float = field(default_factory=clock.monotonic)
    sent: bool = False
    began: bool = False
    refused: bool = False
    first_token: float | None = None
    http_status: int | None = None
    failure: Failure | None = None
    heard: Callable[[], None] | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return clock.monotonic() - self.started


class _TooLarge(Exception):
    pass


async def exchange(
    clients: Clients,
    config: Config,
    provider: Provider,
    wire: WireFormat,
    request: WireRequest,
    result: Exchange,
    total: float,
) -> None:
    """Carry the request out into `result`; `total` seconds bound all of it."""
    try:
        async with asyncio.timeout(total):
            await _converse(clients, as_configured(config, provider, total), provider, wire, request, result)
    except TimeoutError:
        category = Category.TOTAL_TIMEOUT
        result.failure = result.failure or Failure(
            category=category, message=f"The call took longer than {total:g} s."
        )
    except TransportError as error:
        result.sent = not never_connected(error)
        # What broke after the request had left may have been answered, and billed.
        kind = Category.TRUNCATED if result.began else Category.CONNECT_ERROR
        result.failure = _failure(kind, error)
    except _TooLarge:
        message = f"The answer is larger than {config.max_answer_bytes} bytes."
        result.failure = Failure(category=Category.MALFORMED, message=message)
    except Exception as error:  # noqa: BLE001 - the call is paid: whatever comes, it has to be booked
        result.failure = _unread(result, error)


def _unread(result: Exchange, error: Exception) -> Failure:
    """What came can't be read, or nothing could be sent."""
    if not isinstance(error, ValueError):
        telemetry.fault("provider.fault", error)
    if not result.began and isinstance(error, ValueError):
        return Failure(category=Category.MALFORMED, message=said(error, None)[:500])
    return malformed(error)


def as_configured(config: Config, provider: Provider, total: float) -> Config:
    """The settings, with the provider's own patience in place of the installation's, and the call's own."""
    timeouts = provider.options.timeouts or Timeouts()
    own = {
        "total_timeout": total,
        "first_token_timeout": timeouts.first_token_seconds,
        "idle_timeout": timeouts.idle_seconds,
    }
    return config.model_copy(update={name: seconds for name, seconds in own.items() if seconds is not None})


async def _converse(
    clients: Clients,
    config: Config,
    provider: Provider,
    wire: WireFormat,
    request: WireRequest,
    result: Exchange,
) -> None:
    client = clients.to(provider, private=config.allow_private_providers)
    result.sent = True
    body = client.stream("POST", request.path, headers=dict(request.headers), content=request.body)
    # What is not streamed has no first token: it is there or not, within the call's own time.
    patient = request.patient or wire.framing is WholeBody
    until_it_begins = config.total_timeout + 1 if patient else config.first_token_timeout
    async with Patience(until_it_begins, result) as patience, body as response:
        await _read(config, wire, response, result, patience)


async def _read(
    config: Config, wire: WireFormat, response: Response, result: Exchange, patience: "Patience"
) -> None:
    result.http_status = response.status_code
    wire.head(result.reply, response.headers)
    if response.status_code != _OK:
        result.refused = True
        patience.come_down_to(config.idle_timeout)
        body = await _head(response)
        result.failure = _refusal(wire, response, body)
        return
    result.began = True
    content_type = response.headers.get("content-type", "")
    if not content_type.startswith(wire.framing.content_type):
        message = f"The provider answered with the content type {content_type[:100]!r}."
        result.failure = Failure(category=Category.MALFORMED, message=message)
        return
    pieces = 0
    async for data in _pieces(response, wire.framing(), config.max_answer_bytes):
        pieces += 1
        moved = _fed(wire, result.reply, data, pieces)
        if result.heard is not None:
            result.heard()
        if result.first_token is None and result.reply.parts:
            result.first_token = result.seconds
            patience.come_down_to(config.idle_timeout)
            failpoints.reach("call.began")
        elif moved:
            patience.renew()
    result.failure = wire.closed(result.reply)


def _fed(wire: WireFormat, reply: Reply, data: bytes, piece: int) -> bool:
    """Whether this piece moved the answer on. Raises `Malformed` naming the piece."""
    try:
        return wire.feed(reply, data)
    except Malformed as error:
        where = "" if wire.framing is WholeBody else f"in piece {piece}, "
        raise Malformed(f"{where}{error}") from error


def _refusal(wire: WireFormat, response: Response, body: bytes) -> Failure:
    """What an HTTP error means; by its status alone where its body can't be read."""
    status, headers = response.status_code, response.headers
    try:
        return wire.failure(status, headers, body)
    except Exception as error:  # noqa: BLE001 - a refusal stays one whatever its words are
        telemetry.fault("provider.fault", error)
        hint = hinted(headers)
        return Failure(
            category=by_status(status, hint), message=said(None, status), http_status=status, retry_after=hint
        )


class Patience:
    """Ends the block when nothing came for too long, as a failure instead of an exception.

    An arrival only stamps a time; the one timer looks at the stamp when it fires, and goes on waiting.
    """

    def __init__(self, seconds: float, result: Exchange) -> None:
        self._seconds, self._result = seconds, result
        self._category = Category.FIRST_TOKEN_TIMEOUT
        self._timeout = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()

    def renew(self) -> None:
        """Something came."""
        self._last = self._loop.time()

    def come_down_to(self, seconds: float) -> None:
        """It has begun: from now on this long between two arrivals."""
        self.renew()
        self._seconds, self._category = seconds, Category.IDLE_TIMEOUT
        self._timer.cancel()
        self._look()

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._look()
        return self

    async def __aexit__(self, *raised: object) -> bool:
        self._timer.cancel()
        try:
            await self._timeout.__aexit__(*raised)  # type: ignore[arg-type]
        except TimeoutError:
            message = f"Nothing came for {self._seconds:g} s."
            self._result.failure = Failure(category=self._category, message=message)
            return True
        return False

    def _look(self) -> None:
        left = self._last + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._timeout.reschedule(self._loop.time())


async def _pieces(response: Response, framing: Framing, most: int) -> AsyncIterator[bytes]:
    """The pieces of the response, as its framing cuts them."""
    read = 0
    async for chunk in response.aiter_raw():
        read += len(chunk)
        if read > most:
            raise _TooLarge
        for piece in framing.take(chunk):
            yield piece
    for piece in framing.end():
        yield piece


async def _head(response: Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MOST_ERROR_BYTES:
            break
    return bytes(body)


def _failure(category: Category, error: Exception) -> Failure:
    return Failure(category=category, message=f"{type(error).__name__}: {error}"[:500])
