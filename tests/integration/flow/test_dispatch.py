"""Dispatch: nudges for what shares gives, a bounded window, and nothing lost with the broker."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import pytest
from redis.asyncio import Redis

from orchestrator.broker import RUN, Unpublished
from orchestrator.flow.dispatch import Board, dispatch
from orchestrator.flow.release import release
from orchestrator.flow.wake import wake
from tests.integration.flow.world import World, make_world


class Paper:
    """A publisher that keeps what it is given; `broken` makes it fail."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.broken = False

    def publish(self, celery_task: str, nudges: Iterable[tuple[str, str]]) -> None:
        assert celery_task == RUN
        if self.broken:
            raise Unpublished("the broker is away")
        self.published += nudges

    def close(self) -> None:
        self.broken = False


def board_on(paper: Paper) -> Board:
    return Board(paper)  # type: ignore[arg-type]


async def workers(world: World, slots: int, queues: tuple[str, ...] | None = None) -> UUID:
    """Only this worker lives."""
    await world.rows("UPDATE workers SET stopped_at = clock_timestamp()")
    return await world.enlist(slots=slots, queues=queues or world.queues)


async def test_without_a_living_worker_nothing_is_nudged(world: World) -> None:
    await world.submit()
    await workers(world, 4)
    await world.rows("UPDATE workers SET draining_at = clock_timestamp()")
    paper = Paper()
    assert await dispatch(world.parts, board_on(paper)) == 0
    assert paper.published == []


async def test_a_nudge_carries_the_tasks_id_to_its_queue(world: World) -> None:
    task_id = await world.submit()
    await workers(world, 4)
    paper = Paper()
    assert await dispatch(world.parts, board_on(paper)) == 1
    assert paper.published == [(str(task_id), "provider.openai")]
    assert (await world.task(task_id)).nudged_at is not None
    assert await world.events(task_id) == ["task.queued", "task.dispatched"]


async def test_the_window_holds_twice_the_slots_and_no_more(world: World) -> None:
    for _ in range(30):
        await world.submit()
    await workers(world, 4)
    paper, rounds = Paper(), []
    board = board_on(paper)
    for _ in range(4):
        rounds.append(await dispatch(world.parts, board))
        board.forget()
    assert sum(rounds) == 8
    assert len({task_id for task_id, _ in paper.published}) == 8
    claimed = [await world.claim(UUID(task_id)) for task_id, _ in paper.published[:3]]
    assert all(claimed)
    assert await dispatch(world.parts, board) == 0
    lease = claimed[0]
    assert lease is not None
    assert await world.succeed(lease, await world.called(lease)) == "succeeded"
    board.forget()
    assert await dispatch(world.parts, board) == 1


async def test_urgent_tasks_of_a_lane_go_first_then_by_age(world: World) -> None:
    low = await world.submit(priority="low")
    first = await world.submit()
    second = await world.submit()
    critical = await world.submit(priority="critical")
    await workers(world, 1)
    paper, board = Paper(), None
    order: list[UUID] = []
    board = board_on(paper)
    while len(order) < 4:
        await dispatch(world.parts, board)
        nudged, paper.published = [UUID(task_id) for task_id, _ in paper.published], []
        for task_id in nudged:
            lease = await world.take(task_id)
            await world.succeed(lease, await world.called(lease))
        order += nudged
        board.forget()
    assert set(order[:2]) == {critical, first}
    assert set(order[2:]) == {second, low}


async def test_tenants_share_a_window_by_their_weight(world: World) -> None:
    worlds = [world, *[await make_world(world.parts) for _ in range(6)]]
    await world.rows("UPDATE tenants SET weight = 2 WHERE id = :id", id=worlds[-1].tenant_id)
    for each in worlds:
        for _ in range(12):
            await each.submit()
    await workers(world, 4)
    await dispatch(world.parts, board_on(Paper()))
    rows = await world.rows("SELECT tenant_id FROM tasks WHERE nudged_at IS NOT NULL")
    counts = Counter(row.tenant_id for row in rows)
    assert [counts[each.tenant_id] for each in worlds] == [1, 1, 1, 1, 1, 1, 2]


async def test_a_paused_provider_or_tenant_gets_nothing(world: World) -> None:
    await world.submit()
    await world.submit(preferences={"providers": ["beta"]})
    await workers(world, 4)
    await world.rows("UPDATE providers SET paused = true WHERE name = 'alpha'")
    paper = Paper()
    assert await dispatch(world.parts, board_on(paper)) == 1
    assert [queue for _, queue in paper.published] == ["provider.anthropic"]
    await world.rows("UPDATE providers SET paused = false")
    await world.rows("UPDATE tenants SET paused = true")
    assert await dispatch(world.parts, board_on(paper)) == 0


async def test_a_limit_counts_what_runs_and_what_is_nudged(world: World) -> None:
    for _ in range(6):
        await world.submit()
    await workers(world, 10)
    await world.rows("UPDATE providers SET concurrency_limit = 2 WHERE name = 'alpha'")
    paper = Paper()
    board = board_on(paper)
    assert await dispatch(world.parts, board) == 2
    await world.take(UUID(paper.published[0][0]))
    board.forget()
    assert await dispatch(world.parts, board) == 0


async def test_what_could_not_be_published_stands_in_its_lane_again(world: World) -> None:
    task_id = await world.submit()
    await workers(world, 4)
    paper = Paper()
    paper.broken = True
    board = board_on(paper)
    with pytest.raises(Unpublished, match="away"):
        await dispatch(world.parts, board)
    assert (await world.task(task_id)).nudged_at is None
    paper.broken = False
    assert await dispatch(world.parts, board) == 1


async def test_a_nudge_that_nobody_follows_is_repeated(world: World) -> None:
    task_id = await world.submit()
    await workers(world, 1)
    paper = Paper()
    board = board_on(paper)
    assert await dispatch(world.parts, board) == 1
    await wake(world.parts, ghosts_older_than=15)
    board.forget()
    assert await dispatch(world.parts, board) == 0
    await world.change(task_id, "nudged_at = clock_timestamp() - interval '16 seconds'")
    await wake(world.parts, ghosts_older_than=15)
    board.forget()
    assert await dispatch(world.parts, board) == 1
    assert [task for task, _ in paper.published] == [str(task_id)] * 2
    assert (await world.events(task_id)).count("task.dispatched") == 2


async def test_a_nudge_that_is_given_back_is_repeated_at_once(world: World) -> None:
    task_id = await world.submit()
    await workers(world, 1)
    paper = Paper()
    board = board_on(paper)
    await dispatch(world.parts, board)
    await release(world.parts, task_id)
    board.forget()
    assert await dispatch(world.parts, board) == 1


async def test_two_dispatchers_at_once_nudge_each_task_once(world: World) -> None:
    for _ in range(40):
        await world.submit()
    await workers(world, 100)
    papers = [Paper() for _ in range(4)]
    counts = await asyncio.gather(*(dispatch(world.parts, board_on(paper)) for paper in papers))
    assert sum(counts) == 40
    nudged = [task_id for paper in papers for task_id, _ in paper.published]
    assert len(nudged) == len(set(nudged)) == 40


async def test_nudges_that_still_wait_behind_busy_slots_are_not_repeated(world: World) -> None:
    """Given two nudges whose messages both wait in the broker, and later only one of them does."""
    for _ in range(2):
        await world.submit()
    await workers(world, 4)
    paper = Paper()
    assert await dispatch(world.parts, board_on(paper)) == 2
    async with Redis.from_url(world.parts.config.broker_url or "") as broker:
        await broker.delete("provider.openai")
        await broker.lpush("provider.openai", "one", "two")
        await wake(world.parts, ghosts_older_than=0)
        assert await world.value("SELECT count(*) FROM tasks WHERE nudged_at IS NOT NULL") == 2
        await broker.rpop("provider.openai")
        await wake(world.parts, ghosts_older_than=0)
        assert await world.value("SELECT count(*) FROM tasks WHERE nudged_at IS NOT NULL") == 0
        await broker.delete("provider.openai")
