"""A late answer: adopted while nobody has made a newer call, superseded otherwise, under the task's lock."""

import asyncio
from uuid import UUID

import pytest

from orchestrator.flow.adopt import adopt
from orchestrator.flow.cancel import cancel
from orchestrator.flow.claim import Lease
from orchestrator.flow.heartbeat import heartbeat
from orchestrator.flow.intend import Intent, LeaseLost
from orchestrator.flow.rescue import rescue
from schemas.errors import Category
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, answered, failed


async def late(world: World) -> tuple[Lease, Intent]:
    """A lease that was taken back, and the answer that came all the same."""
    lease = await world.running()
    intent = await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    assert await world.book(lease, intent, answered("late"))
    return lease, intent


async def adopted(world: World, lost: Lease, boot_id: UUID | None = None) -> Lease | None:
    return await adopt(world.parts, boot_id or world.boot_id, lost)


async def test_the_answer_of_a_task_that_waits_again_is_adopted(world: World) -> None:
    lost, intent = await late(world)
    lease = await adopted(world, lost)
    assert lease is not None
    assert (lease.attempt, lease.token != lost.token) == (2, True)
    assert lease.paid is not None
    assert (lease.paid.call_id, lease.paid.text) == (intent.call_id, "late")
    assert await heartbeat(world.parts, world.boot_id, {lease.task_id: lease.token}) == []
    assert await world.succeed(lease, intent) == "succeeded"
    assert (await world.call(intent.call_id)).verdict == "accepted"
    events = await world.events(lease.task_id)
    assert "attempt.adopted" in events
    assert "attempt.superseded" not in events
    await check(world)


async def test_the_answer_of_a_task_whose_new_holder_sent_nothing_yet_is_adopted(world: World) -> None:
    lost, intent = await late(world)
    holder = await world.take(lost.task_id)
    lease = await adopted(world, lost)
    assert lease is not None
    assert lease.attempt == 3
    with pytest.raises(LeaseLost):
        await world.intend(holder)
    assert await world.fail(holder, Category.SERVER_ERROR) is None
    assert await world.succeed(lease, intent) == "succeeded"
    await check(world)


async def test_the_answer_of_a_task_with_a_newer_call_is_superseded_at_once(world: World) -> None:
    lost, intent = await late(world)
    holder = await world.take(lost.task_id)
    newer = await world.intend(holder)
    assert await adopted(world, lost) is None
    assert (await world.call(intent.call_id)).verdict == "superseded"
    assert (await world.events(lost.task_id))[-1] == "attempt.superseded"
    assert await world.book(holder, newer, answered())
    assert await world.succeed(holder, newer) == "succeeded"
    await check(world)


async def test_the_answer_of_a_task_that_waits_after_a_newer_call_failed_is_adopted(world: World) -> None:
    lost, intent = await late(world)
    holder = await world.take(lost.task_id)
    call = await world.called(holder, failed())
    assert await world.fail(holder, Category.SERVER_ERROR, call.call_id) == "queued"
    lease = await adopted(world, lost)
    assert lease is not None
    assert await world.succeed(lease, intent) == "succeeded"
    await check(world)


async def test_the_answer_of_a_cancelled_task_is_superseded(world: World) -> None:
    lost, intent = await late(world)
    await cancel(world.parts, world.tenant_id, lost.task_id)
    assert await adopted(world, lost) is None
    assert (await world.call(intent.call_id)).verdict == "superseded"
    assert await world.status(lost.task_id) == "canceled"
    await check(world)


async def test_the_answer_of_a_task_past_its_deadline_is_superseded(world: World) -> None:
    lost, intent = await late(world)
    await world.change(lost.task_id, "deadline = clock_timestamp() - interval '1 second'")
    assert await adopted(world, lost) is None
    assert (await world.call(intent.call_id)).verdict == "superseded"


async def test_a_lease_that_paid_for_nothing_has_nothing_to_adopt(world: World) -> None:
    lease = await world.running()
    await world.called(lease, failed(nanos=None))
    await world.die()
    await rescue(world.parts)
    assert await adopted(world, lease) is None
    assert await world.status(lease.task_id) == "queued"
    assert "attempt.superseded" not in await world.events(lease.task_id)


async def test_an_expired_lease_that_nobody_took_is_renewed_by_adopting(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    await world.expire_lease(lease.task_id)
    assert await world.succeed(lease, intent) is None
    renewed = await adopted(world, lease)
    assert renewed is not None
    assert await world.succeed(renewed, intent) == "succeeded"
    await check(world)


async def test_of_many_that_adopt_at_once_only_the_last_can_settle(world: World) -> None:
    lost, intent = await late(world)
    leases = await world.at_once(lost.task_id, [adopted(world, lost) for _ in range(5)])
    held = [lease for lease in leases if lease is not None]
    settled = await asyncio.gather(*(world.succeed(lease, intent) for lease in held))
    assert [status for status in settled if status is not None] == ["succeeded"]
    await check(world)


@pytest.mark.parametrize("other", ["claim", "cancel", "rescue", "intend"])
@pytest.mark.parametrize("first", [True, False])
async def test_adopting_beside_another_move_leaves_one_holder(world: World, other: str, first: bool) -> None:
    lost, _ = await late(world)
    holder = await world.take(lost.task_id) if other == "intend" else None
    if other == "rescue":
        await world.take(lost.task_id)
        await world.expire_lease(lost.task_id)

    async def move() -> None:
        if other == "claim":
            await world.claim(lost.task_id)
        elif other == "cancel":
            await cancel(world.parts, world.tenant_id, lost.task_id)
        elif other == "rescue":
            await rescue(world.parts)
        elif holder is not None:
            try:
                await world.intend(holder)
            except LeaseLost:
                return

    async def try_to_adopt() -> None:
        await adopted(world, lost)

    steps = [try_to_adopt(), move()] if first else [move(), try_to_adopt()]
    # Rescue goes past a locked row instead of waiting before it.
    await (asyncio.gather(*steps) if other == "rescue" else world.at_once(lost.task_id, steps))
    calls = await world.value("SELECT count(*) FROM calls WHERE status = 'started'")
    adoptions = (await world.events(lost.task_id)).count("attempt.adopted")
    assert not (calls and adoptions)
    await check(world)
