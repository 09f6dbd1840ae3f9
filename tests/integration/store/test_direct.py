"""Single statements straight on the driver: few connections, dead ones noticed, errors of one tree."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio

from orchestrator import clock
from orchestrator.store.engine import Database, Duplicate
from orchestrator.store.statements import text
from schemas.errors import StoreUnavailable

BACKENDS = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'orchestrator-direct'")
KILL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orchestrator-direct'"
)


@pytest_asyncio.fixture(loop_scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=3, name="direct")
    yield db
    await db.close()


@pytest_asyncio.fixture(loop_scope="session")
async def other(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=1, name="other")
    yield db
    await db.close()


async def test_rows_answer_to_names(db: Database) -> None:
    row = (await db.run(text("SELECT 1 AS one, CAST(:x AS text) AS x, '{\"a\": 1}'::jsonb AS j"), x="%s :y"))[
        0
    ]
    assert (row.one, row.x, row.j) == (1, "%s :y", {"a": 1})
    assert row._asdict()["one"] == 1


async def test_a_statement_without_rows_gives_none(db: Database) -> None:
    assert list(await db.run(text("SET statement_timeout = 1000"))) == []
    assert await db.one(text("SELECT 1 WHERE false")) is None


async def test_no_more_connections_than_allowed(db: Database, other: Database) -> None:
    await asyncio.gather(*(db.run(text("SELECT pg_sleep(0.01)")) for _ in range(20)))
    assert len(await other.run(BACKENDS)) == 3


async def test_connections_that_died_idle_are_noticed_before_use(db: Database, other: Database) -> None:
    await asyncio.gather(*(db.run(text("SELECT pg_sleep(0.01)")) for _ in range(3)))
    await other.run(KILL)
    while await other.run(BACKENDS):
        pass
    assert (await db.run(text("SELECT 1 AS one")))[0].one == 1


async def test_a_connection_that_dies_in_use_is_an_unavailable_store(db: Database, other: Database) -> None:
    sleeping = asyncio.create_task(db.run(text("SELECT pg_sleep(30)")))
    while not await other.run(BACKENDS):
        pass
    await other.run(KILL)
    with pytest.raises(StoreUnavailable):
        await sleeping
    assert (await db.run(text("SELECT 1 AS one")))[0].one == 1


async def test_a_cancelled_statement_leaves_a_clean_connection_or_none(db: Database, other: Database) -> None:
    sleeping = asyncio.create_task(db.run(text("SELECT pg_sleep(30)")))
    while not await other.run(BACKENDS):
        pass
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert (await db.run(text("SELECT 1 AS one")))[0].one == 1
    assert len(await other.run(BACKENDS)) == 1


async def test_a_doubled_key_has_a_name_of_its_own(db: Database) -> None:
    add = text("INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'twice')")
    await db.run(add)
    with pytest.raises(Duplicate):
        await db.run(add)


async def test_a_statement_commits_at_once(db: Database, other: Database) -> None:
    await db.run(text("INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'once')"))
    assert await other.one(text("SELECT 1 FROM tenants WHERE name = 'once'"))


@contextmanager
def halted(*pids: int) -> Iterator[None]:
    """Backends that neither answer nor hang up until the end of the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_a_halted_server_is_an_unavailable_store_in_time(db: Database, other: Database) -> None:
    await asyncio.gather(*(db.run(text("SELECT pg_sleep(0.01)")) for _ in range(3)))
    began = clock.monotonic()
    with halted(*[row.pid for row in await other.run(BACKENDS)]):
        with pytest.raises(StoreUnavailable):
            await db.answering_within(0.5).run(text("SELECT 1"))
        # The other connections were as silent as the first: none of them is asked.
        assert (await db.answering_within(0.5).run(text("SELECT 1 AS one")))[0].one == 1
        assert clock.monotonic() - began < 2


async def _halted_in_a_transaction(db: Database, *, before_the_commit: bool) -> None:
    async with db.answering_within(0.5).transaction() as connection:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).one()[0]
        os.kill(pid, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(1, os.kill, pid, signal.SIGCONT)
        if not before_the_commit:
            await connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("before_the_commit", [True, False])
async def test_a_transaction_with_a_halted_server_ends_in_time(db: Database, before_the_commit: bool) -> None:
    began = clock.monotonic()
    with pytest.raises(StoreUnavailable):
        await _halted_in_a_transaction(db, before_the_commit=before_the_commit)
    assert clock.monotonic() - began < 0.9
    async with db.transaction() as connection:
        assert (await connection.execute(text("SELECT 1"))).one()[0] == 1


async def test_a_connection_of_ones_own_ends_when_nobody_asks_on_it(db: Database) -> None:
    async with db.dedicated(silent_seconds=0.3) as line:
        assert (await line.one(text("SELECT 1 AS one"))).one == 1
        await clock.sleep(0.8)
        with pytest.raises(StoreUnavailable):
            await line.one(text("SELECT 1"))


async def test_a_connection_of_ones_own_ends_with_a_halted_server(db: Database) -> None:
    async with db.dedicated(silent_seconds=0.5) as line:
        pid = (await line.one(text("SELECT pg_backend_pid() AS pid"))).pid
        with halted(pid), pytest.raises(StoreUnavailable):
            await line.one(text("SELECT 1"))
