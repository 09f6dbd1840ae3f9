"""Everybody at once on the same few tasks: no deadlock, and every promise holds afterwards."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from orchestrator import clock
from orchestrator.flow.cancel import cancel
from orchestrator.flow.claim import Lease
from orchestrator.flow.heartbeat import heartbeat
from orchestrator.flow.intend import Intent, LeaseLost
from orchestrator.flow.release import release
from orchestrator.flow.rescue import rescue
from orchestrator.flow.wake import wake
from schemas.errors import Category, TaskFinished
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, answered, failed

SECONDS = 4.0
HAMMERERS = 16
CATEGORIES = (Category.SERVER_ERROR, Category.RATE_LIMITED, Category.SHUTDOWN, Category.UNAUTHORIZED)


class Storm:
    """What all hammerers share: tasks, leases, intents; dead ones too."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = random.Random(7)
        self.tasks: list[UUID] = []
        self.leases: list[Lease] = []
        self.intents: list[tuple[Lease, Intent]] = []

    async def submit(self) -> None:
        if len(self.tasks) < 400:
            self.tasks.append(await self.world.submit(preferences={"max_attempts": 20}))

    async def claim(self) -> None:
        lease = await self.world.claim(self.dice.choice(self.tasks[-12:]))
        if lease is not None:
            self.leases.append(lease)

    async def intend(self) -> None:
        lease = self.dice.choice(self.leases[-12:])
        with suppress(LeaseLost):
            self.intents.append((lease, await self.world.intend(lease)))

    async def book(self) -> None:
        lease, intent = self.dice.choice(self.intents[-12:])
        outcome = answered(nanos=self.dice.randrange(9)) if self.dice.random() < 0.6 else failed(nanos=1)
        await self.world.book(lease, intent, outcome)

    async def settle(self) -> None:
        lease, intent = self.dice.choice(self.intents[-12:])
        if self.dice.random() < 0.3:
            await self.world.succeed(lease, intent)
        else:
            await self.world.fail(lease, self.dice.choice(CATEGORIES), intent.call_id, retry_after=0)

    async def cancel(self) -> None:
        if self.dice.random() < 0.2:
            with suppress(TaskFinished):
                await cancel(self.world.parts, self.world.tenant_id, self.dice.choice(self.tasks[-12:]))

    async def expire(self) -> None:
        await self.world.expire_lease(self.dice.choice(self.tasks[-12:]))

    async def past_the_deadline(self) -> None:
        if self.dice.random() < 0.1:
            late = "deadline = clock_timestamp() - interval '1 second'"
            await self.world.change(self.dice.choice(self.tasks[-12:]), late)

    async def rescue(self) -> None:
        await rescue(self.world.parts)

    async def wake(self) -> None:
        await wake(self.world.parts, ghosts_older_than=0)

    async def release(self) -> None:
        await release(self.world.parts, self.dice.choice(self.tasks[-12:]))

    async def beat(self) -> None:
        held = {lease.task_id: lease.token for lease in self.dice.sample(self.leases, len(self.leases))[-12:]}
        await heartbeat(self.world.parts, self.world.boot_id, held)


async def test_a_storm_of_everything_deadlocks_nowhere_and_breaks_no_promise(world: World) -> None:
    storm = Storm(world)
    for _ in range(6):
        await storm.submit()
        await storm.claim()
    storm.leases.append(await world.running())
    storm.intents.append((storm.leases[0], await world.intend(storm.leases[-1])))
    steps: list[Callable[[], Awaitable[None]]] = [
        storm.submit, storm.claim, storm.claim, storm.intend, storm.intend, storm.book, storm.book,
        storm.settle, storm.settle, storm.cancel, storm.expire, storm.past_the_deadline, storm.rescue,
        storm.wake, storm.release, storm.beat,
    ]  # fmt: skip
    until = clock.monotonic() + SECONDS

    async def hammer() -> int:
        count = 0
        while clock.monotonic() < until:
            await storm.dice.choice(steps)()
            count += 1
        return count

    counts = await asyncio.gather(*(hammer() for _ in range(HAMMERERS)))
    assert sum(counts) > 200
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await world.value(deadlocks) == 0
    await check(world)
