"""A store that commits and then reports that it is away: nobody can tell from outside what became of it.

Seeded, so that a run can be repeated. What was refused before it was committed is the ordinary outage,
and not of interest here.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from orchestrator.store.engine import Connection, Database, Line
from orchestrator.store.statements import Rows, Statement
from schemas.errors import StoreUnavailable


class Stumbling(Database):
    """Another database, of whose statements and transactions a share is reported as lost after its commit."""

    def __init__(self, steady: Database, *, seed: int, share: float = 0.05) -> None:
        self._steady = steady
        self._dice = random.Random(seed)
        self._share = share
        self.stumbles = 0

    def beside(self, steady: Database) -> "Stumbling":
        """Another one that stumbles as often."""
        return Stumbling(steady, seed=self._dice.getrandbits(32), share=self._share)

    async def run(self, statement: Statement, /, **params: Any) -> Rows:
        """The rows of a statement, if their way back is not cut."""
        rows = await self._steady.run(statement, **params)
        self._perhaps_stumble()
        return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that is committed in any case."""
        async with self._steady.transaction() as connection:
            yield connection
        self._perhaps_stumble()

    @asynccontextmanager
    async def dedicated(self, *, silent_seconds: float) -> AsyncIterator[Line]:
        """A connection of one's own."""
        async with self._steady.dedicated(silent_seconds=silent_seconds) as line:
            yield line

    async def close(self) -> None:
        """Close what is behind it."""
        await self._steady.close()

    def _perhaps_stumble(self) -> None:
        if self._dice.random() < self._share:
            self.stumbles += 1
            raise StoreUnavailable(retry_after=1)
