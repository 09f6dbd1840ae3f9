"""The dispatcher: two may run, one leads; what it does is a handful of small bounded steps.

It holds an advisory lock on a connection of its own and checks it before each step. Every step is
safe with two leaders, so a lock that is lost unnoticed for a moment does no harm. A leader that hangs
loses it: the server ends a connection on which nobody asked for a while.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import uvloop

from orchestrator import clock, telemetry
from orchestrator.broker import Publisher, Unpublished
from orchestrator.config import config
from orchestrator.flow.book_fees import book_fees
from orchestrator.flow.chores import chores
from orchestrator.flow.dispatch import Board, dispatch
from orchestrator.flow.divert import divert
from orchestrator.flow.forget import forget
from orchestrator.flow.monitor import monitor
from orchestrator.flow.reckon import reckon
from orchestrator.flow.rescue import rescue
from orchestrator.flow.wake import wake
from orchestrator.flow.write_off import write_off
from orchestrator.limits.gates import forget_nudges
from orchestrator.store import chores as table
from orchestrator.store import jobs, leadership, partitions
from orchestrator.volatile import READY, Unreachable
from orchestrator.wiring import Parts, open_parts
from schemas.errors import StoreUnavailable

TICK_SECONDS = 0.25
PACE_SECONDS = 0.005
FOLLOWER_SECONDS = 0.5
SILENT_LEADER_SECONDS = 6.0
PING_SECONDS = 2.0
"""A leader asks every quarter of a second; a round that waits for a hanging broker takes about five."""
PARTITIONS_SECONDS = 3600.0
RECKON_SECONDS = 60.0
RECKONED = timedelta(minutes=15)
WRITE_OFF_SECONDS = 60.0
FORGET_SECONDS = 600.0
FEES_SECONDS = 60.0
MONITOR_SECONDS = 5.0


class Dispatcher:
    """One dispatcher process: follows until it gets the lock, then leads until it loses it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._board = Board(Publisher(parts.config.broker_url or ""))
        self._woken = asyncio.Event()
        self._due: dict[str, float] = {}
        self._asides: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow and lead in turn, until cancelled."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                try:
                    await self._follow_then_lead()
                except StoreUnavailable:
                    telemetry.warn("dispatcher.store_unavailable")
                await clock.sleep(FOLLOWER_SECONDS)
        finally:
            listening.cancel()
            for aside in self._asides.values():
                aside.cancel()
            await asyncio.gather(*self._asides.values(), return_exceptions=True)
            self._board.publisher.close()

    async def _follow_then_lead(self) -> None:
        async with self._parts.db.dedicated(silent_seconds=SILENT_LEADER_SECONDS) as line:
            if not (await line.one(leadership.TRY)).held:
                return
            telemetry.tell("dispatcher.leading")
            try:
                while (await line.one(leadership.HELD)).held:
                    await self._round()
            finally:
                telemetry.tell("dispatcher.following")

    async def _round(self) -> None:
        await self._every(TICK_SECONDS, self._wake)
        await self._every(1.0, self._check_broker)
        await self._every(1.0, self._rescue)
        await self._every(PARTITIONS_SECONDS, self._extend)
        await self._every(TICK_SECONDS, self._divert)
        self._beside(WRITE_OFF_SECONDS, self._write_off)
        self._beside(RECKON_SECONDS, self._reckon)
        self._beside(FEES_SECONDS, self._book_fees)
        self._beside(FORGET_SECONDS, self._forget)
        self._beside(MONITOR_SECONDS, self._monitor)
        if self._board.unprobed and self._board.ready:
            await self._every(0.0, self._probe)
        self._woken.clear()
        published = await self._publish()
        await clock.sleep(PACE_SECONDS)
        if not published:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()

    async def _publish(self) -> int:
        try:
            published = await dispatch(self._parts, self._board)
            if self._every_due("chores"):
                published += await chores(self._parts, self._board.publisher)
        except StoreUnavailable:
            raise
        except Unpublished as error:
            telemetry.warn("dispatcher.broker_unavailable", error=str(error)[:200])
        except Exception as error:  # noqa: BLE001 - the other steps go on, and this one is tried again
            telemetry.fault("dispatcher.fault", error, step="dispatch")
        else:
            return published
        await clock.sleep(FOLLOWER_SECONDS)
        return 0

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        if not self._every_due(step.__name__, seconds):
            return
        try:
            await step()
        except StoreUnavailable as error:
            # A statement that took too long ends as a store that is away does; only the latter stops us.
            await self._parts.db.answering_within(PING_SECONDS).ping()
            telemetry.fault("dispatcher.fault", error, step=step.__name__)
        except Exception as error:  # noqa: BLE001 - what one step stumbles over must not stop the others
            telemetry.fault("dispatcher.fault", error, step=step.__name__)

    def _beside(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        """Start a step that no task waits for: on a busy day it takes longer than a leader may be silent."""
        running = self._asides.get(step.__name__)
        if (running is None or running.done()) and self._every_due(step.__name__, seconds):
            self._asides[step.__name__] = asyncio.create_task(self._aside(step))

    async def _aside(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - no task waits for it, and it is tried again
            telemetry.fault("dispatcher.fault", error, step=step.__name__)

    def _every_due(self, name: str, seconds: float = TICK_SECONDS) -> bool:
        now = clock.monotonic()
        if now < self._due.get(name, float("-inf")):
            return False
        self._due[name] = now + seconds
        return True

    async def _wake(self) -> None:
        self._board.note(await wake(self._parts, ghosts_older_than=self._parts.config.nudge_seconds))

    async def _divert(self) -> None:
        board = self._board
        paused = board.paused
        if not board.closed and not paused:
            return
        await forget_nudges(
            self._parts.db, [provider for provider, gate in board.closed.items() if gate.shut]
        )
        board.note(await divert(self._parts, sorted(board.ready), board.closed, paused=paused))

    async def _probe(self) -> None:
        board = self._board
        unprobed, board.unprobed = board.unprobed or set(), set()
        board.note(await divert(self._parts, sorted(board.ready), board.closed, unprobed))

    async def _rescue(self) -> None:
        await rescue(self._parts)

    async def _write_off(self) -> None:
        await write_off(self._parts)

    async def _reckon(self) -> None:
        await reckon(self._parts, RECKONED, keep=True)

    async def _book_fees(self) -> None:
        await book_fees(self._parts)

    async def _forget(self) -> None:
        await forget(self._parts)

    async def _monitor(self) -> None:
        await monitor(self._parts)

    async def _extend(self) -> None:
        await asyncio.to_thread(partitions.extend, self._parts.config.database_url or "")

    async def _check_broker(self) -> None:
        try:
            if await self._parts.volatile.has_canary():
                return
            telemetry.BROKER_WIPES.inc()
            telemetry.warn("dispatcher.broker_was_empty")
            await wake(self._parts, ghosts_older_than=0.0)
            await self._parts.db.run(table.FORGET_NUDGES)
            await self._parts.db.run(jobs.FORGET_NUDGES)
            self._board.forget()
            await self._parts.volatile.set_canary()
        except Unreachable:
            telemetry.warn("dispatcher.broker_unreachable")

    async def _listen(self) -> None:
        while True:
            with suppress(*Unreachable):
                async for words in self._parts.volatile.hints(READY):
                    self._board.note(words)
                    self._woken.set()
            await clock.sleep(FOLLOWER_SECONDS)


async def serve() -> None:
    """Run until SIGTERM or SIGINT."""
    async with open_parts(config(), "dispatcher") as parts:
        running = asyncio.create_task(Dispatcher(parts).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        with suppress(asyncio.CancelledError):
            await running


def main() -> None:
    """The process's entry."""

    telemetry.configure("dispatcher", config().log_level)
    telemetry.serve_metrics(config().metrics_port)
    uvloop.run(serve())


if __name__ == "__main__":
    main()
