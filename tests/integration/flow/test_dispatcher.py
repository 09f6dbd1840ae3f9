"""The dispatcher as it runs: one leads, another takes over, and a wiped broker is filled again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from orchestrator import clock, telemetry
from orchestrator.dispatcher import Dispatcher
from orchestrator.flow.shares import Lane, shares
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.errors import StoreUnavailable
from tests.integration.flow.world import World, eventually, opened

LEADER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 7236912"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
async def broker(world: World) -> AsyncIterator[Redis]:
    client = Redis.from_url(world.parts.config.broker_url or "", decode_responses=True)
    await client.flushall()
    yield client
    await client.flushall()
    await client.aclose()


@asynccontextmanager
async def dispatching(parts: Parts) -> AsyncIterator[Dispatcher]:
    """A dispatcher that runs until the end of the block."""
    async with opened(parts.config) as own:
        dispatcher = Dispatcher(own)
        running = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def nudged(broker: Redis, queue: str = "provider.openai") -> list[str]:
    """The ids that stand in a queue."""
    entries = await broker.lrange(queue, 0, -1)
    return [json.loads(entry)["headers"]["id"] for entry in entries]


async def test_a_new_task_reaches_its_queue_within_a_moment(world: World, broker: Redis) -> None:
    async with dispatching(world.parts):
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 3)
        entry = json.loads((await broker.lrange("provider.openai", 0, -1))[0])
        assert entry["headers"]["task"] == "orchestrator.run"
        assert entry["content-type"] == "application/json"


async def is_nudged(broker: Redis, task_id: str) -> bool:
    return task_id in await nudged(broker)


async def test_a_wiped_broker_is_filled_again_within_two_seconds(world: World, broker: Redis) -> None:
    async with dispatching(world.parts):
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 3)
        await eventually(lambda: has_canary(broker), 3)
        await broker.flushall()
        wiped_at = clock.monotonic()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)
        assert clock.monotonic() - wiped_at < 2.5


async def has_canary(broker: Redis) -> bool:
    return bool(await broker.exists("orchestrator:canary"))


async def leaders(world: World) -> list[int]:
    return [row.pid for row in await world.rows(LEADER)]


async def test_one_of_two_dispatchers_leads_and_the_other_takes_over(world: World, broker: Redis) -> None:
    async def someone_leads() -> bool:
        return len(await leaders(world)) == 1

    async with dispatching(world.parts), dispatching(world.parts):
        await eventually(someone_leads, 5)
        (first,) = await leaders(world)
        await world.rows("SELECT pg_terminate_backend(CAST(:pid AS int))", pid=first)

        async def another_leads() -> bool:
            now = await leaders(world)
            return len(now) == 1 and now != [first]

        await eventually(another_leads, 5)
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)


@pytest.mark.parametrize("too_slow", [False, True])
async def test_books_that_take_too_long_to_check_hold_up_no_task(
    world: World, broker: Redis, monkeypatch: pytest.MonkeyPatch, too_slow: bool
) -> None:
    checked = asyncio.Event()

    async def slowly(*_: object, **__: object) -> None:
        checked.set()
        if too_slow:
            raise StoreUnavailable
        await clock.sleep(60)

    monkeypatch.setattr("orchestrator.dispatcher.reckon", slowly)
    async with dispatching(world.parts):
        await asyncio.wait_for(checked.wait(), 5)
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)


async def test_a_leader_that_stumbles_over_the_database_leads_again(
    world: World, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled: list[int] = []

    async def stumble(*_: object, **__: object) -> int:
        if len(stumbled) < 3:
            stumbled.append(1)
            raise StoreUnavailable
        return 0

    monkeypatch.setattr("orchestrator.dispatcher.rescue", stumble)
    async with dispatching(world.parts):
        await eventually(lambda: _has(stumbled, 3), 8)
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)


async def test_what_one_step_stumbles_over_does_not_stop_the_others(
    world: World, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object, **__: object) -> int:
        raise ValueError("a row that nobody can read")

    monkeypatch.setattr("orchestrator.dispatcher.rescue", stumble)
    async with dispatching(world.parts):
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)


async def test_a_statement_that_takes_too_long_in_one_step_does_not_stop_the_others(
    world: World, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.store.engine.STATEMENT_TIMEOUT_MS", 1000)
    monkeypatch.setattr("orchestrator.dispatcher.SILENT_LEADER_SECONDS", 0.9)
    async with world.parts.db.transaction() as connection:
        await connection.execute(text("LOCK TABLE reckonings"))
        async with dispatching(world.parts):
            task_id = await world.submit()
            await eventually(lambda: is_nudged(broker, str(task_id)), 8)


async def test_a_mistake_in_dispatching_is_told_as_a_fault_and_tried_again(
    world: World, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled: list[int] = []

    def stumble(*given: Any) -> dict[Lane, int]:
        if len(stumbled) < 2:
            stumbled.append(1)
            raise ZeroDivisionError
        return shares(*given)

    monkeypatch.setattr("orchestrator.flow.dispatch.shares", stumble)
    faults: list[tuple[str, type[BaseException]]] = []
    warnings: list[str] = []
    monkeypatch.setattr(telemetry, "fault", lambda event, error, **_: faults.append((event, type(error))))
    monkeypatch.setattr(telemetry, "warn", lambda event, **_: warnings.append(event))
    async with dispatching(world.parts):
        task_id = await world.submit()
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)
    assert faults == [("dispatcher.fault", ZeroDivisionError)] * 2
    assert "dispatcher.broker_unavailable" not in warnings


async def test_chores_whose_nudges_a_wipe_took_are_nudged_again_at_once(world: World, broker: Redis) -> None:
    chore_id = await world.value(
        "INSERT INTO chores (id, tenant_id, kind, subject_id, status, max_attempts)"
        " VALUES (gen_random_uuid(), :tenant, 'webhook', gen_random_uuid(), 'queued', 8)"
        " RETURNING id",
        tenant=world.tenant_id,
    )

    async def chore_is_nudged() -> bool:
        return str(chore_id) in await nudged(broker, "chores")

    async with dispatching(world.parts):
        await eventually(chore_is_nudged, 3)
        await eventually(lambda: has_canary(broker), 3)
        await broker.flushall()
        await eventually(chore_is_nudged, 5)


async def _has(seen: list[int], count: int) -> bool:
    return len(seen) >= count


async def test_without_a_broker_the_dispatcher_lives_and_keeps_tasks_in_their_lanes(
    world: World, broker: Redis
) -> None:
    config = world.parts.config.model_copy(update={"broker_url": "redis://127.0.0.1:9/0"})
    async with dispatching(replace(world.parts, config=config)):
        task_id = await world.submit()

        async def was_tried() -> bool:
            query = "SELECT count(*) FROM events WHERE name = 'task.dispatched' AND task_id = :id"
            return bool(await world.value(query, id=task_id))

        await eventually(was_tried, 10)

        async def is_back() -> bool:
            return (await world.task(task_id)).nudged_at is None

        await eventually(is_back, 10)
    async with dispatching(world.parts):
        await eventually(lambda: is_nudged(broker, str(task_id)), 5)
