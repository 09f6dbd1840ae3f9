"""Single statements in autocommit, straight on the driver: the path of every submit, poll and claim.

SQLAlchemy's pool and greenlets cost four times as much as such a statement itself
(ops/decisions has the measurement). Rows answer to names and `_asdict()`, as SQLAlchemy's do.
"""

import asyncio
import select
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import Dialect, TextClause
from sqlalchemy.dialects.postgresql.psycopg import dialect

_Connection = AsyncConnection[Any]
_DIALECT: Final[Dialect] = dialect()  # type: ignore[no-untyped-call]


class Direct:
    """A few connections, the last used first; one found dead takes the idle ones with it."""

    def __init__(self, url: str, settings: Mapping[str, Any], *, size: int, patience: float) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._settings = settings
        self._free: list[_Connection] = []
        self._slots = asyncio.Semaphore(size)
        self._patience = patience

    async def run(self, statement: TextClause, params: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of one statement, committed. Raises psycopg's errors, and `TimeoutError` for a slot."""
        await self._take_slot()
        try:
            connection = await self._idle() or await self._connect()
            try:
                cursor = await connection.execute(_sql(statement), params)
                has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
                return await cursor.fetchall() if has_rows else ()
            finally:
                await self._give_back(connection)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close the idle connections."""
        while self._free:
            await self._free.pop().close()

    async def _take_slot(self) -> None:
        if self._slots.locked():
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        else:
            await self._slots.acquire()

    async def _idle(self) -> _Connection | None:
        while self._free:
            connection = self._free.pop()
            if not _hung_up(connection):
                return connection
            await connection.close()
        return None

    async def _connect(self) -> _Connection:
        return await AsyncConnection.connect(
            self._url, autocommit=True, row_factory=namedtuple_row, **self._settings
        )

    async def _give_back(self, connection: _Connection) -> None:
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._free.append(connection)
        else:
            await connection.close()


def _hung_up(connection: _Connection) -> bool:
    """Whether the server said something while nobody asked: it can only have been a goodbye."""
    try:
        watched = select.poll()
        watched.register(connection.fileno(), select.POLLIN)
        return bool(watched.poll(0))
    except (OperationalError, OSError, ValueError):
        return True


@lru_cache(maxsize=1024)
def _sql(statement: TextClause) -> str:
    return str(statement.compile(dialect=_DIALECT))
