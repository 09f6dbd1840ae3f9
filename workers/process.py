"""One worker process: its event loop, its identity, the leases it holds, its heart.

The loop runs in a thread of its own; Celery's threads hand it coroutines and wait. The heart beats in
another thread on a connection of its own, so that neither a busy loop nor a full pool can stop it.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import uvloop

from orchestrator import clock, telemetry
from orchestrator.config import Config
from orchestrator.flow.claim import Lease
from orchestrator.flow.enlist import Enlisted, enlist
from orchestrator.flow.heartbeat import heartbeat
from orchestrator.flow.interrupted import interrupted
from orchestrator.flow.retire import retire
from orchestrator.limits.breakers import Breakers, Circuit, Phase, Policy, Transition, announce
from orchestrator.limits.gates import note_circuit
from orchestrator.limits.retries import RetryBudget
from orchestrator.wiring import Parts, open_parts
from schemas.errors import Category, Failure, StoreUnavailable
from workers.calibration import Calibration
from workers.spool import Spool, replay
from workers.verify import Means

T = TypeVar("T")
WATCH_SECONDS = 0.5
REPLAY_SECONDS = 5.0
HAND_BACK_SECONDS = 4.0
"""After the grace period: to book and hand back what was interrupted. Then nobody waits any more."""
LAST_SECONDS = 10.0
"""For threads that still compute, and to say goodbye. Then the process ends in the middle of it."""
GOODBYE_SECONDS = 2.0


_GIVING_UP: Final = {
    Category.CANCELED: "The task was cancelled.",
    Category.DEADLINE: "The task's deadline passed.",
    Category.SHUTDOWN: "The worker is stopping.",
}


def given_up(why: Category) -> Failure:
    """How an attempt ends that we have given up."""
    return Failure(category=why, message=_GIVING_UP[why])


class Ended(Exception):
    """The worker process ended before this did."""


class Process:
    """What a worker process is made of, from its start to its end."""

    def __init__(self, config: Config, name: str, queues: tuple[str, ...], slots: int) -> None:
        self.config = config
        self.me = Enlisted(uuid4(), name, socket.gethostname(), os.getpid(), queues, slots)
        self.parts: Parts
        self.draining = False
        self._grace_is_over = False
        self._over = False
        self._waits: set[Future[Any]] = set()
        self._loop = uvloop.new_event_loop()
        self.spool = Spool(config.data_dir / "spool")
        self.retries = RetryBudget()
        self.calibration = Calibration()
        reads = tuple(filter(None, config.sandbox_reads.split(":")))
        self.means = Means(tests=config.sandboxed_tests, reads=reads)
        self.breakers = Breakers(config.broker_url or "", Policy.of(config), self._note)
        self._held: dict[UUID, Lease] = {}
        self._flights: dict[UUID, asyncio.Future[None]] = {}
        self._reasons: dict[UUID, Category] = {}
        self._stopped = threading.Event()
        self._closing = AsyncExitStack()
        self._threads = [
            threading.Thread(target=self._run_loop, name="loop", daemon=True),
            threading.Thread(target=self._run_heart, name="heart", daemon=True),
        ]

    @property
    def boot_id(self) -> UUID:
        """This start of this process."""
        return self.me.boot_id

    def start(self) -> None:
        """Start the loop and the heart; nothing waits for the database."""
        for thread in self._threads:
            thread.start()
        self.wait(self._open())

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Have the loop run a coroutine, and wait for it in this thread. Raises `Ended`."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._waits.add(future)
        if self._over:
            future.cancel()
        try:
            return future.result()
        except CancelledError as error:
            raise Ended from error
        finally:
            self._waits.discard(future)

    @contextmanager
    def holding(self, lease: Lease) -> Iterator[None]:
        """Keep the lease alive, and watch for a cancel, while the block runs."""
        # A reason that came too late for an earlier lease is none for this one.
        self._reasons.pop(lease.task_id, None)
        self._held[lease.task_id] = lease
        try:
            yield
        finally:
            if self._held.get(lease.task_id) is lease:
                del self._held[lease.task_id]
                self._reasons.pop(lease.task_id, None)

    @contextmanager
    def interruptible(self, task_id: UUID, running: asyncio.Future[None]) -> Iterator[None]:
        """Let a cancel, the deadline or a shutdown end `running`. On the loop only."""
        self._flights[task_id] = running
        if self._grace_is_over:
            self._reasons.setdefault(task_id, Category.SHUTDOWN)
        if task_id in self._reasons:
            running.cancel()
        try:
            yield
        finally:
            if self._flights.get(task_id) is running:
                del self._flights[task_id]

    def why_interrupted(self, task_id: UUID) -> Category | None:
        """Why a task's request was ended, if we ended it."""
        return self._reasons.get(task_id)

    def means_for(self, lease: Lease) -> Means:
        """What may be used to verify an answer under a lease, for as long as somebody wants it."""
        return replace(self.means, unwanted=lambda: self.why_unwanted(lease) is not None)

    def why_unwanted(self, lease: Lease) -> Category | None:
        """Why nobody wants what is made under a lease: it was ended by us, or its deadline has passed."""
        late = Category.DEADLINE if lease.seconds_left <= 0 else None
        return self._reasons.get(lease.task_id) or late

    def _note(self, moved: Transition) -> None:
        """Tell of a circuit's move where the dispatcher and the operator look."""
        announce(moved)
        if moved.shared:
            self.wait(
                note_circuit(
                    self.parts.db,
                    moved.circuit.provider_id,
                    moved.circuit.model,
                    state=moved.to_state,
                    seconds=moved.open_for or 0.0,
                    reason=moved.why,
                )
            )

    def note_closed(self, circuit: Circuit) -> None:
        """Correct those who believe that a circuit is open which a wiped Redis has forgotten."""
        if self.breakers.state(circuit).name is Phase.CLOSED:
            with suppress(StoreUnavailable):
                why = "a call succeeded"
                self.wait(
                    note_circuit(
                        self.parts.db,
                        circuit.provider_id,
                        circuit.model,
                        state="closed",
                        seconds=0,
                        reason=why,
                    )
                )

    def drain(self) -> None:
        """Stop claiming; hand back what is not done within the grace period. Once is enough."""
        if self.draining:
            return
        self.draining = True
        # Signal handlers come here: they may interrupt whoever holds the log's lock, or the loop's.
        threading.Thread(target=self._see_to_the_end, name="end", daemon=True).start()

    def stop(self) -> None:
        """Say goodbye and close everything; whoever still waits is told that it is over."""
        self._stopped.set()
        self._end_waits()
        self._threads[1].join(timeout=5)
        self._goodbye(retire(self.parts, self.boot_id, stopped=True))
        self._goodbye(self._closing.aclose())
        self.breakers.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._threads[0].join(timeout=5)
        if not self._threads[0].is_alive():
            self._loop.close()

    def _see_to_the_end(self) -> None:
        grace = self.config.drain_seconds
        telemetry.tell("worker.draining", held=len(self._held), seconds=grace)
        asyncio.run_coroutine_threadsafe(self._drain(), self._loop)
        if self._stopped.wait(grace + HAND_BACK_SECONDS):
            return
        self._end_waits()
        if not self._stopped.wait(LAST_SECONDS):
            telemetry.warn("worker.ended_in_the_middle", held=len(self._held))
            os._exit(os.EX_SOFTWARE)

    def _end_waits(self) -> None:
        self._over = True
        for future in list(self._waits):
            future.cancel()

    def _goodbye(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        with suppress(StoreUnavailable, TimeoutError):
            asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(GOODBYE_SECONDS)

    async def _open(self) -> None:
        self.parts = await self._closing.enter_async_context(open_parts(self.config, "worker"))
        self._watching = asyncio.create_task(self._watch())
        self._closing.callback(self._watching.cancel)
        self._replaying = asyncio.create_task(self._replay())
        self._closing.callback(self._replaying.cancel)

    async def _drain(self) -> None:
        until = clock.monotonic() + self.config.drain_seconds
        retiring = asyncio.create_task(self._retire())
        while self._held and clock.monotonic() < until:
            await clock.sleep(0.05)
        self._grace_is_over = True
        for task_id in list(self._held):
            self._interrupt(task_id, Category.SHUTDOWN)
        await retiring

    async def _retire(self) -> None:
        with suppress(StoreUnavailable):
            await retire(self.parts, self.boot_id, stopped=False)

    async def _watch(self) -> None:
        while True:
            await clock.sleep(WATCH_SECONDS)
            held = dict(self._held)
            if not held:
                continue
            tokens = {task_id: lease.token for task_id, lease in held.items()}
            with suppress(StoreUnavailable):
                for task_id, category in await interrupted(self.parts, tokens):
                    if self._held.get(task_id) is held[task_id]:
                        self._interrupt(task_id, category)

    async def _replay(self) -> None:
        while True:
            await clock.sleep(REPLAY_SECONDS)
            with suppress(StoreUnavailable):
                await replay(self.parts, self.spool)

    def _interrupt(self, task_id: UUID, category: Category) -> None:
        self._reasons.setdefault(task_id, category)
        running = self._flights.get(task_id)
        if running is not None:
            running.cancel()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _run_heart(self) -> None:
        asyncio.run(self._beat())

    async def _beat(self) -> None:
        config = self.config.model_copy(update={"database_pool": 1})
        enlisted = False
        async with open_parts(config, "heart") as parts:
            while not self._stopped.is_set():
                pause = config.heartbeat_seconds
                try:
                    if not enlisted:
                        # Before the tasks of a dead predecessor are taken back: their answers are paid.
                        await replay(parts, self.spool)
                        await enlist(parts, self.me)
                        enlisted = True
                        if self.draining:
                            await retire(parts, self.boot_id, stopped=False)
                    held = {task_id: lease.token for task_id, lease in list(self._held.items())}
                    lost = await heartbeat(parts, self.boot_id, held)
                    if lost:
                        telemetry.warn("worker.leases_lost", count=len(lost))
                except StoreUnavailable:
                    pause = min(1.0, pause)
                await asyncio.gather(
                    asyncio.to_thread(self._stopped.wait, pause), asyncio.to_thread(self.breakers.renew)
                )
