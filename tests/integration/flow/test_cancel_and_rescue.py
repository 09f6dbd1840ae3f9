"""Cancel, rescue and deadline: from every state, to the one state that may follow."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from orchestrator import clock
from orchestrator.flow.cancel import cancel
from orchestrator.flow.rescue import rescue
from orchestrator.flow.wake import wake
from orchestrator.wiring import Parts
from schemas.errors import Category, TaskFinished
from tests.integration.flow.world import HOLD, World, answered

HOOK = {"webhook": {"url": "https://example.com/hook", "secret": "whsec_" + "A" * 32}}


async def scheduled(world: World, **fields: object) -> UUID:
    """A task that waits for its time."""
    task_id = await world.submit(**fields)
    await world.change(
        task_id,
        "status = 'scheduled', ready = false, status_reason = NULL,"
        " run_at = clock_timestamp() + interval '1 hour'",
    )
    return task_id


@pytest.mark.parametrize("waits", [True, False])
async def test_a_task_that_does_not_run_is_cancelled_at_once(world: World, waits: bool) -> None:
    task_id = await (scheduled(world) if waits else world.submit())
    assert await cancel(world.parts, world.tenant_id, task_id) == "canceled"
    assert (await world.events(task_id))[-1] == "task.canceled"
    assert await cancel(world.parts, world.tenant_id, task_id) == "canceled"
    assert (await world.events(task_id)).count("task.canceled") == 1
    assert await world.claim(task_id) is None


async def test_a_running_task_is_asked_to_cancel_and_its_worker_ends_it(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    assert await cancel(world.parts, world.tenant_id, lease.task_id) == "canceling"
    assert await cancel(world.parts, world.tenant_id, lease.task_id) == "canceling"
    assert (await world.task(lease.task_id)).lease_token == lease.token
    assert await world.book(lease, intent, answered(nanos=9))
    assert await world.succeed(lease, intent) == "canceled"
    assert await world.value("SELECT count(*) FROM task_results") == 0
    assert (await world.call(intent.call_id)).verdict == "superseded"
    assert await world.ledger(lease.task_id) == [("spend", 9)]
    events = await world.events(lease.task_id)
    assert events.count("task.canceling") == 1
    assert events[-1] == "task.canceled"


async def test_a_task_that_was_asked_to_cancel_ends_with_its_dead_worker(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await cancel(world.parts, world.tenant_id, lease.task_id)
    await world.die()
    assert await rescue(world.parts) == 1
    assert await world.status(lease.task_id) == "canceled"
    assert (await world.call(intent.call_id)).status == "unknown"
    assert await world.ledger(lease.task_id) == [("spend", HOLD)]


async def test_an_ended_task_can_not_be_cancelled(world: World) -> None:
    lease = await world.running()
    await world.succeed(lease, await world.called(lease))
    with pytest.raises(TaskFinished):
        await cancel(world.parts, world.tenant_id, lease.task_id)
    assert await world.status(lease.task_id) == "succeeded"


async def test_a_living_process_keeps_its_task_until_the_calls_own_time_is_over(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await world.expire_lease(lease.task_id)
    await world.rows("UPDATE workers SET heartbeat_at = clock_timestamp()")
    assert await rescue(long_running(world)) == 0
    assert await world.status(lease.task_id) == "running"
    past = "UPDATE calls SET timeout_at = clock_timestamp() - interval '1 second'"
    await world.rows(past)
    assert await rescue(long_running(world)) == 1
    assert await world.status(lease.task_id) == "queued"
    assert (await world.call(intent.call_id)).status == "unknown"


async def test_a_silent_process_is_dead_and_its_task_is_taken_back_at_once(world: World) -> None:
    lease = await world.running()
    await world.intend(lease)
    await world.expire_lease(lease.task_id)
    await world.rows("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '50 seconds'")
    assert await rescue(long_running(world)) == 1
    task = await world.task(lease.task_id)
    assert (task.status, task.crashes, task.failures, task.ready) == ("queued", 1, 0, True)
    assert task.lease_token is None
    outcome = await world.value("SELECT outcome FROM attempts WHERE task_id = :id", id=lease.task_id)
    assert outcome == "rescued"


async def test_a_lease_that_did_not_expire_is_left_alone_whoever_holds_it(world: World) -> None:
    lease = await world.running()
    await world.rows("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '1 hour'")
    assert await rescue(long_running(world)) == 0
    assert await world.status(lease.task_id) == "running"


async def test_after_a_restart_of_postgres_a_lease_that_ran_out_has_one_lease_of_amnesty(
    world: World,
) -> None:
    lease = await world.running()
    await world.expire_lease(lease.task_id)
    assert await rescue(long_running(world, lease_seconds=86_400)) == 0
    assert await rescue(long_running(world)) == 1


async def test_a_task_that_kills_its_workers_fails_in_the_end(world: World) -> None:
    task_id = await world.submit()
    for crash in range(3):
        world.boot_id = await world.enlist()
        await world.change(task_id, "run_at = clock_timestamp(), ready = true")
        await world.take(task_id)
        await world.die()
        assert await rescue(world.parts) == 1
        assert (await world.task(task_id)).crashes == crash + 1
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "provider_crashed")
    events = await world.events(task_id)
    assert (events.count("task.rescued"), events.count("task.failed")) == (2, 1)


async def test_rescue_by_two_at_once_takes_each_task_back_once(world: World) -> None:
    for _ in range(20):
        await world.running()
    await world.die()
    taken = await asyncio.gather(*(rescue(world.parts) for _ in range(4)))
    assert sum(taken) == 20
    assert await world.value("SELECT max(crashes) FROM tasks") == 1


@pytest.mark.parametrize("state", ["scheduled", "queued", "waiting", "running"])
async def test_at_its_deadline_a_task_expires_from_any_state(world: World, state: str) -> None:
    wishes = {"preferences": HOOK}
    if state == "running":
        lease = await world.running(**wishes)
        task_id = lease.task_id
        await world.intend(lease)
    elif state == "scheduled":
        task_id = await scheduled(world, **wishes)
    else:
        task_id = await world.submit(**wishes)
        if state == "waiting":
            await world.change(
                task_id, "ready = false, status_reason = 'waiting_for_children', run_at = 'infinity'"
            )
    await world.change(task_id, "deadline = clock_timestamp() - interval '1 millisecond'")
    assert await rescue(world.parts) == 1
    await world.change(task_id, "run_at = clock_timestamp()")
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("expired", "deadline_exceeded")
    assert (await world.events(task_id))[-1] == "task.expired"
    delivery = (await world.rows("SELECT * FROM deliveries"))[0]
    assert (delivery.task_id, delivery.event, delivery.status) == (task_id, "task.expired", "pending")
    assert await world.value("SELECT count(*) FROM chores WHERE status = 'queued'") == 1
    assert await rescue(world.parts) == 0


async def test_a_task_asked_to_cancel_ends_as_cancelled_at_its_deadline_too(world: World) -> None:
    lease = await world.running()
    await cancel(world.parts, world.tenant_id, lease.task_id)
    await world.change(lease.task_id, "deadline = clock_timestamp() - interval '1 millisecond'")
    await rescue(world.parts)
    assert await world.status(lease.task_id) == "canceled"


async def test_the_open_call_of_an_expired_task_is_booked_when_its_worker_comes(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await world.change(lease.task_id, "deadline = clock_timestamp() - interval '1 millisecond'")
    await rescue(world.parts)
    assert await world.book(lease, intent, answered(nanos=4))
    assert await world.succeed(lease, intent) is None
    assert await world.status(lease.task_id) == "expired"
    assert await world.ledger(lease.task_id) == [("spend", 4)]
    assert (await world.call(intent.call_id)).verdict == "superseded"


async def test_the_open_call_of_an_expired_task_whose_worker_never_comes_is_charged(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await world.change(lease.task_id, "deadline = clock_timestamp() - interval '1 millisecond'")
    await rescue(world.parts)
    await world.rows("UPDATE calls SET timeout_at = clock_timestamp() - interval '2 minutes'")
    await rescue(world.parts)
    call = await world.call(intent.call_id)
    assert (call.status, call.cost_nanos) == ("unknown", HOLD)
    assert await world.ledger(lease.task_id) == [("spend", HOLD)]


async def test_a_task_whose_time_has_come_is_woken_once_whoever_wakes(world: World) -> None:
    task_id = await scheduled(world)
    await wake(world.parts, ghosts_older_than=100)
    assert await world.status(task_id) == "scheduled"
    await world.change(task_id, "run_at = clock_timestamp() - interval '1 second'")
    await asyncio.gather(*(wake(world.parts, ghosts_older_than=100) for _ in range(6)))
    task = await world.task(task_id)
    assert (task.status, task.ready, task.status_reason) == ("queued", True, "waiting_for_worker")
    assert (await world.events(task_id)).count("task.queued") == 2


async def test_a_backoff_that_is_over_stands_in_its_lane_again(world: World) -> None:
    lease = await world.running()
    await world.fail(lease, Category.RATE_LIMITED, retry_after=5)
    await world.change(lease.task_id, "run_at = clock_timestamp()")
    words = await wake(world.parts, ghosts_older_than=100)
    assert words == {f"provider.openai {lease.provider.id} {world.tenant_id}"}
    assert await world.claim(lease.task_id) is not None


async def test_a_task_submitted_for_later_waits_as_scheduled(world: World) -> None:
    later = clock.now() + timedelta(hours=1)
    task_id = await world.submit(run_at=later)
    task = await world.task(task_id)
    assert (task.status, task.ready, task.run_at) == ("scheduled", False, later)
    assert task.deadline == later + timedelta(hours=24)
    assert await world.events(task_id) == ["task.scheduled"]


async def test_a_start_in_the_past_means_now(world: World) -> None:
    task_id = await world.submit(run_at=clock.now() - timedelta(days=3))
    task = await world.task(task_id)
    assert task.status == "queued"
    assert task.deadline > clock.now()
    assert task.rank >= clock.now() - timedelta(minutes=1)
    assert await world.claim(task_id) is not None


def long_running(world: World, **changed: object) -> Parts:
    """Parts that take Postgres for having run long enough."""
    config = world.parts.config.model_copy(update={"lease_seconds": 0.0} | changed)
    return replace(world.parts, config=config)
