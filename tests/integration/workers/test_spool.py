"""The spool: an answer that came while Postgres was away is booked, whoever lives to do it."""

import asyncio
import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from orchestrator.config import Config
from orchestrator.embedded.stack import Stack, running
from orchestrator.flow.book import book
from orchestrator.flow.claim import Lease
from orchestrator.flow.intend import Intent
from orchestrator.flow.rescue import rescue
from orchestrator.store.migrate import migrate
from orchestrator.wiring import open_parts
from schemas.errors import StoreUnavailable
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import QUEUES, World, answered, eventually
from tests.integration.workers.conftest import KEY
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run
from workers.spool import Paid, Spool, replay

ONE = {"preferences": {"providers": ["alpha"]}}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def paid(lease: Lease, intent: Intent, text: str = "kept") -> Paid:
    return Paid(lease.task_id, lease.provider, intent, answered(text, 7))


async def test_what_was_kept_is_booked_once_and_forgotten(world: World, spool: Spool) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    spool.keep(paid(lease, intent))
    (path,) = spool.waiting()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    spool.keep(paid(lease, intent))
    assert await replay(world.parts, spool) == 1
    assert await replay(world.parts, spool) == 0
    assert list(path.parent.iterdir()) == []
    assert await world.ledger(lease.task_id) == [("spend", 7)]
    await world.die()
    await rescue(world.parts)
    again = await world.take(lease.task_id)
    assert again.paid is not None
    assert again.paid.text == "kept"


async def test_what_was_booked_meanwhile_is_only_forgotten(world: World, spool: Spool) -> None:
    lease = await world.running()
    intent = await world.called(lease, answered("first", 5))
    spool.keep(paid(lease, intent))
    assert await replay(world.parts, spool) == 1
    assert await world.ledger(lease.task_id) == [("spend", 5)]
    assert spool.waiting() == []


@pytest.mark.parametrize("damage", [b"", b"garbage", b"ab\n{}"])
async def test_a_damaged_file_is_set_aside_and_the_others_are_booked(
    world: World, spool: Spool, damage: bytes
) -> None:
    lease = await world.running()
    first, second = await world.intend(lease), await world.intend(lease)
    spool.keep(paid(lease, first))
    spool.keep(paid(lease, second))
    damaged = spool.waiting()[0]
    damaged.write_bytes(damage)
    assert await replay(world.parts, spool) == 1
    assert [path.suffix for path in damaged.parent.iterdir()] == [".corrupt"]
    assert (await world.call(first.call_id)).status == "started"
    assert (await world.call(second.call_id)).status == "answered"


async def test_a_file_that_cant_be_read_for_a_moment_waits_for_the_next_round(
    world: World, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    spool.keep(paid(lease, intent))

    def short_of_files(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", short_of_files)
        assert await replay(world.parts, spool) == 0
    assert await replay(world.parts, spool) == 1
    assert await world.ledger(lease.task_id) == [("spend", 7)]


async def test_a_changed_file_is_not_believed(world: World, spool: Spool) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    spool.keep(paid(lease, intent))
    (path,) = spool.waiting()
    path.write_bytes(path.read_bytes().replace(b'"nanos":7', b'"nanos":0'))
    assert await replay(world.parts, spool) == 0
    assert (await world.call(intent.call_id)).status == "started"


async def test_a_booking_that_hangs_is_kept_meanwhile_and_forgotten_when_it_is_done(
    world: World, process: Process, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.call.SPOOL_AFTER", 0.05)
    kept: list[UUID] = []
    keep = process.spool.keep

    def note(paid: Paid) -> None:
        keep(paid)
        kept.append(paid.intent.call_id)

    monkeypatch.setattr(process.spool, "keep", note)
    tries = iter([StoreUnavailable(), StoreUnavailable()])

    async def stumble(*given: object) -> bool:
        for error in tries:
            raise error
        return bool(await book(*given))  # type: ignore[arg-type]

    monkeypatch.setattr("workers.call.book", stumble)
    task_id = await world.submit(**ONE)
    await asyncio.to_thread(run, process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert len(kept) == 1
    assert process.spool.waiting() == []
    await check(world)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Servers of one's own, to be stopped."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-") as home:
        Path(home).chmod(0o755)
        with running(Path(home) / "data", lambda _line: None) as stack:
            migrate(stack.database_url)
            yield stack


async def test_a_worker_that_dies_while_postgres_is_away_still_books_what_it_paid(
    stack: Stack, simulator: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-anything")
    simulator.rules({"latency_ms": 1500})
    before = simulator.requests()
    config = Config(database_url=stack.database_url, broker_url=stack.broker_url, data_dir=tmp_path)
    async with open_parts(config, "test") as parts:
        world = await making.make_world(parts, base_url=simulator.base_url, credential=f"env:{KEY}")
        # Given a worker whose answer comes after Postgres is gone, and that dies once it is in the spool,
        task_id = await world.submit(**ONE)
        child = worker(stack, tmp_path, task_id)
        await eventually(lambda: asked(simulator), 30)
        stack.postgres.stop("immediate")
        assert await asyncio.to_thread(child.wait, 30) == -9
        assert len(Spool(tmp_path / "spool").waiting()) == 1
        # when Postgres and a worker of the same name are back,
        await asyncio.to_thread(stack.postgres.start)
        process = Process(config, "worker@spooling", QUEUES, 1)
        process.start()
        await eventually(lambda: no_longer_open(world), 30)
        await eventually(lambda: rescued(world, task_id), 30)
        await asyncio.to_thread(run, process, task_id)
        await asyncio.to_thread(process.stop)
        # then the answer is paid once, and is the result.
        assert await world.status(task_id) == "succeeded"
        assert simulator.requests() == before + 1
        assert [kind for kind, _ in await world.ledger(task_id)] == ["spend"]
        assert Spool(tmp_path / "spool").waiting() == []
        await check(world)


def worker(stack: Stack, data_dir: Path, task_id: UUID) -> "subprocess.Popen[bytes]":
    """A worker process that dies once an outcome is in its spool."""
    environment = os.environ | {
        "ORCHESTRATOR_DATABASE_URL": stack.database_url,
        "ORCHESTRATOR_BROKER_URL": stack.broker_url,
        "ORCHESTRATOR_DATA_DIR": str(data_dir),
        "ORCHESTRATOR_FAILPOINTS": "spool.kept=kill",
        KEY: "sk-anything",
    }
    command = [sys.executable, "-m", "tests.integration.workers.spooling", str(task_id)]
    return subprocess.Popen(command, env=environment)


async def asked(simulator: Simulated) -> bool:
    return int(simulator.http.get("/simulator/health").json()["open"]) > 0


async def no_longer_open(world: World) -> bool:
    return int(await world.value("SELECT count(*) FROM calls WHERE status = 'started'")) == 0


async def rescued(world: World, task_id: UUID) -> bool:
    with suppress(StoreUnavailable):
        await rescue(world.parts)
    return await world.status(task_id) == "queued"
