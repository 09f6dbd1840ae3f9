"""What lives in Redis or Valkey and may vanish at any time: hints, the canary, queue lengths, circuits.

Nothing here is ever the truth. Hints are gathered for a few milliseconds and sent as one message;
a hint that can't be sent is forgotten, because a poll stands behind each.
"""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry as BlockingRetry

from orchestrator import clock

READY: Final = "orchestrator:ready"
DONE: Final = "orchestrator:done"
_CANARY: Final = "orchestrator:canary"
_GATHER_SECONDS: Final = 0.002
_MOST_PENDING: Final = 10_000
_SCRIPT_SECONDS: Final = 0.5
_LEFT_ALONE_SECONDS: Final = 1.0
_TURN_SECONDS: Final = 2.0
_CONNECTIONS: Final = 16

Entry = tuple[str, dict[str, str]]
"""An entry of a stream: its id and its fields."""

Unreachable = (RedisError, OSError, asyncio.TimeoutError)


class Volatile:
    """One client of a process; every command has a deadline of 2 s."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=2,
            socket_connect_timeout=2,
            socket_keepalive=True,
            health_check_interval=10,
            decode_responses=True,
            retry=Retry(NoBackoff(), 1),
        )
        self._pending: dict[str, set[str]] = {}
        self._sender: asyncio.Task[None] | None = None

    def hint(self, channel: str, word: str) -> None:
        """Send `word` soon, together with what else is hinted meanwhile; best effort."""
        words = self._pending.setdefault(channel, set())
        if len(words) < _MOST_PENDING:
            words.add(word)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._pending:
            await clock.sleep(_GATHER_SECONDS)
            pending, self._pending = self._pending, {}
            with suppress(*Unreachable):
                for channel, words in pending.items():
                    await self._redis.publish(channel, "\n".join(words))

    async def hints(self, channel: str) -> AsyncIterator[set[str]]:
        """The hints of a channel as they come; an empty set once it listens. Raises `Unreachable`."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(channel)
            yield set()
            while True:
                message = await pubsub.get_message(timeout=1.0)
                if message is not None:
                    yield set(str(message["data"]).split("\n"))

    async def has_canary(self) -> bool:
        """Whether the broker still knows us; False after it was wiped. Raises `Unreachable`."""
        return bool(await self._redis.exists(_CANARY))

    async def set_canary(self) -> None:
        """Leave the sign that a wipe would take away."""
        await self._redis.set(_CANARY, "1")

    async def note(self, key: str, value: str, seconds: int) -> None:
        """Leave a value for `seconds`. Raises `Unreachable`."""
        await self._redis.set(key, value, ex=seconds)

    async def recall(self, key: str) -> str | None:
        """A value that was left, if it is still there. Raises `Unreachable`."""
        found = await self._redis.get(key)
        return None if found is None else str(found)

    async def append(self, stream: str, fields: Mapping[str, str | int], most: int, seconds: int) -> None:
        """Add to a stream that keeps about `most` entries, and nothing `seconds` after its last one.

        Raises `Unreachable`; the entry may have been added all the same.
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(stream, cast("Any", fields), maxlen=most)  # type: ignore[unused-awaitable]
            pipeline.expire(stream, seconds)  # type: ignore[unused-awaitable]
            await pipeline.execute()

    async def appended(self, after: Mapping[str, str], seconds: float) -> dict[str, list[Entry]]:
        """What was added to streams after the named entries; waits `seconds` (< 2) for it at most.

        Raises `Unreachable`.
        """
        # The client's types don't say which of its protocols' shapes comes: it is one list of pairs.
        found: Any = await self._redis.xread(cast("Any", after), block=max(1, int(seconds * 1000)))
        return {name: [(at, fields) for at, fields in entries] for name, entries in found or ()}

    async def lengths(self, queues: Iterable[str]) -> dict[str, int]:
        """How many messages wait in each queue."""
        names = list(queues)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)  # type: ignore[unused-awaitable]
            return dict(zip(names, await pipeline.execute(), strict=True))

    async def ping(self) -> None:
        """Raise `Unreachable` unless the server answers."""
        await self._redis.ping()

    async def info(self) -> dict[str, str]:
        """The server's version and eviction policy."""
        server = await self._redis.info("server")
        policy = await self._redis.config_get("maxmemory-policy")
        version = server.get("valkey_version") or server.get("redis_version", "")
        return {"version": str(version), "maxmemory_policy": str(policy.get("maxmemory-policy", ""))}

    async def close(self) -> None:
        """Send what is pending and close."""
        if self._sender is not None and not self._sender.done():
            with suppress(*Unreachable):
                await self._sender
        await self._redis.aclose()


class Script:
    """A Lua script that threads run and wait for: few connections, and none that anyone hangs on.

    A server that fails once is left alone for a second, whoever asks: only one of them tries again.
    """

    def __init__(self, url: str, source: str) -> None:
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._redis = BlockingRedis.from_url(
            url,
            socket_timeout=_SCRIPT_SECONDS,
            socket_connect_timeout=_SCRIPT_SECONDS,
            max_connections=_CONNECTIONS,
            decode_responses=True,
            retry=BlockingRetry(NoBackoff(), 0),
        )
        self._turns = threading.BoundedSemaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._away = False
        self._next_try = 0.0

    def run(self, key: str, *arguments: str | float) -> list[str | int]:
        """What the script returns. Raises `Unreachable`, also for whatever the server complains of."""
        if not self._turns.acquire(timeout=_TURN_SECONDS):
            raise TimeoutError("too many wait for the server")
        try:
            self._ask_leave()
            return self._evaluate(key, arguments)
        finally:
            self._turns.release()

    def _ask_leave(self) -> None:
        if not self._away:
            return
        with self._lock:
            now = clock.monotonic()
            if now < self._next_try:
                raise ConnectionError("the server did not answer a moment ago")
            self._next_try = now + _LEFT_ALONE_SECONDS

    def _evaluate(self, key: str, arguments: tuple[str | float, ...]) -> list[str | int]:
        try:
            try:
                answer = self._redis.evalsha(self._sha, 1, key, *arguments)
            except NoScriptError:
                answer = self._redis.eval(self._source, 1, key, *arguments)
        except Unreachable:
            self._away, self._next_try = True, clock.monotonic() + _LEFT_ALONE_SECONDS
            raise
        self._away = False
        return cast("list[str | int]", answer)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
