"""What a test does with a task that waits for its job, and how it looks at both."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from orchestrator import failpoints
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.copilot.github import options
from workers.process import Process
from workers.run import run
from workers.visit import visit

KEY = "ORCHESTRATOR_TEST_GITHUB_TOKEN"


class Struck(Exception):
    """A worker died here."""


async def work(process: Process, task_id: UUID) -> None:
    await asyncio.to_thread(run, process, task_id)


async def look(world: World, process: Process, times: int = 1, later: float = 0.0) -> None:
    """Time goes by, and the open job is looked at."""
    for _ in range(times):
        await world.rows(
            "UPDATE jobs SET run_at = clock_timestamp(), sent_at = sent_at - make_interval(secs => :later)"
            " WHERE finished_at IS NULL",
            later=later,
        )
        for row in await world.rows("SELECT id FROM jobs WHERE finished_at IS NULL"):
            await asyncio.to_thread(visit, process, row.id)
        await check(world)


async def job(world: World) -> Any:
    return (await world.rows("SELECT * FROM jobs ORDER BY id DESC LIMIT 1"))[0]


async def call(world: World) -> Any:
    return (await world.rows("SELECT * FROM calls ORDER BY id DESC LIMIT 1"))[0]


async def configure(world: World, **fields: Any) -> None:
    query = "UPDATE providers SET options = CAST(:options AS jsonb) WHERE name = 'alpha'"
    await world.rows(query, options=options(**fields))


async def waiting(world: World, process: Process, **preferences: Any) -> UUID:
    """A task that waits for its job; nothing has been sent yet."""
    task_id = await world.submit(preferences={"providers": ["alpha"], **preferences})
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.status_reason) == ("running", "waiting_for_provider_job")
    assert (task.lease_token, task.lease_until, task.boot_id) == (None, None, None)
    await check(world)
    return task_id


def strike(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever reaches this point first dies there."""

    def die() -> None:
        raise Struck

    at(monkeypatch, name, die)


def at(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """This happens when the point is reached for the first time."""
    struck: list[str] = []

    def reach(reached: str) -> None:
        if reached == name and not struck:
            struck.append(name)
            act()

    monkeypatch.setattr(failpoints, "reach", reach)


async def lose_the_lease(world: World) -> None:
    await world.rows("UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second'")
