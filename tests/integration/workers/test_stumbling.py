"""Under a store that commits and then reports an error, every promise holds and nothing is paid twice."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest

from orchestrator.flow.cancel import cancel
from orchestrator.flow.reckon import reckon
from orchestrator.flow.rescue import rescue
from orchestrator.flow.wake import wake
from orchestrator.limits.budgets import add_budget
from orchestrator.wiring import Parts
from schemas.budgets import BudgetRequest, Period, Scope
from schemas.errors import StoreUnavailable, TaskFinished
from tests.chaos.stumbling import Stumbling
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run

ONE = {"preferences": {"providers": ["alpha"]}}
TASKS = 8
ALTERNATIVE = "ORCHESTRATOR_TEST_OTHER_KEY"

pytestmark = pytest.mark.parametrize(("share", "seed"), [(0.05, 2)])


@pytest.fixture
def stumbling(process: Process, share: float, seed: int) -> Iterator[Stumbling]:
    """The worker's store stumbles; the test's own doesn't."""
    steady = process.parts.db
    store = Stumbling(steady, seed=seed, share=share)
    process.parts = replace(process.parts, db=store)
    yield store
    process.parts = replace(process.parts, db=steady)


def beside(world: World, stumbling: Stumbling) -> Parts:
    """The parts of another process, whose store stumbles as often."""
    return replace(world.parts, db=stumbling.beside(world.parts.db))


async def work(process: Process, task_id: UUID) -> None:
    """A nudge, as Celery has it: a store that stays away is the next nudge's business."""
    with suppress(StoreUnavailable):
        await asyncio.to_thread(run, process, task_id)


async def ended(world: World, process: Process, tasks: list[UUID], parts: Parts) -> None:
    """Nudge until every task has ended, beside a dispatcher that stumbles too."""

    async def all_ended() -> bool:
        for step in (wake(parts, ghosts_older_than=0), rescue(parts)):
            with suppress(StoreUnavailable):
                await step
        rows = await world.rows("SELECT id FROM tasks WHERE finished_at IS NULL")
        await world.rows(
            "UPDATE tasks SET run_at = clock_timestamp() WHERE NOT ready AND finished_at IS NULL"
        )
        await asyncio.gather(*(work(process, row.id) for row in rows if row.id in tasks))
        return not rows

    await eventually(all_ended, 60)


async def promises(world: World, stumbling: Stumbling) -> None:
    await check(world)
    assert [finding for finding in await reckon(world.parts, None) if finding.breaches] == []
    assert await world.value("SELECT count(*) FROM calls WHERE status IN ('started', 'unknown')") == 0
    assert stumbling.stumbles > 0


async def statuses(world: World) -> set[str]:
    return {row.status for row in await world.rows("SELECT status FROM tasks")}


@pytest.mark.parametrize("budgeted", [False, True])
async def test_each_task_succeeds_with_one_call(
    world: World, process: Process, stumbling: Stumbling, simulator: Simulated, share: float, budgeted: bool
) -> None:
    if budgeted:
        asked = BudgetRequest(scope=Scope.TENANT, period=Period.DAY, limit_usd="100")
        await add_budget(world.parts.db, world.tenant_id, asked)
    before = simulator.requests()
    tasks = [await world.submit(**ONE) for _ in range(TASKS)]
    await ended(world, process, tasks, beside(world, stumbling))
    assert await statuses(world) == {"succeeded"}
    assert simulator.requests() == before + TASKS
    assert await world.value("SELECT count(*) FROM calls") == TASKS
    # A claim that nobody can hear of for three seconds is left to rescue, and counts as a crash.
    assert share > 0.1 or await world.value("SELECT sum(crashes) FROM tasks") == 0
    assert await world.value("SELECT count(*) FROM events WHERE name = 'attempt.superseded'") == 0
    await promises(world, stumbling)


async def test_each_task_that_needs_a_repair_has_one(
    world: World, process: Process, stumbling: Stumbling, simulator: Simulated
) -> None:
    simulator.rules({"persona": "syntax_error"})
    before = simulator.requests()
    tasks = [await world.submit(**ONE) for _ in range(TASKS)]
    await ended(world, process, tasks, beside(world, stumbling))
    assert await statuses(world) == {"succeeded"}
    assert simulator.requests() == before + 2 * TASKS
    await promises(world, stumbling)


async def test_each_task_fails_over_once(
    world: World,
    process: Process,
    stumbling: Stumbling,
    simulator: Simulated,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ALTERNATIVE, "sk-other")
    await world.rows(f"UPDATE providers SET credential = 'env:{ALTERNATIVE}' WHERE name = 'beta'")
    simulator.rules({"fault": "401", "times": 1})
    tasks = [await world.submit() for _ in range(TASKS)]
    await ended(world, process, tasks, beside(world, stumbling))
    assert await statuses(world) == {"succeeded"}
    paid = await world.value("SELECT count(*) FROM calls WHERE status = 'answered'")
    assert paid == TASKS
    await promises(world, stumbling)


async def test_a_cancelled_task_ends_as_one(
    world: World, process: Process, stumbling: Stumbling, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 300})
    tasks = [await world.submit(**ONE) for _ in range(TASKS)]
    working = asyncio.gather(*(work(process, task_id) for task_id in tasks))
    await eventually(lambda: some_run(world))
    for task_id in tasks[::2]:
        with suppress(StoreUnavailable, TaskFinished):
            await cancel(beside(world, stumbling), world.tenant_id, task_id)
    await working
    await ended(world, process, tasks, beside(world, stumbling))
    assert await statuses(world) <= {"succeeded", "canceled"}
    await promises(world, stumbling)


async def some_run(world: World) -> bool:
    return int(await world.value("SELECT count(*) FROM calls")) > 0
