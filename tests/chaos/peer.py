"""The peer under the faults of `make chaos`: plain Celery on Redis, killed, flushed and restarted alike.

It has no database to restart and no dispatcher to kill; its workers and its Redis meet the same.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson
import redis
from celery import Celery

from ops.bench.asks import BODY
from orchestrator.embedded.stack import Stack
from tests.chaos import reading
from tests.chaos.children import Child, Stalled, eventually
from tests.chaos.ground import ROOT, Ground, ground
from tests.chaos.storm import FLAKY, LATENCY_MS, TIMES

TASKS: Final = 200
PACE: Final = 12.0
WORKERS: Final = 3
KILLS: Final = 5
QUIET_SECONDS: Final = 45.0
APP: Final = "ops.bench.peers.queue.work"


def peer_row(stack: Stack, seed: int) -> str:
    """Its figures in a line; ours stand above it in the table."""
    with ground(stack, TIMES, latency_ms=LATENCY_MS) as made:
        made.rules({**FLAKY, "seed": seed})
        workers = [_worker(made, stack, number) for number in range(WORKERS)]
        for worker in workers:
            worker.start(made.folder / f"{worker.name}.log")
        try:
            return _figures(made, stack, workers, random.Random(seed))
        finally:
            for worker in workers:
                worker.kill()


def _worker(made: Ground, stack: Stack, number: int) -> Child:
    flags = "--pool threads -c 16 --without-gossip --without-mingle -l warning"
    command = ("-m", "celery", "-A", APP, "worker", *flags.split(), "-n", f"peer-{number}@%h")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PEER_REDIS_URL": stack.broker_url,
        "PEER_PROVIDER_URL": f"{made.simulator_url}/openai/v1",
        "ORCHESTRATOR_SIMULATOR_KEY": "simulated",
    }
    return Child(f"peer-{number}", (sys.executable, *command), environment, ROOT)


def _figures(made: Ground, stack: Stack, workers: list[Child], dice: random.Random) -> str:
    client: Any = Celery("asking", broker=stack.broker_url, backend=stack.broker_url)
    told = _under_fire(made, stack, workers, client, dice)
    redis_client = redis.Redis.from_url(stack.broker_url, decode_responses=True)

    def results() -> set[str]:
        return {one for one in told if redis_client.exists(f"celery-task-meta-{one}")}

    with suppress(Stalled):
        eventually(lambda: len(results()) == len(told), "every task has a result", QUIET_SECONDS)
    states = Counter(str(client.AsyncResult(one).state) for one in told)
    requests = [entry for entry in reading.received(made.journal) if entry.billed > 0]
    paid = Counter(entry.id for entry in requests)
    booked = Counter(str(line).split()[0] for line in redis_client.lrange("ledger", 0, -1))
    unaccounted = sum(max(0, count - booked[one or ""]) for one, count in paid.items())
    twice = sum(count > 1 for count in paid.values())
    client.close()
    return (
        f"{len(told)} acknowledged: {states['PENDING'] + states['STARTED'] + states['RETRY']} lost, "
        f"{twice} paid twice or more, {unaccounted} of {len(requests)} paid calls unaccounted, "
        f"{states['FAILURE']} failed ({KILLS} workers killed, 1 flush, 1 restart of Redis)"
    )


def _under_fire(
    made: Ground, stack: Stack, workers: list[Child], client: Any, dice: random.Random
) -> list[str]:
    """Tasks at an even pace, and between them the faults, each at its turn."""
    context = orjson.loads(BODY)["context"]
    acts: list[Callable[[], None]] = [lambda: _kill(made, dice.choice(workers)) for _ in range(KILLS)]
    acts += [lambda: _flush(stack), lambda: _restart(stack)]
    dice.shuffle(acts)
    due = {(index + 1) * TASKS // (len(acts) + 1): act for index, act in enumerate(acts)}
    told = []
    for number in range(TASKS):
        if number in due:
            due[number]()
        try:
            told.append(str(client.send_task("run", args=[context], retry=True).id))
        except OSError:
            continue
        time.sleep(1 / PACE)
    return told


def _kill(made: Ground, worker: Child) -> None:
    worker.kill()
    worker.start(made.folder / f"{worker.name}.log")


def _flush(stack: Stack) -> None:
    with redis.Redis.from_url(stack.broker_url) as client:
        client.flushall()


def _restart(stack: Stack) -> None:
    stack.valkey.kill()
    stack.valkey.start()
