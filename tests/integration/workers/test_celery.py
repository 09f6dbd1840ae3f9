"""A real Celery worker: junk does not end it, Celery's own tools see it, SIGTERM drains it."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis

from orchestrator import clock
from orchestrator.broker import CHORE, JOB, RUN, Publisher, make_app
from tests.integration.flow.world import World, eventually
from tests.integration.workers.conftest import KEY
from tests.integration.workers.simulated import Simulated

ROOT = Path(__file__).parents[3]
QUEUE = "provider.openai"
ONE = {"preferences": {"providers": ["alpha"]}}
DEEP = b"[" * 100_000
JUNK = (
    b"\xff\xfe\x00 garbage",
    b"not json",
    b"",
    b"42",
    b"null",
    b'"text"',
    b"[1, 2]",
    b"{}",
    b'{"body": 7}',
    b'{"body": "", "properties": {}, "headers": null}',
    b'{"body": "x", "properties": {"delivery_info": null, "delivery_tag": 1, "body_encoding": "base64"}}',
    DEEP,
)
PICKLE = "application/x-python-serialize"
MESSAGES = (
    (PICKLE, "gASVBQAAAAAAAACMAXiULg=="),
    ("application/json", "bm90IGpzb24="),
    ("application/json", "NDI="),
    ("application/json", "W10="),
    ("application/json", "eyJhIjogMX0="),
    ("application/x-unheard-of", "NDI="),
)
"""Messages of the right shape whose body is a pickle, no JSON, 42, [], {"a": 1}, or who knows what."""
CALL = "W1tdLCB7fSwge31d"
HEADERS: tuple[Any, ...] = (
    {},
    {"task": [1], "id": "x"},
    {"task": 7, "id": "x"},
    {"task": RUN},
    {"task": RUN, "id": 7},
    {"task": RUN, "id": "x", "eta": "later"},
    {"task": RUN, "id": "x", "eta": [1]},
    {"task": RUN, "id": "x", "expires": "never"},
    {"task": RUN, "id": "x", "expires": "1999-01-01T00:00:00"},
    {"task": RUN, "id": "x", "timelimit": "x"},
    {"task": RUN, "id": "x", "retries": "many"},
    {"task": RUN, "id": "x", "compression": "none known"},
    {"task": RUN, "id": "x", "group": [1], "root_id": 7, "parent_id": {}},
)
"""Headers of messages whose body calls with no argument."""
SECRET = "what nobody may read in a log"
UNKNOWN_ID = "01a1fa53-fba8-7759-8bec-aa36157246c9"
PATIENCE = 15.0


class Worker:
    """A Celery worker process with two slots, its broker and its figures."""

    def __init__(
        self, broker_url: str, redis: Redis, environment: dict[str, str], port: int, log: Path
    ) -> None:
        self.log = log
        self.broker_url = broker_url
        self.redis = redis
        self.environment = environment
        self.port = port
        self.process: subprocess.Popen[bytes]

    def nudge(self, celery_task: str, task_id: UUID | str) -> None:
        publisher = Publisher(self.broker_url)
        publisher.publish(celery_task, [(str(task_id), QUEUE)])
        publisher.close()

    def send(self, name: str, args: Any, **options: Any) -> None:
        app = make_app(self.broker_url)
        app.send_task(name, args=args, queue=QUEUE, retry=False, ignore_result=True, **options)
        app.close()

    def dropped(self) -> dict[str, float]:
        """How many messages were dropped, by why."""
        said = httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text
        return {
            why: float(count)
            for why, count in re.findall(r'orchestrator_messages_dropped_total{why="(\w+)"} (\S+)', said)
        }

    def celery(self, *arguments: str) -> str:
        """What Celery's own command line says."""
        command = [sys.executable, "-m", "celery", "-A", "workers", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=True
        )
        return done.stdout.decode()


@pytest.fixture
async def broker(world: World) -> AsyncIterator[Redis]:
    """A broker of one's own on the run's server: another numbered database."""
    url = f"{(world.parts.config.broker_url or '').rpartition('/')[0]}/7"
    redis = Redis.from_url(url)
    await redis.flushdb()
    yield redis
    await redis.flushdb()
    await redis.aclose()


@pytest.fixture
async def worker(world: World, broker: Redis, tmp_path: Path) -> AsyncIterator[Worker]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"{(world.parts.config.broker_url or '').rpartition('/')[0]}/7"
    environment = os.environ | {
        "ORCHESTRATOR_DATABASE_URL": world.parts.config.database_url or "",
        "ORCHESTRATOR_BROKER_URL": url,
        "ORCHESTRATOR_METRICS_PORT": str(port),
        "ORCHESTRATOR_DRAIN_SECONDS": "8",
        "ORCHESTRATOR_HEARTBEAT_SECONDS": "1",
        KEY: "sk-anything",
    }
    worker = Worker(url, broker, environment, port, tmp_path / "worker.log")
    with started(worker):
        await eventually(lambda: is_enlisted(world), PATIENCE)
        yield worker


@contextmanager
def started(worker: Worker) -> Iterator[None]:
    command = [
        sys.executable, "-m", "celery", "-A", "workers", "worker", "-Q", f"{QUEUE},chores",
        "--pool", "threads", "-c", "2", "-n", "junk@here", "--without-gossip", "--without-mingle",
        "--loglevel", "WARNING",
    ]  # fmt: skip
    with (
        worker.log.open("ab") as log,
        subprocess.Popen(command, env=worker.environment, cwd=ROOT, stderr=log) as process,
    ):
        worker.process = process
        try:
            yield
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


async def is_enlisted(world: World) -> bool:
    query = "SELECT count(*) FROM workers WHERE name = 'junk@here' AND stopped_at IS NULL"
    return bool(await world.value(query))


async def is_in(world: World, task_id: UUID, *statuses: str) -> bool:
    return await world.status(task_id) in statuses


PROPERTIES = {
    "correlation_id": "x",
    "delivery_mode": 2,
    "delivery_info": {"exchange": "", "routing_key": QUEUE},
    "priority": 0,
    "body_encoding": "base64",
}


async def test_junk_is_dropped_and_counted_and_the_worker_lives(world: World, worker: Worker) -> None:
    for entry in JUNK:
        await worker.redis.lpush(QUEUE, entry)
    for number, (content_type, body) in enumerate(MESSAGES):
        says = {"content-encoding": "utf-8", "content-type": content_type}
        properties = {**PROPERTIES, "delivery_tag": f"tag-{number}"}
        headers = {"task": RUN, "id": "x", "argsrepr": "", "kwargsrepr": ""}
        message = {"body": body, "headers": headers, "properties": properties, **says}
        await worker.redis.lpush(QUEUE, json.dumps(message))
    for number, headers in enumerate(HEADERS):
        properties = {**PROPERTIES, "delivery_tag": f"tag-of-headers-{number // 2}"}
        says = {"content-encoding": "utf-8", "content-type": "application/json"}
        message = {"body": CALL, "headers": headers, "properties": properties, **says}
        await worker.redis.lpush(QUEUE, json.dumps(message))
    for args in (("not-a-uuid",), (7,), ("a", "b", "c"), ()):
        worker.send(RUN, args)
    worker.send("some.other.task", (SECRET,))
    worker.send(RUN, (UNKNOWN_ID,))
    worker.send(CHORE, (UNKNOWN_ID,))
    worker.send(JOB, (UNKNOWN_ID,))
    task_id = await world.submit(**ONE)
    worker.nudge(RUN, task_id)
    await eventually(lambda: is_in(world, task_id, "succeeded"), PATIENCE)

    async def all_counted() -> bool:
        return sum(worker.dropped().values()) >= len(JUNK) + len(MESSAGES) + 7

    await eventually(all_counted, PATIENCE)
    assert worker.process.poll() is None
    dropped = worker.dropped()
    assert dropped["not_json"] + dropped["not_a_message"] == len(JUNK)
    assert dropped["not_an_id"] >= 4
    assert dropped["nothing_to_claim"] == 2
    assert {"unknown_celery_task", "undecodable", "rejected", "garbled"} <= dropped.keys()
    await eventually(lambda: nothing_is_left(worker), PATIENCE)
    await celerys_own_tools_see_it(worker)
    said = worker.log.read_text()
    assert "Received unregistered task of type 'some.other.task'." in said
    for content in (SECRET, "argsrepr", "tag-of-headers", "delivery_info", "gASV"):
        assert content not in said


async def nothing_is_left(worker: Worker) -> bool:
    return not await worker.redis.llen(QUEUE) and not await worker.redis.hlen("unacked")


async def celerys_own_tools_see_it(worker: Worker) -> None:
    pong, queues = await asyncio.gather(
        asyncio.to_thread(worker.celery, "inspect", "ping", "-d", "junk@here"),
        asyncio.to_thread(worker.celery, "inspect", "active_queues", "-d", "junk@here", "--json"),
    )
    assert "junk@here: OK" in pong
    assert "pong" in pong
    listed = json.loads(queues)["junk@here"]
    assert sorted(queue["name"] for queue in listed) == ["chores", QUEUE]


async def test_sigterm_lets_running_tasks_finish_and_gives_queued_nudges_back(
    world: World, worker: Worker, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 1000})
    tasks = [await world.submit(**ONE) for _ in range(5)]
    await world.rows("UPDATE tasks SET nudged_at = clock_timestamp()")
    for task_id in tasks:
        worker.nudge(RUN, task_id)

    async def two_are_running() -> bool:
        query = "SELECT count(*) FROM calls WHERE status = 'started'"
        return int(await world.value(query)) == 2

    await eventually(two_are_running, PATIENCE)
    worker.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 0
    rows = await world.rows("SELECT id, status, attempt, nudged_at FROM tasks")
    done = [row for row in rows if row.status == "succeeded"]
    waiting = [row for row in rows if row.status == "queued"]
    assert (len(done), len(waiting)) == (2, 3)
    left = [json.loads(entry)["headers"]["id"] for entry in await worker.redis.lrange(QUEUE, 0, -1)]
    for row in waiting:
        assert row.attempt == 0
        assert row.nudged_at is None or str(row.id) in left
    stopped = await world.value("SELECT stopped_at IS NOT NULL FROM workers WHERE name = 'junk@here'")
    assert stopped
    assert await world.value("SELECT count(*) FROM calls") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT], ids=str)
async def test_further_signals_change_nothing_about_a_warm_stop(
    world: World, worker: Worker, simulator: Simulated, number: signal.Signals
) -> None:
    simulator.rules({"latency_ms": 1500})
    tasks = [await world.submit(**ONE) for _ in range(2)]
    for task_id in tasks:
        worker.nudge(RUN, task_id)
    for task_id in tasks:
        await eventually(partial(is_in, world, task_id, "running"), PATIENCE)
    for _ in range(5):
        worker.process.send_signal(number)
        await clock.sleep(0.1)
    assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 0
    assert [await world.status(task_id) for task_id in tasks] == ["succeeded", "succeeded"]
    assert await world.value("SELECT count(*) FROM calls") == 2
    assert not await worker.redis.llen(QUEUE)
