"""A broker that forgets, stands still, is full, or delivers what nobody sent."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import redis

from tests.chaos.ground import Ground

SECONDS: Final = 2.5
PAUSED_SECONDS: Final = 4.0
_QUEUES: Final = "provider.*"
_GARBAGE: Final = (
    b"\x00\xff garbage",
    b"{}",
    b'{"body":"bm90aGluZw==","headers":{"task":"orchestrator.run"},"properties":{}}',
)
# In one step, or a worker would take the message in between.
_REPEAT: Final = """
    local found = redis.call('LRANGE', KEYS[1], -1, -1)
    for _ = 2, ARGV[1] do
        if found[1] then redis.call('RPUSH', KEYS[1], found[1]) end
    end
    return #found
"""


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
    def lost(client: Any, queue: bytes) -> int:
        return int(client.rpop(queue) is not None)

    return _meddle(ground, lost)


def _repeated(times: int) -> Callable[[Ground, Random], str]:
    def repeat(ground: Ground, _dice: Random) -> str:
        return _meddle(ground, lambda client, queue: int(client.eval(_REPEAT, 1, queue, times)), pause=0.05)

    return repeat


def _garble(ground: Ground, dice: Random) -> str:
    with _client(ground) as client:
        for _ in range(10):
            queue = dice.choice(["provider.openai", "provider.custom", "provider.azure"])
            client.rpush(queue, dice.choice(_GARBAGE))
            time.sleep(0.1)
    return "10 messages"


def _meddle(ground: Ground, act: Callable[[Any, bytes], int], pause: float = 0.002) -> str:
    """Whatever stands in a queue for a moment is met."""
    met, until = 0, time.monotonic() + SECONDS
    with _client(ground) as client:
        while time.monotonic() < until:
            met += sum(act(client, queue) for queue in client.keys(_QUEUES) if client.type(queue) == b"list")
            time.sleep(pause)
    return f"{met} messages"


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
