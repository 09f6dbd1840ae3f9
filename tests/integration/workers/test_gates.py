"""What a worker's calls do to the gates, before a simulator that fails as it is told."""

import asyncio

from orchestrator.flow.wake import wake
from orchestrator.limits import gates
from orchestrator.limits.breakers import Circuit, Phase
from schemas.errors import Category
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_run import ONE, work
from workers.process import Process

OPENS_AFTER = 5


async def circuit(world: World) -> Circuit:
    row = (await world.rows("SELECT id, base_url, model FROM providers WHERE name = 'alpha'"))[0]
    return Circuit(row.id, row.base_url, row.model)


async def break_down(world: World, process: Process, simulator: Simulated) -> None:
    """The provider fails until its circuit is open."""
    simulator.rules({"fault": "500"})
    for task_id in [await world.submit(**ONE) for _ in range(OPENS_AFTER)]:
        await work(process, task_id)
    simulator.rules()


async def states(world: World) -> list[str]:
    return [row.state for row in await world.rows("SELECT state FROM gate_transitions ORDER BY id")]


async def make_due(world: World) -> None:
    await world.rows("UPDATE tasks SET run_at = clock_timestamp() WHERE status = 'queued' AND NOT ready")
    await wake(world.parts, ghosts_older_than=60)


async def test_a_circuit_that_opens_is_written_down_and_lets_no_call_through(
    world: World, process: Process, simulator: Simulated
) -> None:
    await break_down(world, process, simulator)
    assert await states(world) == ["open"]
    before = simulator.requests()
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.status_reason, task.failures) == ("queued", "circuit_open", 0)
    assert simulator.requests() == before
    process.breakers.reset(await circuit(world))


async def test_a_circuit_opens_after_the_failures_that_its_provider_allows(
    world: World, process: Process, simulator: Simulated
) -> None:
    await world.rows("""UPDATE providers SET options = '{"circuit": {"minimum_calls": 2}}'""")
    simulator.rules({"fault": "500"})
    for _ in range(2):
        assert await states(world) == []
        await work(process, await world.submit(**ONE))
    assert await states(world) == ["open"]
    process.breakers.reset(await circuit(world))


async def test_a_circuit_that_a_wiped_broker_forgot_is_closed_for_the_dispatcher_by_the_next_answer(
    world: World, process: Process, simulator: Simulated
) -> None:
    await break_down(world, process, simulator)
    process.breakers._script._redis.flushall()
    assert process.breakers.state(await circuit(world)).name is Phase.CLOSED
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert await states(world) == ["open", "closed"]
    assert await gates.closed(world.parts.db) == {}


async def test_a_rate_limited_call_burns_nothing_and_the_next_claim_makes_no_call(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"fault": "429", "retry_after": 30, "times": 1})
    limited, other = [await world.submit(**ONE) for _ in range(2)]
    await work(process, limited)
    before = simulator.requests()
    await work(process, other)
    assert simulator.requests() == before
    for task_id in (limited, other):
        task = await world.task(task_id)
        assert (task.status, task.status_reason, task.failures) == ("queued", "rate_limited", 0)
    assert await world.value("SELECT count(*) FROM gates WHERE kind = 'cool_down'") == 1


async def test_retries_without_a_place_in_the_budget_wait_and_make_no_call(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"fault": "500"})
    ids = [await world.submit(**ONE) for _ in range(3)]
    for task_id in ids:
        await work(process, task_id)
    before = simulator.requests()
    await make_due(world)
    await asyncio.gather(*(work(process, task_id) for task_id in ids))
    assert simulator.requests() == before + 1
    rows = await world.rows("SELECT status, status_reason, failures FROM tasks ORDER BY failures DESC")
    assert [(row.status, row.failures) for row in rows] == [("queued", 2), ("queued", 1), ("queued", 1)]
    assert {row.status_reason for row in rows[1:]} == {"retry_backoff"}
    outcomes = await world.rows("SELECT outcome FROM attempts WHERE attempt = 2 ORDER BY outcome")
    assert [row.outcome for row in outcomes] == [Category.RETRIES_SPENT] * 2 + ["server_error"]
