"""The two sides, used alike: stock pybreaker over its Redis storage, and our breakers.

A place is one circuit on one side that eight real processes can use together.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from typing import Any, Final, Protocol
from uuid import UUID

import pybreaker
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator import telemetry
from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Breakers, Circuit, Health, Policy

PROCESSES: Final = 8
_LONG: Final = 120.0
_SHORT: Final = 1.0
_forking: Final = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload([__name__])


class Broken(Exception):
    """The provider failed."""


class Excluded(Exception):
    """Neither its success nor its failure: a 429, a cancel."""


Work = Callable[[], None]


class Side(Protocol):
    """A circuit as one process uses it."""

    def call(self, work: Work) -> str:
        """What the caller saw: `refused`, `done` or the name of an exception."""

    async def call_async(self, work: Callable[[], Any]) -> None:
        """The same with a coroutine."""

    @property
    def name(self) -> str:
        """The circuit's state."""

    @property
    def failures(self) -> int:
        """The failures that it counts."""

    def block(self, work: Callable[[], Any]) -> str:
        """The same as `call`, as a `with` block."""

    def look(self) -> None:
        """Notice the state without a call."""

    def close_by_hand(self) -> None:
        """What an operator does."""


class Stock:
    """pybreaker and its Redis storage as their guides have it; five failures open."""

    title = "pybreaker, stock"

    def __init__(self, url: str, number: int, open_seconds: float) -> None:
        client = Redis.from_url(url, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client, namespace=f"stock{number}")
        storage.logger.disabled = True
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=5, reset_timeout=open_seconds, exclude=[Excluded], state_storage=storage
        )

    def call(self, work: Work) -> str:
        try:
            self.breaker.call(work)
        except BaseException as error:  # noqa: BLE001 - the fact is what comes out
            return type(error).__name__
        return "done"

    async def call_async(self, work: Callable[[], Any]) -> None:
        await self.breaker.call(work)

    @property
    def name(self) -> str:
        return self.breaker.current_state

    @property
    def failures(self) -> int:
        return self.breaker.fail_counter

    def block(self, work: Callable[[], Any]) -> str:
        try:
            with self.breaker.calling():
                work()
        except BaseException as error:  # noqa: BLE001 - the fact is what comes out
            return f"{type(error).__name__} comes out"
        return "nothing comes out"

    def look(self) -> None:
        _ = self.breaker.state

    def close_by_hand(self) -> None:
        self.breaker.close()


class Ours:
    """A guard around the call, as a worker has it; opens at half of at least five."""

    title = "ours"

    def __init__(self, url: str, number: int, open_seconds: float) -> None:
        self.circuit = Circuit(UUID(int=number), "https://api.example/v1", "some-model")
        self.breakers = Breakers(url, Policy(open_seconds=open_seconds), lambda _: None)

    def call(self, work: Work) -> str:
        try:
            with self.breakers.guard(self.circuit, 60) as verdict:
                try:
                    work()
                    verdict.health = Health.SUCCESS
                except Broken:
                    verdict.health = Health.FAILURE
                    raise
        except BaseException as error:  # noqa: BLE001 - the fact is what comes out
            return type(error).__name__
        return "done"

    async def call_async(self, work: Callable[[], Any]) -> None:
        with self.breakers.guard(self.circuit, 60) as verdict:
            verdict.health = Health.FAILURE
            await work()
            verdict.health = Health.SUCCESS

    @property
    def name(self) -> str:
        return self.breakers.state(self.circuit).name.replace("_", "-")

    @property
    def failures(self) -> int:
        return self.breakers.state(self.circuit).failures

    def block(self, work: Callable[[], Any]) -> str:
        try:
            with self.breakers.guard(self.circuit, 60):
                work()
        except BaseException as error:  # noqa: BLE001 - the fact is what comes out
            return f"{type(error).__name__} comes out"
        return "nothing comes out"

    def look(self) -> None:
        self.breakers.state(self.circuit)

    def close_by_hand(self) -> None:
        self.breakers.reset(self.circuit)


@dataclass(frozen=True)
class Place:
    """A circuit that nobody else uses, on one side."""

    kind: type[Stock] | type[Ours]
    server: Valkey
    number: int
    open_seconds: float = _LONG

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.server.url

    def kill(self) -> None:
        """Let the server be gone."""
        self.server.kill()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Without a server for the block."""
        self.kill()
        try:
            yield
        finally:
            self.server.start()

    def open(self) -> Side:
        """As this process uses it."""
        return self.kind(self.url, self.number, self.open_seconds)

    def everyone(self, act: Callable[..., Any]) -> list[Any]:
        """What `act(place, barrier, rank)` returns in each of eight processes."""
        barrier, results = _forking.Barrier(PROCESSES), _forking.Queue()
        arguments = [(results, act, self, barrier, rank) for rank in range(PROCESSES)]
        processes = [_forking.Process(target=_in_process, args=given) for given in arguments]
        for process in processes:
            process.start()
        answers = dict(results.get(timeout=60) for _ in processes)
        for process in processes:
            process.join()
        return [answers[rank] for rank in range(PROCESSES)]


def _in_process(results: Any, act: Callable[..., Any], place: Place, barrier: Barrier, rank: int) -> None:
    telemetry.configure("bench", "error")
    results.put((rank, act(place, barrier, rank)))


def succeed() -> None:
    """A call that is answered."""


def fail() -> None:
    """A call that fails."""
    raise Broken


def exclude() -> None:
    """A call that says nothing."""
    raise Excluded


def stop() -> None:
    """A call that a shutdown ends."""
    raise SystemExit


def ran(side: Side, work: Work) -> bool:
    """Whether the work was let through."""
    through: list[bool] = []

    def noted() -> None:
        through.append(True)
        work()

    side.call(noted)
    return bool(through)


def tripped(place: Place) -> Side:
    """An open circuit."""
    side = place.open()
    for _ in range(5):
        side.call(fail)
    return side


def half_open(place: Place) -> Place:
    """The place with an open circuit whose time is over; stock pybreaker keeps whole seconds."""
    quick = replace(place, open_seconds=_SHORT)
    tripped(quick)
    time.sleep(_SHORT * 1.1 + 0.1)
    return quick
