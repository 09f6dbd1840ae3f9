"""Watch: wait for a task to end or to move, in one watcher for all requests of a process.

Register, then read, then wait: nothing that happens in between is missed. Hints over Redis wake at
once; one query a second for everything that is waited for stands behind them, so Redis may be away.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store import views
from orchestrator.volatile import DONE, Unreachable
from orchestrator.volatile.tail import Tail
from orchestrator.wiring import Parts
from schemas.errors import StoreUnavailable
from schemas.tasks import TaskStatus

_POLL_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 0.2


@dataclass(eq=False, slots=True)
class _Waiter:
    tenant_id: UUID
    task_id: UUID
    seen: int | None
    """Wait for an event after this one; None waits for the task's end."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def has_what_it_waits_for(self, last_event: int, status: TaskStatus) -> bool:
        return status.terminal if self.seen is None else last_event > self.seen


class Watch:
    """All waiting of a process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.tail = Tail(parts.volatile)
        self._waiters: dict[UUID, set[_Waiter]] = {}
        self._stopped = False

    async def ended(self, tenant_id: UUID, task_id: UUID, seconds: float) -> bool:
        """Whether the task ended within `seconds`."""
        return await self._wait(_Waiter(tenant_id, task_id, None), seconds)

    async def moved(self, tenant_id: UUID, task_id: UUID, seen: int, seconds: float) -> bool:
        """Whether the task had an event after `seen` within `seconds`."""
        return await self._wait(_Waiter(tenant_id, task_id, seen), seconds)

    @property
    def stopped(self) -> bool:
        """Whether the process is stopping: nobody waits any more."""
        return self._stopped

    def is_waited_for(self, task_id: UUID) -> bool:
        """Whether anybody waits for this task."""
        return task_id in self._waiters

    def stop(self) -> None:
        """Let everybody go: the process stops."""
        self._stopped = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake.set()

    async def _wait(self, waiter: _Waiter, seconds: float) -> bool:
        until = clock.monotonic() + seconds
        with self._registered(waiter):
            met = await self._met(waiter)
            while not met and not self._stopped and clock.monotonic() < until:
                with suppress(TimeoutError):
                    async with asyncio.timeout(until - clock.monotonic()):
                        await waiter.wake.wait()
                met = await self._met(waiter)
            return met

    async def _met(self, waiter: _Waiter) -> bool:
        waiter.wake.clear()
        found = await views.states(self._parts.db, [(waiter.tenant_id, waiter.task_id)])
        return any(waiter.has_what_it_waits_for(*state) for state in found.values())

    @contextmanager
    def _registered(self, waiter: _Waiter) -> Iterator[None]:
        self._waiters.setdefault(waiter.task_id, set()).add(waiter)
        try:
            yield
        finally:
            self._waiters[waiter.task_id].discard(waiter)
            if not self._waiters[waiter.task_id]:
                del self._waiters[waiter.task_id]

    async def listen(self) -> None:
        """Wake whoever waits for a task that is hinted at, as long as Redis can be heard."""
        while True:
            with suppress(*Unreachable):
                async for words in self._parts.volatile.hints(DONE):
                    for task_id in self._waiters.keys() & _ids(words):
                        self._wake(task_id)
            await clock.sleep(_POLL_SECONDS)

    async def poll(self) -> None:
        """Look once a second at everything that is waited for."""
        while True:
            await clock.sleep(_POLL_SECONDS)
            waiting = [
                (waiter.tenant_id, task_id) for task_id, each in self._waiters.items() for waiter in each
            ]
            if waiting:
                with suppress(StoreUnavailable):
                    await self._look(waiting)

    async def _look(self, waiting: list[tuple[UUID, UUID]]) -> None:
        for task_id, state in (await views.states(self._parts.db, list(set(waiting)))).items():
            for waiter in self._waiters.get(task_id, ()):
                if waiter.has_what_it_waits_for(*state):
                    waiter.wake.set()

    def _wake(self, task_id: UUID) -> None:
        for waiter in self._waiters.get(task_id, ()):
            waiter.wake.set()


@asynccontextmanager
async def watch(parts: Parts) -> AsyncIterator[Watch]:
    """The watcher of this process, running until the end of the block."""
    watcher = Watch(parts)
    loop = asyncio.get_running_loop()
    steps = (watcher.listen(), watcher.poll(), watcher.tail.read())
    running = [loop.create_task(step) for step in steps]
    try:
        yield watcher
    finally:
        watcher.stop()
        await _ended(set(running))


async def _ended(running: set[asyncio.Task[None]]) -> None:
    """End these tasks; what a client's own timeout swallowed is said again."""
    while running:
        for each in running:
            each.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)


def _ids(words: set[str]) -> set[UUID]:
    found = set()
    for word in words:
        with suppress(ValueError):
            found.add(UUID(word))
    return found
