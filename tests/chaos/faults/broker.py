"""A broker that forgets, stands still, is full, or delivers what nobody sent."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import orjson
import redis

from tests.chaos.ground import Ground

SECONDS: Final = 2.5
PAUSED_SECONDS: Final = 4.0
QUEUES: Final = ("provider.openai", "provider.custom", "provider.azure")
_GARBAGE: Final = (
    b"\x00\xff garbage",
    b"{}",
    b'{"body":"bm90aGluZw==","headers":{"task":"orchestrator.run"},"properties":{}}',
)


def _flush(ground: Ground, _dice: Random) -> str:
    with _client(ground) as client:
        gone = client.dbsize()
        client.flushall()
    return f"{gone} keys"


def _restart(ground: Ground, _dice: Random) -> str:
    ground.stack.valkey.kill()
    ground.stack.valkey.start()
    return "kill -9"


def _pause(ground: Ground, _dice: Random) -> str:
    with _client(ground) as client:
        client.execute_command("CLIENT", "PAUSE", int(PAUSED_SECONDS * 1000), "ALL")
    time.sleep(PAUSED_SECONDS)
    return f"{PAUSED_SECONDS:g} s"


def _fill(ground: Ground, _dice: Random) -> str:
    with _client(ground) as client:
        client.config_set("maxmemory", 1)
        time.sleep(PAUSED_SECONDS)
        client.config_set("maxmemory", 0)
    return f"{PAUSED_SECONDS:g} s without room"


def _lose(ground: Ground, _dice: Random) -> str:
    """A stranger takes part in consuming, and does nothing."""
    met, until = 0, time.monotonic() + SECONDS
    with _client(ground) as client:
        while time.monotonic() < until:
            met += client.brpop(QUEUES, timeout=SECONDS) is not None
    return f"{met} messages"


def _repeated(times: int) -> Callable[[Ground, Random], str]:
    return lambda ground, _dice: _repeat(ground, times)


def _repeat(ground: Ground, times: int) -> str:
    """Each message that a worker has taken stands in its queue again, once or several times."""
    met: set[bytes] = set()
    until = time.monotonic() + SECONDS
    with _client(ground) as client:
        while time.monotonic() < until:
            for tag, taken in client.hgetall("unacked").items():
                if tag not in met:
                    message, _, queue = orjson.loads(taken)
                    client.rpush(queue, *[orjson.dumps(message)] * (times - 1))
                    met.add(tag)
            time.sleep(0.01)
    return f"{len(met)} messages"


def _garble(ground: Ground, dice: Random) -> str:
    with _client(ground) as client:
        for _ in range(10):
            queue = dice.choice(QUEUES)
            client.rpush(queue, dice.choice(_GARBAGE))
            time.sleep(0.1)
    return "10 messages"


@contextmanager
def _client(ground: Ground) -> Iterator[Any]:
    with redis.Redis.from_url(ground.stack.broker_url) as client:
        yield client


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    "Valkey flushed": _flush,
    "Valkey restarted": _restart,
    "Valkey paused": _pause,
    "Valkey out of memory": _fill,
    "messages lost": _lose,
    "messages doubled": _repeated(2),
    "messages five-fold": _repeated(5),
    "messages garbled": _garble,
}
