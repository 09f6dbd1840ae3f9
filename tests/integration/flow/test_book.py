"""Booking a call's outcome: once, whoever brings it, and never too little."""

from dataclasses import replace

import pytest

from orchestrator.flow.cancel import cancel
from orchestrator.flow.intend import LeaseLost
from orchestrator.flow.rescue import rescue
from schemas.calls import Purpose
from schemas.errors import Category
from tests.integration.flow.world import HOLD, World, answered, failed


async def test_twenty_bookings_at_once_leave_one_spend_and_one_set_of_events(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    booked = await world.at_once(
        lease.task_id, [world.book(lease, intent, answered(nanos=7)) for _ in range(20)]
    )
    assert booked.count(True) == 1
    assert await world.ledger(lease.task_id) == [("spend", 7)]
    events = await world.events(lease.task_id)
    assert events.count("call.answered") == 1


async def test_a_call_without_usage_is_charged_at_its_hold(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease, failed(Category.IDLE_TIMEOUT, nanos=None))
    call = await world.call(intent.call_id)
    assert (call.cost_nanos, call.estimated, call.price_source) == (HOLD, True, "hold")
    assert await world.ledger(lease.task_id) == [("spend", HOLD)]


async def test_a_late_outcome_of_a_written_off_call_books_the_difference(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await world.die()
    assert await rescue(world.parts) == 1
    call = await world.call(intent.call_id)
    assert (call.status, call.cost_nanos, call.category) == ("unknown", HOLD, "crashed")
    assert await world.book(lease, intent, answered(nanos=1_000_000))
    call = await world.call(intent.call_id)
    assert (call.status, call.cost_nanos, call.estimated) == ("answered", 1_000_000, False)
    assert await world.ledger(lease.task_id) == [("spend", HOLD), ("correction", 1_000_000 - HOLD)]
    assert not await world.book(lease, intent, answered(nanos=2_000_000))
    assert sum(amount for _, amount in await world.ledger(lease.task_id)) == 1_000_000


async def test_what_a_provider_says_is_booked_even_where_postgres_has_no_letters_for_it(
    world: World,
) -> None:
    lease = await world.running()
    outcome = failed(Category.BAD_REQUEST)
    assert outcome.failure is not None
    garbled = outcome.failure.model_copy(update={"message": "no\x00thing"})
    await world.called(lease, answered("a\x00b"))
    intent = await world.intend(lease)
    assert await world.book(lease, intent, replace(outcome, failure=garbled, served_model="m\x00"))
    assert await world.succeed(lease, None) == "succeeded"


async def test_an_intent_is_refused_once_the_lease_is_gone(world: World) -> None:
    lease = await world.running()
    await world.expire_lease(lease.task_id)
    with pytest.raises(LeaseLost):
        await world.intend(lease)
    assert await world.value("SELECT count(*) FROM calls") == 0


async def test_an_intent_is_refused_to_a_fenced_off_attempt(world: World) -> None:
    lease = await world.running()
    await world.die()
    await rescue(world.parts)
    newer = await world.take(lease.task_id)
    with pytest.raises(LeaseLost):
        await world.intend(lease)
    await world.intend(newer)


async def test_an_intent_is_refused_while_the_task_is_being_cancelled(world: World) -> None:
    lease = await world.running()
    assert await cancel(world.parts, world.tenant_id, lease.task_id) == "canceling"
    with pytest.raises(LeaseLost):
        await world.intend(lease)


async def test_an_intent_whose_reply_got_lost_is_taken_as_committed(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    again = await world.intend(lease, call_id=intent.call_id)
    assert again.call_id == intent.call_id
    events = await world.events(lease.task_id)
    assert events.count("call.started") == 1
    assert await world.value("SELECT count(*) FROM calls") == 1


async def test_a_repair_marks_the_answer_it_mends_as_rejected(world: World) -> None:
    lease = await world.running()
    first = await world.called(lease)
    await world.intend(lease, Purpose.REPAIR, rejected_call=first.call_id)
    assert (await world.call(first.call_id)).verdict == "rejected"
    events = await world.events(lease.task_id)
    assert events[-2:] == ["task.repairing", "call.started"]
