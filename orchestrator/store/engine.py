"""The one way of a process to its database, and the only place that commits.

`run` is one statement in autocommit (one round trip); `transaction` is for flow and limits alone.
A database that can't be reached, or that doesn't answer, is always `StoreUnavailable`, whatever the
driver called it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from copy import copy
from typing import Any, Self

import psycopg

from orchestrator.store import direct
from orchestrator.store.direct import Direct
from orchestrator.store.statements import Row, Rows, Statement, text
from schemas.errors import StoreUnavailable

__all__ = ["Connection", "Database", "Duplicate", "Line", "Row"]

STATEMENT_TIMEOUT_MS = 15_000
ANSWER_SECONDS = STATEMENT_TIMEOUT_MS / 1000 + 1
"""How long we wait where the server does not even end a statement that took too long."""
_PATIENCE = 10
_NONE: Mapping[str, Any] = {}


class Duplicate(Exception):
    """A row with this key is already there."""


@contextmanager
def unavailable() -> Iterator[None]:
    """Whatever the driver calls it, a database that can't be reached is `StoreUnavailable`."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
        raise StoreUnavailable(retry_after=2) from error
    except psycopg.errors.UniqueViolation as error:
        raise Duplicate from error


class Connection:
    """A transaction: its statements commit together."""

    def __init__(self, connection: direct.Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Statement, params: Mapping[str, Any] = _NONE, /) -> Rows:
        """The rows of a statement."""
        return await direct.rows(self._connection, statement, params)


class Line:
    """A connection of one's own, for an advisory lock."""

    def __init__(self, connection: direct.Connection, answers_within: float) -> None:
        self._connection = connection
        self._answers_within = answers_within

    async def one(self, statement: Statement, /, **params: Any) -> Row:
        """The one row of a statement."""
        with unavailable(), direct.hung_up_after(self._answers_within, self._connection):
            return (await direct.rows(self._connection, statement, params))[0]


class Database:
    """Postgres by psycopg 3 with bounded waits: connect 3 s, pool 10 s, statement 15 s, answer 16 s.

    At most `pool_size` connections for single statements, and as many for transactions.
    """

    def __init__(self, url: str, *, pool_size: int, name: str) -> None:
        settings = {
            "connect_timeout": 3,
            "application_name": f"orchestrator-{name}",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            # Every statement is a constant whose plan does not depend on its parameters; planning one over
            # all partitions costs as much as running it.
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
            " -c plan_cache_mode=force_generic_plan",
        }
        self._direct = Direct(url, settings, size=pool_size, patience=_PATIENCE)
        self._transactions = Direct(url, settings, size=pool_size, patience=_PATIENCE)
        self._within = ANSWER_SECONDS

    def answering_within(self, seconds: float) -> Self:
        """The same database, where a statement or a transaction may take only so long."""
        hurried = copy(self)
        hurried._within = seconds
        return hurried

    async def run(self, statement: Statement, /, **params: Any) -> Rows:
        """The rows of one statement that commits by itself."""
        with unavailable():
            return await self._direct.run(statement, params, self._within)

    async def one(self, statement: Statement, /, **params: Any) -> Row | None:
        """The first row of one statement, if any."""
        rows = await self.run(statement, **params)
        return rows[0] if rows else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Several statements that commit together, or not at all."""
        with unavailable():
            async with self._transactions.taken(self._within) as connection:
                await connection.execute("BEGIN")
                try:
                    yield Connection(connection)
                except BaseException:
                    # What can't be rolled back any more is closed, with the same effect.
                    with suppress(psycopg.Error):
                        await connection.rollback()
                    raise
                await connection.commit()

    @asynccontextmanager
    async def dedicated(self, *, silent_seconds: float) -> AsyncIterator[Line]:
        """A connection of one's own for an advisory lock, which ends with the block.

        The server ends it as well when it hears nothing for `silent_seconds`; so do we.
        """
        with unavailable():
            connection = await self._direct.alone(self._within)
        try:
            line = Line(connection, silent_seconds)
            await line.one(_SILENCE, milliseconds=str(round(silent_seconds * 1000)))
            yield line
        finally:
            await connection.close()

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless the database answers."""
        await self.run(_PING)

    async def close(self) -> None:
        """Give all connections back."""
        await self._direct.close()
        await self._transactions.close()


_PING = text("SELECT 1")
_SILENCE = text("SELECT set_config('idle_session_timeout', :milliseconds, false)")
