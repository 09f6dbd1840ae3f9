"""Tests of a task that run in the sandbox when nobody wants their outcome any more."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psutil
import pytest

from orchestrator import clock
from orchestrator.config import Config
from orchestrator.flow.cancel import cancel
from schemas.tasks import TaskStatus
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.test_run import work
from workers.process import Process
from workers.verify.sandbox import Refused, run_contained

SOON = 2.0


@pytest.fixture(scope="module")
def settings(settings: Config) -> Config:
    """Tests may run here."""
    found = run_contained({}, ["true"])
    if isinstance(found, Refused):
        pytest.skip(f"this machine can't contain it: {found.reason}")
    return settings.model_copy(update={"sandboxed_tests": True})


def endless(mark: str, **fields: Any) -> dict[str, Any]:
    """A task whose tests take a minute; `mark` is on their command line."""
    context = {"description": "Write slugify(title).", "constraints": {"tests": ["sleep", mark]}}
    return {"context": context, "preferences": {"providers": ["alpha"]}} | fields


def running(mark: str) -> bool:
    return any(mark in (each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))


async def started(process: Process, task_id: UUID, mark: str) -> "asyncio.Task[None]":
    """The task's work, once its tests run."""

    async def runs() -> bool:
        return running(mark)

    working = asyncio.create_task(work(process, task_id))
    await eventually(runs)
    return working


async def test_a_cancel_ends_the_tests_that_run(world: World, process: Process) -> None:
    task_id = await world.submit(**endless("61.25"))
    working = await started(process, task_id, "61.25")
    asked = clock.monotonic()
    assert await cancel(world.parts, world.tenant_id, task_id) is TaskStatus.CANCELING
    await working
    assert clock.monotonic() - asked < SOON
    assert await world.status(task_id) == "canceled"
    assert not running("61.25")
    assert await world.value("SELECT count(*) FROM calls WHERE status = 'answered'") == 1
    await check(world)


async def test_the_deadline_ends_the_tests_that_run(world: World, process: Process) -> None:
    deadline = clock.now() + timedelta(seconds=3)
    task_id = await world.submit(**endless("61.5", deadline=deadline.isoformat()))
    await (await started(process, task_id, "61.5"))
    assert (clock.now() - deadline).total_seconds() < SOON
    assert await world.status(task_id) == "expired"
    assert not running("61.5")
    await check(world)


async def test_a_worker_that_stops_hands_the_paid_answer_back(world: World, process: Process) -> None:
    task_id = await world.submit(**endless("61.75"))
    working = await started(process, task_id, "61.75")
    process.drain()
    await working
    assert (await world.task(task_id)).status == "queued"
    assert not running("61.75")
    assert await world.value("SELECT verdict FROM calls") is None
    await check(world)
