"""Claim and settle: one lease at a time, and a fence that only its holder passes."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from orchestrator import clock
from orchestrator.flow.cancel import cancel
from orchestrator.flow.claim import claim
from orchestrator.flow.rescue import rescue
from orchestrator.flow.retry import retry
from orchestrator.flow.settle import Ending, settle
from orchestrator.flow.submit import submit
from orchestrator.flow.wake import wake
from orchestrator.store import views
from schemas.calls import Purpose
from schemas.errors import Category, IdempotencyKeyReused, NotFound, TaskNotFinished
from tests.integration.flow.world import World, answered, failed, request, result


async def test_a_doubled_nudge_finds_nothing_to_claim(world: World) -> None:
    task_id = await world.submit()
    assert await world.claim(task_id) is not None
    assert await world.claim(task_id) is None
    assert (await world.task(task_id)).attempt == 1


async def test_many_claims_at_once_give_one_lease(world: World) -> None:
    task_id = await world.submit()
    claims = await world.at_once(task_id, [world.claim(task_id) for _ in range(10)])
    assert sum(lease is not None for lease in claims) == 1
    assert await world.events(task_id) == ["task.queued", "task.started"]
    assert await world.value("SELECT count(*) FROM attempts") == 1


async def test_an_unknown_task_is_not_claimed(world: World) -> None:
    assert await world.claim(clock.new_id()) is None


async def test_a_worker_claims_only_from_the_queues_it_serves(world: World) -> None:
    task_id = await world.submit()
    world.queues = ("provider.anthropic",)
    assert await world.claim(task_id) is None


@pytest.mark.parametrize(
    "changed",
    [
        "failures = max_attempts",
        "crashes = max_crashes",
        "deadline = clock_timestamp() - interval '1 second'",
        "run_at = clock_timestamp() + interval '1 hour', ready = false",
        "run_at = clock_timestamp() + interval '1 hour'",
    ],
)
async def test_a_task_that_is_used_up_late_or_early_is_not_claimed(world: World, changed: str) -> None:
    task_id = await world.submit()
    await world.change(task_id, changed)
    assert await world.claim(task_id) is None
    assert await world.status(task_id) == "queued"


@pytest.mark.parametrize("status", ["running", "canceling", "canceled", "succeeded"])
async def test_a_task_that_is_not_queued_is_not_claimed(world: World, status: str) -> None:
    lease = await world.running()
    if status == "succeeded":
        await world.succeed(lease, await world.called(lease))
    if status in ("canceling", "canceled"):
        await cancel(world.parts, world.tenant_id, lease.task_id)
    if status == "canceled":
        await world.fail(lease, Category.CANCELED)
    assert await world.status(lease.task_id) == status
    assert await world.claim(lease.task_id) is None


async def test_settle_with_an_expired_lease_changes_nothing(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    await world.expire_lease(lease.task_id)
    assert await world.succeed(lease, intent) is None
    assert await world.status(lease.task_id) == "running"
    assert await world.value("SELECT count(*) FROM task_results") == 0
    assert (await world.call(intent.call_id)).verdict is None


async def test_settle_with_another_token_changes_nothing(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    stranger = replace(lease, token=clock.new_id())
    assert await world.succeed(stranger, intent) is None
    assert await world.succeed(replace(lease, attempt=2), intent) is None
    assert await world.status(lease.task_id) == "running"
    assert await world.succeed(lease, intent) == "succeeded"


async def test_a_result_is_stored_with_its_quality_and_what_lowered_it(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    ending = Ending(intent.call_id, result=result(), repairs=1)
    assert await settle(world.parts, lease, ending) == "succeeded"
    assert (await world.task(lease.task_id)).quality == 72
    told = await world.value("SELECT data FROM events WHERE name = 'task.succeeded'")
    assert told == {"quality": 72, "lowered_by": {"level": 0.8, "repairs": 0.9}}


async def test_what_ends_without_a_result_has_no_quality(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    await cancel(world.parts, world.tenant_id, lease.task_id)
    assert await world.succeed(lease, intent) == "canceled"
    assert (await world.task(lease.task_id)).quality is None


async def test_settle_of_a_fenced_off_attempt_leaves_its_paid_answer_to_the_next(world: World) -> None:
    old = await world.running()
    intent = await world.called(old, answered("paid"))
    await world.die()
    assert await rescue(world.parts) == 1
    new = await world.take(old.task_id)
    assert new.attempt == 2
    assert new.paid is not None
    assert new.paid.text == "paid"
    assert await world.succeed(old, intent) is None
    assert (await world.call(intent.call_id)).verdict is None
    assert await world.succeed(new, intent) == "succeeded"
    assert (await world.call(intent.call_id)).verdict == "accepted"
    assert "attempt.superseded" not in await world.events(old.task_id)


async def test_a_late_answer_of_an_ended_task_is_recorded_as_superseded(world: World) -> None:
    old = await world.running()
    late = await world.intend(old)
    await world.die()
    await rescue(world.parts)
    new = await world.take(old.task_id)
    assert await world.succeed(new, await world.called(new)) == "succeeded"
    assert await world.book(old, late, answered("late", 3))
    assert await world.succeed(old, late) is None
    assert (await world.call(late.call_id)).verdict == "superseded"
    events = await world.events(old.task_id)
    assert events[-1] == "attempt.superseded"
    assert events.count("task.succeeded") == 1
    assert await world.value("SELECT count(*) FROM task_results") == 1
    spent = sum(amount for _, amount in await world.ledger(old.task_id))
    assert spent == await world.value("SELECT sum(cost_nanos) FROM calls")


async def test_answers_that_led_to_no_result_are_superseded_when_the_task_ends(world: World) -> None:
    first = await world.running()
    unused = await world.called(first)
    await world.die()
    await rescue(world.parts)
    second = await world.take(first.task_id)
    assert await world.succeed(second, await world.called(second)) == "succeeded"
    shown = await views.calls(world.parts.db, world.tenant_id, first.task_id)
    assert {call.id: call.verdict for call in shown}[unused.call_id] == "superseded"


async def test_a_rejected_first_answer_is_resumed_as_a_repair_only(world: World) -> None:
    lease = await world.running()
    first = await world.called(lease, answered("first"))
    await world.called(
        lease, failed(Category.SERVER_ERROR), purpose=Purpose.REPAIR, rejected_call=first.call_id
    )
    assert await world.fail(lease, Category.SERVER_ERROR) == "queued"
    await world.change(lease.task_id, "run_at = clock_timestamp(), ready = true")
    again = await world.take(lease.task_id)
    assert again.paid is not None
    assert (again.paid.call_id, again.paid.purpose, again.paid.text) == (
        first.call_id,
        Purpose.FIRST,
        "first",
    )


async def test_the_latest_paid_answer_is_the_one_resumed(world: World) -> None:
    lease = await world.running()
    first = await world.called(lease, answered("first"))
    await world.called(lease, answered("mended"), purpose=Purpose.REPAIR, rejected_call=first.call_id)
    await world.die()
    await rescue(world.parts)
    again = await world.take(lease.task_id)
    assert again.paid is not None
    assert (again.paid.purpose, again.paid.text) == (Purpose.REPAIR, "mended")
    assert [answer.text for answer in again.answers] == ["first", "mended"]


async def test_a_failed_call_is_retried_on_the_same_provider_then_on_the_next(world: World) -> None:
    lease = await world.running()
    assert await world.fail(lease, Category.SERVER_ERROR) == "queued"
    task = await world.task(lease.task_id)
    assert (task.status_reason, task.ready, task.queue, task.failures) == (
        "retry_backoff", False, "provider.openai", 1,
    )  # fmt: skip
    await world.change(lease.task_id, "run_at = clock_timestamp()")
    await wake(world.parts, ghosts_older_than=100)
    again = await world.take(lease.task_id)
    assert await world.fail(again, Category.SERVER_ERROR) == "queued"
    task = await world.task(lease.task_id)
    assert (task.queue, task.candidate, task.failures, task.candidate_failures) == (
        "provider.anthropic", 1, 2, 0,
    )  # fmt: skip
    assert (await world.events(lease.task_id))[-1] == "task.failed_over"


async def test_the_stale_nudge_of_a_failed_over_task_finds_nothing(world: World) -> None:
    lease = await world.running()
    assert await world.fail(lease, Category.UNAUTHORIZED) == "queued"
    world.queues = ("provider.openai",)
    assert await world.claim(lease.task_id) is None
    world.queues = ("provider.anthropic",)
    moved = await world.take(lease.task_id)
    assert moved.provider.name == "beta"


async def test_a_rate_limit_waits_and_burns_nothing(world: World) -> None:
    lease = await world.running()
    assert await world.fail(lease, Category.RATE_LIMITED, retry_after=30) == "queued"
    task = await world.task(lease.task_id)
    assert (task.status_reason, task.failures, task.candidate_failures, task.crashes) == (
        "rate_limited", 0, 0, 0,
    )  # fmt: skip
    wait = await world.value(
        "SELECT extract(epoch FROM run_at - clock_timestamp()) FROM tasks WHERE id = :id", id=lease.task_id
    )
    assert 29 <= float(wait) <= 34


async def test_a_wait_beyond_the_deadline_as_it_stands_now_goes_to_the_next_provider(world: World) -> None:
    lease = await world.running()
    in_its_last_minute = replace(lease, claimed_at=lease.claimed_at - lease.standing.seconds_left + 60)
    assert await world.fail(in_its_last_minute, Category.RATE_LIMITED, retry_after=90) == "queued"
    assert (await world.task(lease.task_id)).queue == "provider.anthropic"


async def test_failures_used_up_fail_the_task_with_the_reason(world: World) -> None:
    lease = await world.running(preferences={"max_attempts": 1})
    assert await world.fail(lease, Category.SERVER_ERROR) == "failed"
    task = await world.task(lease.task_id)
    assert task.error["code"] == "provider_server_error"
    assert task.error["retryable"] is True
    assert (await world.events(lease.task_id))[-1] == "task.failed"
    assert await world.value("SELECT count(*) FROM task_results") == 0


async def test_an_unusable_answer_leads_to_the_next_provider_which_begins_anew(world: World) -> None:
    lease = await world.running()
    first = await world.called(lease)
    mended = await world.called(lease, purpose=Purpose.REPAIR, rejected_call=first.call_id)
    assert await world.fail(lease, Category.ANSWER_REJECTED, mended.call_id) == "queued"
    task = await world.task(lease.task_id)
    assert (task.queue, task.failures, task.candidate) == ("provider.anthropic", 1, 1)
    again = await world.take(lease.task_id)
    assert again.answers == ()
    intent = await world.called(again, answered("another"))
    assert await world.succeed(again, intent) == "succeeded"
    verdicts = await world.rows("SELECT verdict FROM calls ORDER BY id")
    assert [row.verdict for row in verdicts] == ["rejected", "rejected", "accepted"]


async def test_unusable_answers_are_asked_elsewhere_as_often_as_failures_are(world: World) -> None:
    lease = await world.running(preferences={"max_attempts": 1})
    intent = await world.called(lease)
    assert await world.fail(lease, Category.ANSWER_REJECTED, intent.call_id) == "failed"


async def test_what_can_not_be_verified_is_asked_nowhere_else(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    assert await world.fail(lease, Category.UNVERIFIABLE, intent.call_id) == "failed"
    assert (await world.task(lease.task_id)).error["code"] == "unverifiable"
    assert (await world.call(intent.call_id)).verdict == "rejected"


async def test_an_unusable_answer_fails_the_task_and_stays_paid(world: World) -> None:
    lease = await world.running(preferences={"providers": ["alpha"]})
    intent = await world.called(lease)
    assert await world.fail(lease, Category.ANSWER_REJECTED, intent.call_id) == "failed"
    assert (await world.task(lease.task_id)).error["code"] == "answer_rejected"
    assert (await world.call(intent.call_id)).verdict == "rejected"
    assert len(await world.ledger(lease.task_id)) == 1


async def test_a_task_handed_back_is_ready_at_once_and_has_lost_nothing(world: World) -> None:
    lease = await world.running()
    assert await world.fail(lease, Category.SHUTDOWN) == "queued"
    task = await world.task(lease.task_id)
    assert (task.failures, task.crashes, task.ready, task.nudged_at) == (0, 0, True, None)
    assert await world.claim(lease.task_id) is not None


async def test_two_settles_of_one_attempt_leave_one_ending(world: World) -> None:
    lease = await world.running()
    intent = await world.called(lease)
    ending = Ending(intent.call_id, result=result())
    settled = await world.at_once(lease.task_id, [settle(world.parts, lease, ending) for _ in range(5)])
    assert settled == ["succeeded"] * 5
    assert (await world.events(lease.task_id)).count("task.succeeded") == 1
    assert await world.value("SELECT count(*) FROM task_results") == 1


async def test_a_settle_whose_reply_got_lost_knows_its_own_success_whatever_came_after(world: World) -> None:
    lease = await world.running()
    assert await world.fail(lease, Category.SERVER_ERROR) == "queued"
    await world.change(lease.task_id, "run_at = clock_timestamp(), ready = true")
    newer = await world.take(lease.task_id)
    assert await world.fail(lease, Category.SERVER_ERROR) == "queued"
    assert (await world.task(lease.task_id)).failures == 1
    assert await world.succeed(newer, await world.called(newer)) == "succeeded"
    assert (await world.events(lease.task_id)).count("task.retrying") == 1


async def test_a_rescued_attempt_does_not_take_its_rescue_for_its_own_ending(world: World) -> None:
    lease = await world.running()
    await world.die()
    await rescue(world.parts)
    assert await world.fail(lease, Category.SERVER_ERROR) is None


async def test_a_claim_whose_reply_got_lost_finds_its_lease_again(world: World) -> None:
    task_id, token = await world.submit(), uuid4()
    made = [await claim(world.parts, world.boot_id, world.queues, task_id, token) for _ in range(3)]
    assert [lease.attempt for lease in made if lease is not None] == [1, 1, 1]
    assert await claim(world.parts, world.boot_id, world.queues, task_id, uuid4()) is None
    assert (await world.events(task_id)).count("task.started") == 1


async def test_retry_makes_a_new_task_that_names_the_old_one(world: World) -> None:
    lease = await world.running(labels=["x"])
    with pytest.raises(TaskNotFinished):
        await retry(world.parts, world.tenant_id, lease.task_id)
    assert await world.fail(lease, Category.BAD_REQUEST) == "failed"
    again = await retry(world.parts, world.tenant_id, lease.task_id)
    assert again.id != lease.task_id
    task = await world.task(again.id)
    assert (task.retry_of, task.status, task.labels, task.failures) == (lease.task_id, "queued", ["x"], 0)
    assert await world.status(lease.task_id) == "failed"


async def test_another_tenants_task_can_neither_be_retried_nor_cancelled(world: World) -> None:
    task_id = await world.submit()
    with pytest.raises(NotFound):
        await retry(world.parts, clock.new_id(), task_id)
    with pytest.raises(NotFound):
        await cancel(world.parts, clock.new_id(), task_id)


async def test_the_same_key_and_request_at_once_make_one_task(world: World) -> None:
    made = await asyncio.gather(
        *(submit(world.parts, world.tenant_id, request(), idempotency_key="k") for _ in range(10))
    )
    assert len({each.id for each in made}) == 1
    assert sum(not each.replayed for each in made) == 1
    assert await world.value("SELECT count(*) FROM tasks") == 1
    with pytest.raises(IdempotencyKeyReused):
        await submit(world.parts, world.tenant_id, request(labels=["other"]), idempotency_key="k")
