"""A few connections of the driver, in autocommit, for single statements or for transactions.

A server that is halted answers nobody and ends no connection: whoever waits has a deadline of its own.
"""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row

from orchestrator.store.statements import Rows, Statement

Connection = AsyncConnection[Any]


class Direct:
    """A few connections, the last used first; one found silent takes the idle ones with it."""

    def __init__(self, url: str, settings: Mapping[str, Any], *, size: int, patience: float) -> None:
        self._url = plain(url)
        self._settings = settings
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(size)
        self._patience = patience

    async def run(self, statement: Statement, params: Mapping[str, Any], within: float) -> Rows:
        """The rows of one statement, committed. Raises psycopg's errors, and `TimeoutError`."""
        async with self.taken(within) as connection:
            return await rows(connection, statement, params)

    @asynccontextmanager
    async def taken(self, within: float) -> AsyncIterator[Connection]:
        """One of the connections for a block. Raises psycopg's errors, and `TimeoutError`.

        `within`: the seconds for all of it; then the connection is hung up, whatever the server does.
        """
        until = asyncio.get_running_loop().time() + within
        await self._take_slot(min(self._patience, within))
        try:
            connection = await self._idle() or await self._connect(until)
            timer = asyncio.get_running_loop().call_at(until, self._too_late, connection)
            try:
                yield connection
            finally:
                timer.cancel()
                await self._give_back(connection)
        finally:
            self._slots.release()

    async def alone(self, within: float) -> Connection:
        """A connection of one's own, not counted here. Raises as `run`."""
        return await self._connect(asyncio.get_running_loop().time() + within)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._free:
            await self._free.pop().close()

    async def _take_slot(self, patience: float) -> None:
        if self._slots.locked():
            async with asyncio.timeout(patience):
                await self._slots.acquire()
        else:
            await self._slots.acquire()

    async def _idle(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if not _hung_up(connection):
                return connection
            await connection.close()
        return None

    async def _connect(self, until: float) -> Connection:
        async with asyncio.timeout_at(until):
            return await AsyncConnection.connect(
                self._url, autocommit=True, row_factory=namedtuple_row, **self._settings
            )

    def _too_late(self, connection: Connection) -> None:
        for silent in (connection, *self._free):
            hang_up(silent)

    async def _give_back(self, connection: Connection) -> None:
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._free.append(connection)
        else:
            await connection.close()


def plain(url: str) -> str:
    """A database's URL as the driver takes it: SQLAlchemy's names the driver too."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


async def rows(connection: Connection, statement: Statement, params: Mapping[str, Any]) -> Rows:
    """The rows of one statement on this connection."""
    cursor = await connection.execute(statement.driver, params)
    has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
    return Rows(await cursor.fetchall() if has_rows else ())


@contextmanager
def hung_up_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Hang the connection up if the block lasts longer; whoever waits on it then gets psycopg's error."""
    timer = asyncio.get_running_loop().call_later(seconds, hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def hang_up(connection: Connection) -> None:
    """Have the connection end as if the server had ended it.

    Cancelling the statement would ask the server to, and wait for one that doesn't answer.
    """
    with suppress(OperationalError, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _hung_up(connection: Connection) -> bool:
    """Whether the server said something while nobody asked: it can only have been a goodbye."""
    try:
        watched = select.poll()
        watched.register(connection.fileno(), select.POLLIN)
        return bool(watched.poll(0))
    except (OperationalError, OSError, ValueError):
        return True
