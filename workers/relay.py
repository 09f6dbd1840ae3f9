"""Relay: pass an answer on to its client while it comes, in a capped stream of Redis.

Only for tasks that ask for it. The first part waits until its exposure is committed; after that no
other call may answer the task. Parts are gathered for some milliseconds. Redis away or slow never
holds the call up: who listens gets the final text from Postgres. So does the rest of an answer from its first
placeholder on: what was hidden never comes into Redis.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.flow.claim import Lease
from orchestrator.flow.expose import expose
from orchestrator.volatile import Unreachable
from orchestrator.volatile.tail import KEPT_SECONDS, MOST_ENTRIES, Piece
from orchestrator.wiring import Parts
from schemas.errors import StoreUnavailable
from schemas.tasks import ChatRequest, TaskRequest
from workers.context import showable
from workers.stream import Exchange

GATHER_SECONDS: Final = 0.03
AWAY_SECONDS: Final = 0.5
LAST_SECONDS: Final = 1.0
"""How long the end of a call waits for its last parts to go out."""


def wants_it(request: TaskRequest) -> bool:
    """Whether the submitter asked for the answer while it comes."""
    return isinstance(request, ChatRequest) and request.context.stream


class Relay:
    """One call's answer on its way out."""

    def __init__(self, parts: Parts, lease: Lease, call_id: UUID, done: Exchange) -> None:
        self._parts = parts
        self._lease = lease
        self._call_id = call_id
        self._coming = done.reply.parts
        self._more = asyncio.Event()
        self._over = False
        self._taken = 0
        self._at = 0
        self._held = ""
        self.passed_on = False
        """Whether somebody may have seen part of it."""

    def heard(self) -> None:
        """Something came; it need not be a part."""
        if len(self._coming) > self._taken:
            self._more.set()

    def finish(self) -> None:
        """Nothing comes any more."""
        self._over = True
        self._more.set()

    async def run(self) -> None:
        """Pass on what comes until nothing does, or the lease is lost."""
        exposed = False
        while not (self._over and len(self._coming) == self._taken):
            await self._more.wait()
            self._more.clear()
            if len(self._coming) == self._taken:
                continue
            try:
                exposed = exposed or await expose(self._parts, self._lease, self._call_id)
                if not exposed:
                    return
                if not await self._push():
                    return
            except (StoreUnavailable, *Unreachable):
                self._more.set()
                await clock.sleep(AWAY_SECONDS)
            if not self._over:
                await clock.sleep(GATHER_SECONDS)

    async def _push(self) -> bool:
        """Pass on what may be shown of what came; whether more may follow."""
        count = len(self._coming)
        text = self._held + "".join(self._coming[self._taken : count])
        shown, goes_on = showable(text)
        shown = len(text) if goes_on and self._over else shown
        if shown:
            piece = Piece(self._lease.attempt, self._at, text[:shown])
            self.passed_on = True
            stream = Piece.stream(self._lease.task_id)
            await self._parts.volatile.append(stream, piece.fields, MOST_ENTRIES, KEPT_SECONDS)
        self._taken, self._at, self._held = count, self._at + shown, text[shown:]
        failpoints.reach("relay.passed_on")
        return goes_on


@asynccontextmanager
async def relayed(parts: Parts, lease: Lease, call_id: UUID, done: Exchange) -> AsyncIterator[Relay | None]:
    """Pass the answer in `done` on while the block runs; None where nobody asked for it."""
    if not wants_it(lease.request):
        yield None
        return
    relay = Relay(parts, lease, call_id, done)
    done.heard = relay.heard
    running = asyncio.get_running_loop().create_task(relay.run())
    try:
        yield relay
    finally:
        relay.finish()
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await running
        except TimeoutError:
            pass
        except Exception as error:  # noqa: BLE001 - the call is paid, and is booked whoever could listen
            telemetry.fault("relay.fault", error, call_id=call_id)
