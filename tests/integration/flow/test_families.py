"""A parent and its children: stored together, counted down whatever ends a child, called off together."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest

from orchestrator import clock
from orchestrator.flow.cancel import cancel
from orchestrator.flow.divert import divert
from orchestrator.flow.rescue import rescue
from orchestrator.flow.retry import retry
from orchestrator.flow.shares import Lane
from orchestrator.flow.submit import submit
from orchestrator.limits.budgets import add_budget
from orchestrator.store import views
from orchestrator.store.statements import text
from orchestrator.store.views import Filters
from orchestrator.wiring import Parts
from schemas.budgets import BudgetRequest, Period, Scope
from schemas.calls import dollars
from schemas.errors import (
    BudgetExhausted,
    Category,
    ChildTask,
    IdempotencyKeyReused,
    InvalidRequest,
    NoProvider,
    TaskFinished,
)
from schemas.tasks import TaskStatus
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import HOLD, World, answered, request

THREE = {"preferences": {"consensus": 3}}
NAMES = ("alpha", "beta", "gamma", "delta")


@pytest.fixture
async def world(parts: Parts) -> World:
    """A tenant with four providers."""
    await making.empty(parts)
    return await making.make_world(parts, NAMES)


async def family(world: World, **fields: Any) -> tuple[UUID, list[UUID]]:
    """A parent of three, and its children."""
    parent = await world.submit(**(THREE | fields))
    return parent, await children(world, parent)


async def children(world: World, parent: UUID) -> list[UUID]:
    rows = await world.rows("SELECT id FROM tasks WHERE parent_id = :id ORDER BY id", id=parent)
    return [row.id for row in rows]


async def standing(world: World, task_id: UUID) -> tuple[str, str | None, bool, int]:
    query = "SELECT status, status_reason, ready, open_children FROM tasks WHERE id = :id"
    row = (await world.rows(query, id=task_id))[0]
    return row.status, row.status_reason, row.ready, row.open_children


async def told(world: World, parent: UUID) -> list[tuple[str, int]]:
    """The status of each child that the parent heard of, and how many were open then."""
    query = "SELECT data FROM events WHERE task_id = :id AND name = 'task.child_ended' ORDER BY seq"
    return [(row.data["status"], row.data["open"]) for row in await world.rows(query, id=parent)]


async def end(world: World, task_id: UUID) -> TaskStatus | None:
    """A child's way to success."""
    lease = await world.take(task_id)
    return await world.succeed(lease, await world.called(lease))


WAITS = ("queued", "waiting_for_children", False, 3)


async def test_a_parent_waits_while_each_child_stands_at_a_provider_of_its_own(world: World) -> None:
    parent, three = await family(world)
    assert await standing(world, parent) == WAITS
    query = """
        SELECT t.queue, t.parent_id, t.deadline, p.request #>> '{preferences,consensus}' AS consensus,
            (SELECT array_agg(c ->> 'name') FROM jsonb_array_elements(p.candidates) c) AS names
        FROM tasks t JOIN task_payloads p ON p.id = t.id ORDER BY t.id
    """
    first, *rows = await world.rows(query)
    route = first.names
    assert (len(route), first.consensus) == (4, "3")
    assert [row.names for row in rows] == [
        [route[0], route[3], route[1], route[2]],
        [route[1], route[3], route[2], route[0]],
        [route[2], route[3], route[0], route[1]],
    ]
    assert {(row.parent_id, row.consensus) for row in rows} == {(parent, None)}
    assert {first.deadline - row.deadline for row in rows} == {timedelta(minutes=1)}
    assert await world.claim(parent) is None
    assert len(three) == 3
    await check(world)


async def test_the_last_child_to_end_makes_the_parent_ready_however_each_ended(world: World) -> None:
    parent, (one, two, three) = await family(world)
    await end(world, one)
    await world.fail(await world.take(two), Category.BAD_REQUEST)
    assert await standing(world, parent) == ("queued", "waiting_for_children", False, 1)
    await cancel(world.parts, world.tenant_id, three)
    assert await standing(world, parent) == ("queued", "waiting_for_worker", True, 0)
    assert await told(world, parent) == [("succeeded", 2), ("failed", 1), ("canceled", 0)]
    await check(world)
    lease = await world.take(parent)
    assert lease.request.preferences.consensus == 3


async def test_a_child_that_is_tried_again_is_still_open(world: World) -> None:
    parent, (one, *_) = await family(world)
    await world.fail(await world.take(one), Category.SERVER_ERROR)
    assert await standing(world, parent) == WAITS
    await check(world)


async def test_a_child_whose_workers_die_too_often_is_counted_down_by_rescue(world: World) -> None:
    parent, (one, *_) = await family(world)
    await world.rows("UPDATE tasks SET max_crashes = 1 WHERE id = :id", id=one)
    await world.intend(await world.take(one))
    await world.die()
    await rescue(world.parts)
    assert await world.status(one) == "failed"
    assert await told(world, parent) == [("failed", 2)]
    await check(world)


async def test_a_child_that_ends_twice_is_counted_once(world: World) -> None:
    parent, (one, *_) = await family(world)
    lease = await world.take(one)
    intent = await world.called(lease)
    await asyncio.gather(*(world.succeed(lease, intent) for _ in range(4)))
    assert await standing(world, parent) == ("queued", "waiting_for_children", False, 2)
    await check(world)


async def test_children_that_end_at_once_make_the_parent_ready_once(world: World) -> None:
    parent, three = await family(world)
    leases = [await world.take(each) for each in three]
    intents = [await world.called(lease) for lease in leases]
    steps = [world.succeed(lease, intent) for lease, intent in zip(leases, intents, strict=True)]
    assert await world.at_once(parent, steps) == [TaskStatus.SUCCEEDED] * 3
    assert await standing(world, parent) == ("queued", "waiting_for_worker", True, 0)
    assert sorted(await told(world, parent)) == [("succeeded", 0), ("succeeded", 1), ("succeeded", 2)]
    await check(world)


async def test_a_child_that_ends_waits_for_its_parent_before_it_is_locked_itself(world: World) -> None:
    parent, (one, two, _) = await family(world)
    lease = await world.take(one)
    intent = await world.called(lease)
    steps: list[Callable[[], Awaitable[object]]] = [
        partial(world.succeed, lease, intent),
        partial(_canceled, world, two),
    ]
    for child, step in zip((one, two), steps, strict=True):
        async with world.parts.db.transaction() as connection:
            await connection.execute(text(f"SELECT 1 FROM tasks WHERE id = '{parent}' FOR UPDATE"))
            ending: asyncio.Future[object] = asyncio.ensure_future(step())
            await making.eventually(partial(world.waiting_for_locks, 1))
            await connection.execute(text(f"SELECT 1 FROM tasks WHERE id = '{child}' FOR UPDATE NOWAIT"))
        await ending
    assert [status for status, _ in await told(world, parent)] == ["succeeded", "canceled"]


async def test_a_cancel_of_the_parent_calls_off_what_is_open(world: World) -> None:
    parent, (one, two, three) = await family(world)
    await end(world, one)
    lease = await world.take(two)
    intent = await world.intend(lease)
    assert await cancel(world.parts, world.tenant_id, parent) is TaskStatus.CANCELED
    states = [(await standing(world, each))[0] for each in (parent, one, two, three)]
    assert states == ["canceled", "succeeded", "canceling", "canceled"]
    await check(world)
    await world.book(lease, intent, answered())
    assert await world.succeed(lease, intent) is TaskStatus.CANCELED
    assert (await standing(world, parent))[3] == 0
    await check(world)
    with pytest.raises(TaskFinished):
        await cancel(world.parts, world.tenant_id, one)


async def test_a_parent_that_is_chosen_for_is_cancelled_like_any_task(world: World) -> None:
    parent, three = await family(world)
    for each in three:
        await end(world, each)
    await world.take(parent)
    assert await cancel(world.parts, world.tenant_id, parent) is TaskStatus.CANCELING
    await check(world)


async def test_at_the_deadline_the_parent_and_its_open_children_expire(world: World) -> None:
    parent, (one, two, three) = await family(world)
    await end(world, one)
    await world.intend(await world.take(two))
    await world.rows("UPDATE tasks SET deadline = clock_timestamp() - interval '1 second'")
    assert await rescue(world.parts) == 3
    states = [(await standing(world, each))[0] for each in (parent, one, two, three)]
    assert states == ["expired", "succeeded", "expired", "expired"]
    assert (await standing(world, parent))[3] == 0
    await check(world)


async def test_children_that_wait_too_long_end_in_time_for_their_parent_to_choose(world: World) -> None:
    deadline = clock.now() + timedelta(seconds=40)
    parent, (one, two, three) = await family(world, deadline=deadline.isoformat())
    query = "SELECT extract(epoch FROM :deadline - deadline) FROM tasks WHERE id = :id"
    assert 3.5 < float(await world.value(query, deadline=deadline, id=two)) <= 4
    await end(world, one)
    await world.rows(
        "UPDATE tasks SET deadline = clock_timestamp() - interval '1 second' WHERE parent_id = :id", id=parent
    )
    assert await rescue(world.parts) == 2
    assert [(await standing(world, each))[0] for each in (one, two, three)] == [
        "succeeded", "expired", "expired",
    ]  # fmt: skip
    assert await standing(world, parent) == ("queued", "waiting_for_worker", True, 0)
    await check(world)


async def test_a_parent_chooses_elsewhere_while_its_provider_is_paused_and_others_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.flow.divert.MOST", 1)
    other = await world.submit(priority="critical", preferences={"providers": ["alpha"]})
    parent, three = await family(world, preferences={"consensus": 3, "preferred": ["alpha"]})
    ids = {row.name: row.id for row in await world.rows("SELECT id, name FROM providers")}
    lane = Lane("provider.openai", ids["alpha"], world.tenant_id)

    async def diverted(*names: str) -> set[str]:
        return await divert(world.parts, [lane], {}, paused={ids[name] for name in names})

    assert await diverted("alpha") == set()
    for each in three:
        await end(world, each)
    assert await diverted(*NAMES) == set()
    assert len(await diverted("alpha")) == 1
    row = await world.task(parent)
    assert (row.status, row.ready, row.queue, row.failures) == ("queued", True, "provider.anthropic", 0)
    assert row.provider_id != ids["alpha"]
    assert (await world.task(other)).provider_id == ids["alpha"]
    assert (await world.take(parent)).request.preferences.consensus == 3
    await check(world)


async def test_rescue_never_waits_for_the_lock_of_a_parent(world: World) -> None:
    parent, (one, *_) = await family(world)
    await world.rows(
        "UPDATE tasks SET deadline = clock_timestamp() - interval '1 second' WHERE id = :id", id=one
    )
    async with world.parts.db.transaction() as connection:
        locking = f"SELECT 1 FROM tasks WHERE id = '{parent}' FOR UPDATE"
        await connection.execute(text(locking))
        assert await rescue(world.parts) == 0
    assert await rescue(world.parts) == 1
    assert await told(world, parent) == [("expired", 2)]


async def test_ends_cancels_and_rescues_that_meet_end_everything_once(world: World) -> None:
    """Every pair of locks is taken by many at once: an order that is not kept ends in a deadlock."""
    random = Random(7)
    for _ in range(4):
        parent, three = await family(world)
        leases = [await world.take(each) for each in three[: random.randint(1, 3)]]
        intents = [await world.called(lease) for lease in leases]
        steps: list[Awaitable[object]] = [
            world.succeed(lease, intent) for lease, intent in zip(leases, intents, strict=True)
        ]
        steps += [_canceled(world, each) for each in (three[0], three[2], parent)]
        if random.random() < 0.5:
            late = "UPDATE tasks SET deadline = clock_timestamp() - interval '1 second' WHERE parent_id = :id"
            await world.rows(late, id=parent)
        steps += [rescue(world.parts), rescue(world.parts)]
        random.shuffle(steps)
        await asyncio.gather(*steps)
        await check(world)
        await _canceled(world, parent)
        await world.rows("UPDATE tasks SET deadline = clock_timestamp() - interval '1 second'")
        await rescue(world.parts)
        await rescue(world.parts)
        assert await world.value("SELECT count(*) FROM tasks WHERE finished_at IS NULL") == 0
        await check(world)


async def _canceled(world: World, task_id: UUID) -> None:
    try:
        await cancel(world.parts, world.tenant_id, task_id)
    except TaskFinished:
        assert (await standing(world, task_id))[0] in ("succeeded", "failed", "canceled", "expired")


async def test_a_later_start_holds_for_the_children(world: World) -> None:
    start = clock.now() + timedelta(hours=1)
    parent, three = await family(world, run_at=start.isoformat())
    assert await standing(world, parent) == WAITS
    assert {(await standing(world, each))[:3] for each in three} == {("scheduled", None, False)}
    await check(world)


async def test_the_same_key_brings_the_same_family_back(world: World) -> None:
    asked = request(**THREE)
    first = await submit(world.parts, world.tenant_id, asked, idempotency_key="k")
    again = await submit(world.parts, world.tenant_id, asked, idempotency_key="k")
    assert (again.id, again.replayed) == (first.id, True)
    assert await world.value("SELECT count(*) FROM tasks") == 4
    assert await world.value("SELECT count(*) FROM task_payloads") == 4
    with pytest.raises(IdempotencyKeyReused):
        await submit(world.parts, world.tenant_id, request(preferences={"consensus": 2}), idempotency_key="k")


async def test_keys_used_at_once_make_one_family(world: World) -> None:
    asked = request(**THREE)
    made = await asyncio.gather(
        *(submit(world.parts, world.tenant_id, asked, idempotency_key="k") for _ in range(6))
    )
    assert len({each.id for each in made}) == 1
    assert await world.value("SELECT count(*) FROM tasks") == 4
    await check(world)


async def test_too_few_providers_are_refused_by_field_and_nothing_is_stored(world: World) -> None:
    wishes = {"consensus": 3, "providers": ["alpha", "beta"]}
    with pytest.raises(NoProvider) as refused:
        await world.submit(preferences=wishes)
    assert [(each.field, each.code) for each in refused.value.errors] == [
        ("preferences.consensus", "too_few_providers")
    ]
    assert "alpha, beta" in refused.value.detail
    assert await world.value("SELECT count(*) FROM tasks") == 0


async def test_a_stream_has_no_consensus(world: World) -> None:
    chat = {"kind": "chat", "context": {"prompt": "Hello", "stream": True}}
    with pytest.raises(InvalidRequest) as refused:
        await world.submit(**(chat | THREE))
    assert [each.field for each in refused.value.errors] == ["preferences.consensus"]


async def test_a_child_is_not_retried_and_a_parent_is_with_all_its_children(world: World) -> None:
    parent, (one, *_) = await family(world)
    await cancel(world.parts, world.tenant_id, parent)
    with pytest.raises(ChildTask, match=str(parent)):
        await retry(world.parts, world.tenant_id, one)
    again = await retry(world.parts, world.tenant_id, parent)
    assert len(await children(world, again.id)) == 3
    await check(world)


async def test_a_used_up_budget_refuses_the_whole_family(world: World) -> None:
    budget = BudgetRequest(scope=Scope.TENANT, period=Period.TOTAL, limit_usd=dollars(HOLD), hard=True)
    await add_budget(world.parts.db, world.tenant_id, budget)
    lease = await world.running()
    await world.called(lease, answered(nanos=HOLD))
    with pytest.raises(BudgetExhausted):
        await world.submit(**THREE)
    assert await world.value("SELECT count(*) FROM tasks") == 1


async def test_children_are_listed_only_where_they_are_asked_for(world: World) -> None:
    parent, three = await family(world)

    async def listed(**filters: Any) -> list[UUID]:
        return [row.id for row in await views.page(world.parts.db, world.tenant_id, Filters(**filters), 10)]

    assert await listed(without_children=True) == [parent]
    assert await listed(parent_id=parent) == three[::-1]
    assert await listed() == [*three[::-1], parent]


async def test_the_cost_shown_is_that_of_all_calls_of_the_family(world: World) -> None:
    parent, three = await family(world)
    for nanos, child in enumerate(three, 1):
        lease = await world.take(child)
        await world.succeed(lease, await world.called(lease, answered(nanos=nanos)))
    lease = await world.take(parent)
    await world.called(lease, answered(nanos=10))
    row = await views.task(world.parts.db, world.tenant_id, parent)
    assert row is not None
    assert (row.nanos, row.calls) == (16, 4)
    assert row.nanos == await world.value("SELECT sum(amount_nanos) FROM ledger")
    shown = await views.children(world.parts.db, world.tenant_id, parent)
    assert [(each.id, each.nanos, each.status) for each in shown] == [
        (child, nanos, "succeeded") for nanos, child in enumerate(three, 1)
    ]
    calls = await views.calls(world.parts.db, world.tenant_id, parent)
    assert [each.task_id for each in calls] == [*three, parent]
    alone = await views.task(world.parts.db, world.tenant_id, three[2])
    assert alone is not None
    assert (alone.nanos, alone.parent_id, alone.consensus) == (3, parent, None)
