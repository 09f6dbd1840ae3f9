"""A worker's way through a task: claim, call, verify, settle, and every turn it may take."""

import asyncio
from uuid import UUID

import pytest

from orchestrator import clock
from orchestrator.config import Config
from orchestrator.flow.cancel import cancel
from orchestrator.flow.claim import Lease
from orchestrator.flow.intend import LeaseLost
from orchestrator.flow.rescue import rescue
from orchestrator.store.statements import text
from schemas.calls import Purpose
from schemas.errors import Category
from tests.integration.flow.invariants import check
from tests.integration.flow.world import QUEUES, World, eventually
from tests.integration.workers.simulated import Simulated
from workers.call import call
from workers.context import render
from workers.process import Ended, Process
from workers.run import run
from workers.verify import Rejected

ONE = {"preferences": {"providers": ["alpha"]}}
SLOW = {"fault": "trickle", "chunk_ms": 200}


async def work(process: Process, task_id: UUID) -> None:
    """What a nudge makes a worker do, in a thread as Celery has it."""
    await asyncio.to_thread(run, process, task_id)


async def purposes(world: World) -> list[str]:
    return [row.purpose for row in await world.rows("SELECT purpose FROM calls ORDER BY id")]


async def in_flight(simulator: Simulated) -> bool:
    return int(simulator.http.get("/simulator/health").json()["open"]) > 0


async def test_a_nudge_leads_to_a_verified_result(world: World, process: Process) -> None:
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    result = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    assert result["verification"]["level"] == "lint"
    assert result["diff"]
    assert await purposes(world) == ["first"]
    told = await world.value("SELECT data FROM events WHERE name = 'task.succeeded'")
    assert "repairs" not in told["lowered_by"]
    assert (await world.task(task_id)).quality == told["quality"] > 50
    await check(world)


async def test_a_doubled_nudge_makes_no_second_call(
    world: World, process: Process, simulator: Simulated
) -> None:
    task_id = await world.submit(**ONE)
    before = simulator.requests()
    await asyncio.gather(*(work(process, task_id) for _ in range(5)))
    await work(process, task_id)
    assert simulator.requests() == before + 1
    assert await purposes(world) == ["first"]


async def test_an_answer_that_is_not_usable_is_asked_for_once_more(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "syntax_error"})
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert await purposes(world) == ["first", "repair"]
    verdicts = await world.rows("SELECT verdict FROM calls ORDER BY id")
    assert [row.verdict for row in verdicts] == ["rejected", "accepted"]
    lowered = await world.value("SELECT data -> 'lowered_by' FROM events WHERE name = 'task.succeeded'")
    assert lowered["repairs"] == 0.9
    assert "task.repairing" in await world.events(task_id)
    await check(world)


@pytest.mark.parametrize(("served", "half"), [("flex", True), ("default", False)])
async def test_the_tier_that_served_is_paid_and_not_the_one_that_was_asked_for(
    world: World, process: Process, simulator: Simulated, served: str, half: bool
) -> None:
    simulator.rules({"served_tier": served})
    task_id = await world.submit(preferences={"speed_priority": "economy", "model": "gpt-5-mini"})
    await work(process, task_id)
    call = (await world.rows("SELECT id, served_tier, cost_nanos FROM calls"))[0]
    entry = simulator.entry(call.id)
    assert (call.served_tier, entry["served_tier"]) == (served, served)
    assert call.cost_nanos == entry["billed_nano_dollars"]
    fresh, cached = entry["prompt_tokens"] - entry["cached_tokens"], entry["cached_tokens"]
    full = fresh * 250 + cached * 25 + entry["completion_tokens"] * 2_000
    assert call.cost_nanos == (-(-full // 2) if half else full)


async def test_an_answer_that_stays_unusable_fails_the_task_and_is_paid(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.rounds.verify", lambda *_: Rejected(("it is no good",)))
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "answer_rejected")
    assert "it is no good" in task.error["message"]
    assert await purposes(world) == ["first", "repair"]
    entries = await world.ledger(task_id)
    assert len(entries) == 2
    assert all(amount > 0 for _, amount in entries)
    await check(world)


async def test_a_paid_answer_is_verified_and_not_paid_again(
    world: World, process: Process, simulator: Simulated
) -> None:
    dead = await world.enlist()
    task_id = await world.submit(**ONE)
    lease = await world.claim(task_id, dead)
    assert lease is not None
    made = await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, render(lease.request)))
    assert not isinstance(made, tuple)
    await world.die(dead)
    await rescue(world.parts)
    before = simulator.requests()
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert simulator.requests() == before
    assert await purposes(world) == ["first"]


async def test_a_provider_that_refuses_our_key_is_followed_by_the_next(
    world: World, process: Process, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.rules({"fault": "401", "times": 1})
    monkeypatch.setenv("ANOTHER_KEY", "sk-another")
    await world.rows("UPDATE providers SET credential = 'env:ANOTHER_KEY' WHERE name = 'beta'")
    task_id = await world.submit()
    await work(process, task_id)
    assert (await world.task(task_id)).queue == "provider.anthropic"
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    providers = [row.provider for row in await world.rows("SELECT provider FROM calls ORDER BY id")]
    assert providers == ["alpha", "beta"]


async def test_a_cancel_closes_the_running_request_within_two_seconds(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    await eventually(lambda: began(world, simulator))
    assert await cancel(world.parts, world.tenant_id, task_id) == "canceling"
    asked = clock.monotonic()
    await asyncio.wait_for(working, 5)
    assert clock.monotonic() - asked < 2
    assert await world.status(task_id) == "canceled"
    booked = (await world.rows("SELECT * FROM calls"))[0]
    entry = simulator.entry(booked.id)
    assert entry["outcome"] == "disconnected"
    assert (booked.category, booked.estimated) == ("canceled", True)
    assert booked.cost_nanos >= entry["billed_nano_dollars"]
    await check(world)


async def began(world: World, simulator: Simulated) -> bool:
    call_id = await world.value("SELECT id FROM calls")
    entries = simulator.http.get(f"/simulator/journal/{call_id}").json()
    return bool(entries)


async def test_a_deadline_closes_the_running_request(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    await world.change(task_id, "deadline = clock_timestamp() - interval '1 second'")
    await rescue(world.parts)
    await asyncio.wait_for(working, 5)
    assert await world.status(task_id) == "expired"
    booked = (await world.rows("SELECT * FROM calls"))[0]
    assert (booked.status, booked.category) == ("failed", "deadline")
    await check(world)


async def test_a_task_whose_deadline_passes_in_a_call_expires_and_blames_nobody(
    world: World, process: Process, simulator: Simulated
) -> None:
    task_id = await world.submit()
    await world.change(task_id, "deadline = clock_timestamp() + interval '1.2 seconds'")
    simulator.rules(SLOW)
    await work(process, task_id)
    assert await world.status(task_id) == "expired"
    assert await world.value("SELECT category FROM calls") == "deadline"
    assert "task.failed_over" not in await world.events(task_id)
    await check(world)


async def test_the_heart_keeps_a_lease_alive_through_a_long_call(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 900, "chunk_ms": 900})
    await world.rows("UPDATE workers SET heartbeat_at = clock_timestamp()")
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    first = (await world.task(task_id)).lease_until

    async def was_extended() -> bool:
        return bool((await world.task(task_id)).lease_until > first)

    await eventually(was_extended, 5)
    await cancel(world.parts, world.tenant_id, task_id)
    await asyncio.wait_for(working, 5)


async def test_a_draining_process_gives_its_nudges_back(world: World, process: Process) -> None:
    process.drain()
    task_id = await world.submit(**ONE)
    await world.change(task_id, "nudged_at = clock_timestamp()")
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.attempt, task.nudged_at) == ("queued", 0, None)

    async def is_known() -> bool:
        query = "SELECT draining_at IS NOT NULL FROM workers WHERE boot_id = :boot"
        found = await world.rows(query, boot=process.boot_id)
        return bool(found and found[0][0])

    await eventually(is_known, 5)


async def test_what_is_not_done_within_the_grace_is_handed_back(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    process.drain()
    await asyncio.wait_for(working, 6)
    task = await world.task(task_id)
    assert (task.status, task.failures, task.crashes, task.ready) == ("queued", 0, 0, True)
    assert "task.handed_back" in await world.events(task_id)
    assert (await world.rows("SELECT category FROM calls"))[0].category == Category.SHUTDOWN
    await check(world)


async def test_a_claim_that_crossed_the_stop_is_handed_back_too(
    world: World, process: Process, simulator: Simulated
) -> None:
    lease = await world.running(**ONE)
    process.drain()

    async def gave_up() -> bool:
        return process._grace_is_over

    await eventually(gave_up, 5)
    before = simulator.requests()
    with process.holding(lease):
        made = await asyncio.to_thread(
            process.wait, call(process, lease, Purpose.FIRST, render(lease.request))
        )
    assert isinstance(made, tuple)
    assert made[1].category is Category.SHUTDOWN
    assert simulator.requests() == before
    assert await world.ledger(lease.task_id) == [("spend", 0)]


async def test_a_task_that_is_taken_away_in_the_middle_is_taken_back_with_its_paid_answer(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 600})
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    await world.change(task_id, "lease_token = gen_random_uuid()")
    await asyncio.wait_for(working, 6)
    assert await world.status(task_id) == "succeeded"
    assert "attempt.adopted" in await world.events(task_id)
    assert len(await world.ledger(task_id)) == 1
    await check(world)


async def test_an_unusable_answer_whose_lease_was_lost_is_adopted_and_then_repaired(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "syntax_error", "latency_ms": 600, "times": 1})
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    await world.change(task_id, "lease_token = gen_random_uuid()")
    await asyncio.wait_for(working, 6)
    assert await world.status(task_id) == "succeeded"
    assert await purposes(world) == ["first", "repair"]
    assert (await world.task(task_id)).attempt == 2
    await check(world)


async def test_a_task_that_was_asked_for_again_in_the_middle_supersedes_the_late_answer(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 600})
    task_id = await world.submit(**ONE)
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    other = await world.enlist()
    await world.change(
        task_id, "status = 'queued', lease_token = NULL, lease_until = NULL, boot_id = NULL, ready = true"
    )
    holder = await world.claim(task_id, other)
    assert holder is not None
    await world.intend(holder)
    await asyncio.wait_for(working, 6)
    assert await world.status(task_id) == "running"
    verdicts = await world.rows("SELECT status, verdict FROM calls ORDER BY id")
    assert [tuple(row) for row in verdicts] == [("answered", "superseded"), ("started", None)]
    assert len(await world.ledger(task_id)) == 1


@pytest.mark.parametrize("revived", [True, False])
async def test_a_lease_lost_before_its_call_costs_nothing_and_cancels_nothing(
    world: World, process: Process, simulator: Simulated, monkeypatch: pytest.MonkeyPatch, revived: bool
) -> None:
    async def lose(_process: Process, lease: Lease, *_: object, **__: object) -> None:
        if not revived:
            taken = text("UPDATE tasks SET lease_token = gen_random_uuid() WHERE id = :id")
            await process.parts.db.run(taken, id=lease.task_id)
        raise LeaseLost

    monkeypatch.setattr("workers.call.call", lose)
    before = simulator.requests()
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    task = await world.task(task_id)
    assert task.status == ("queued" if revived else "running")
    assert (task.failures, task.crashes) == (0, 0)
    assert simulator.requests() == before
    await check(world)


async def test_whoever_waits_when_the_process_stops_is_told_that_it_is_over(
    world: World, settings: Config
) -> None:
    process = Process(settings, "worker@here", QUEUES, 4)
    process.start()
    waiting = asyncio.create_task(asyncio.to_thread(process.wait, asyncio.sleep(3600)))
    await eventually(lambda: _waits(process), 5)
    began = clock.monotonic()
    await asyncio.to_thread(process.stop)
    with pytest.raises(Ended):
        await waiting
    assert clock.monotonic() - began < 5


async def test_what_does_not_end_within_the_grace_period_is_ended(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.process.HAND_BACK_SECONDS", 0.2)
    waiting = asyncio.create_task(asyncio.to_thread(process.wait, asyncio.sleep(3600)))
    await eventually(lambda: _waits(process), 5)
    process.drain()
    with pytest.raises(Ended):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(Ended):
        await asyncio.to_thread(process.wait, asyncio.sleep(0))


async def _waits(process: Process) -> bool:
    return bool(process._waits)


async def test_a_provider_is_waited_for_and_retried_as_it_was_configured(
    world: World, process: Process, simulator: Simulated
) -> None:
    options = '{"timeouts": {"total_seconds": 0.3}, "retry": {"failures": 1}}'
    await world.rows(
        "UPDATE providers SET options = CAST(:options AS jsonb) WHERE name = 'alpha'", options=options
    )
    simulator.rules(SLOW)
    task_id = await world.submit(preferences={"providers": ["alpha", "beta"], "preferred": ["alpha"]})
    await work(process, task_id)
    row = (await world.rows("SELECT provider, category FROM calls ORDER BY id"))[0]
    assert (row.provider, row.category) == ("alpha", "total_timeout")
    assert (await world.events(task_id))[-1] == "task.failed_over"
