"""Polls: the hot row of a task. Those that arrive while a query is under way share the next one.

A poll never gets what was read before it was asked, so it sees every commit that its caller has seen.
"""

import asyncio
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from orchestrator.store.engine import Database
from orchestrator.store.statements import text
from orchestrator.store.views.tasks import BEFORE_GATE, HOT, State, hot
from schemas.errors import StoreUnavailable

_AT_A_TIME: Final = 2

POLLS = text(
    f"""
    SELECT {HOT} FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS asked (tenant_id, id)
    JOIN tasks AS t ON t.id = asked.id AND t.tenant_id = asked.tenant_id{BEFORE_GATE}
    """
)

_Key = tuple[UUID, UUID]
_Answer = asyncio.Future[State | None]


async def state(db: Database, tenant_id: UUID, task_id: UUID) -> State | None:
    """The task's hot row, or None. Raises `StoreUnavailable`."""
    polls = _polls.get(db)
    if polls is None:
        polls = _polls[db] = _Polls()
    return await polls.ask(db, (tenant_id, task_id))


class _Polls:
    def __init__(self) -> None:
        self._waiting: dict[_Key, list[_Answer]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def ask(self, db: Database, key: _Key) -> State | None:
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        if len(self._readers) < _AT_A_TIME:
            reader = loop.create_task(self._read_on(db))
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        return await answer

    async def _read_on(self, db: Database) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                found = await _read(db, asked)
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who asked
                _refuse(asked, error)
            else:
                _answer(asked, found)


async def _read(db: Database, asked: dict[_Key, list[_Answer]]) -> dict[_Key, State]:
    tenants, ids = zip(*asked, strict=True)
    rows = await db.run(POLLS, tenants=list(tenants), ids=list(ids))
    return {(row.tenant_id, row.id): hot(row) for row in rows}


def _answer(asked: dict[_Key, list[_Answer]], found: dict[_Key, State]) -> None:
    for key, answers in asked.items():
        for answer in answers:
            if not answer.done():
                answer.set_result(found.get(key))


def _refuse(asked: dict[_Key, list[_Answer]], error: Exception) -> None:
    for answers in asked.values():
        for answer in answers:
            if not answer.done():
                away = isinstance(error, StoreUnavailable)
                answer.set_exception(StoreUnavailable(retry_after=2) if away else error)


_polls: WeakKeyDictionary[Database, _Polls] = WeakKeyDictionary()
