"""A broker that answers and refuses: the worker lives, and goes on once the broker is mended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psutil
import pytest
from redis.asyncio import Redis

from orchestrator.broker import RUN, Publisher, Unpublished
from tests.integration.flow.world import World, eventually
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_celery import ONE, PATIENCE, QUEUE, Worker, broker, is_in, worker

__all__ = ["broker", "worker"]

Command = tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """How the broker is made to refuse, how it is mended, and the name under which it counts."""

    error: str
    refuse: tuple[Command, ...]
    mend: tuple[Command, ...]


REFUSALS = (
    Refusal("OOM", (("CONFIG", "SET", "maxmemory", "1"),), (("CONFIG", "SET", "maxmemory", "0"),)),
    Refusal("READONLY", (("REPLICAOF", "127.0.0.1", "9"),), (("REPLICAOF", "NO", "ONE"),)),
    Refusal("WRONGTYPE", (("DEL", "chores"), ("SET", "chores", "x")), (("DEL", "chores"),)),
)


async def told(redis: Redis, commands: tuple[Command, ...]) -> None:
    for command in commands:
        await redis.execute_command(*command)  # type: ignore[no-untyped-call]


async def refusals(redis: Redis, error: str) -> int:
    """How often the server has refused for this reason."""
    counted = (await redis.info("errorstats")).get(f"errorstat_{error}", {"count": 0})
    return int(counted["count"])


@pytest.fixture(params=REFUSALS, ids=lambda refusal: str(refusal.error))
async def refusal(request: pytest.FixtureRequest, broker: Redis) -> AsyncIterator[Refusal]:
    """One way to refuse; the server is as before at the end."""
    chosen: Refusal = request.param
    yield chosen
    await told(broker, chosen.mend)


async def test_a_worker_outlives_a_broker_that_refuses(
    world: World,
    worker: Worker,
    simulator: Simulated,
    refusal: Refusal,
) -> None:
    simulator.rules({"latency_ms": 300})
    tasks = [await world.submit(**ONE) for _ in range(6)]
    for task_id in tasks[:5]:
        worker.nudge(RUN, task_id)
    # Given a worker whose two slots are taken, and nudges that wait,
    await eventually(lambda: is_in(world, tasks[0], "running"), PATIENCE)
    before = await refusals(worker.redis, refusal.error)
    # when the broker refuses, often enough that the worker has come back to it several times,
    await told(worker.redis, refusal.refuse)

    async def refused_again_and_again() -> bool:
        return await refusals(worker.redis, refusal.error) >= before + 8

    await eventually(refused_again_and_again, 30)
    # then what runs ends, the same process lives with no more connections than it needs,
    await eventually(lambda: is_in(world, tasks[0], "succeeded"), PATIENCE)
    assert worker.process.poll() is None
    assert len(psutil.Process(worker.process.pid).net_connections("tcp")) < 20
    # and it goes on when the broker is mended; nudges that were lost are repeated.
    await told(worker.redis, refusal.mend)
    for task_id in tasks:
        if await world.status(task_id) == "queued":
            worker.nudge(RUN, task_id)
    for task_id in tasks:
        await eventually(lambda task_id=task_id: is_in(world, task_id, "succeeded"), PATIENCE)  # type: ignore[misc]
    assert worker.process.poll() is None
    assert await world.value("SELECT count(*) FROM calls") == len(tasks)


async def test_a_nudge_that_the_broker_refuses_is_unpublished(
    world: World,
    broker: Redis,
) -> None:
    publisher = Publisher(f"{(world.parts.config.broker_url or '').rpartition('/')[0]}/7")
    await broker.set(QUEUE, "x")
    with pytest.raises(Unpublished, match="WRONGTYPE"):
        publisher.publish(RUN, [("an-id", QUEUE)])
    await broker.delete(QUEUE)
    publisher.publish(RUN, [("an-id", QUEUE)])
    publisher.close()
