"""Repair rounds on real parts: what a crash between or in them costs, and where an unusable answer leads."""

import asyncio
from uuid import UUID

import pytest

from orchestrator.flow.rescue import rescue
from schemas.calls import Purpose
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, answered
from tests.integration.workers.simulated import Simulated
from tests.unit.verify.answers import block
from workers.process import Process
from workers.run import run

ONE = {"preferences": {"providers": ["alpha"]}}
TREE = {"a.py": "a = 1\nb = 1\n"}
GOOD = block("a.py", "a = 1\n", "a = 2\n")
WRONG = [block("a.py", f"z{number} = 1\n", "b = 2\n") for number in "xy"]
MENDED = block("a.py", "b = 1\n", "b = 2\n")


async def work(process: Process, task_id: UUID) -> None:
    await asyncio.to_thread(run, process, task_id)


async def purposes(world: World) -> list[str]:
    return [row.purpose for row in await world.rows("SELECT purpose FROM calls ORDER BY id")]


async def interrupted(world: World, *answers: str) -> UUID:
    """A task whose worker paid for these answers and died before it judged the last of them."""
    dead = await world.enlist()
    files = [{"path": path, "content": content} for path, content in TREE.items()]
    task_id = await world.submit(**ONE, context={"description": "Set them to 2.", "files": files})
    lease = await world.claim(task_id, dead)
    assert lease is not None
    last = None
    for answer in answers:
        purpose = Purpose.FIRST if last is None else Purpose.REPAIR
        made = await world.called(lease, answered(answer), purpose=purpose, rejected_call=last)
        last = made.call_id
    await world.die(dead)
    await rescue(world.parts)
    return task_id


@pytest.mark.parametrize(
    "answers",
    [(GOOD + WRONG[0], MENDED), (GOOD + WRONG[0], WRONG[1], MENDED), (WRONG[0], GOOD + WRONG[1], MENDED)],
)
async def test_a_crash_in_a_later_round_goes_on_with_all_answers_that_were_paid(
    world: World, process: Process, simulator: Simulated, answers: tuple[str, ...]
) -> None:
    task_id = await interrupted(world, *answers)
    before = simulator.requests()
    await work(process, task_id)
    assert simulator.requests() == before
    assert await world.status(task_id) == "succeeded"
    result = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    assert result["files"][0]["content"] == "a = 2\nb = 2\n"
    verdicts = [row.verdict for row in await world.rows("SELECT verdict FROM calls ORDER BY id")]
    assert verdicts == ["rejected"] * (len(answers) - 1) + ["accepted"]
    assert len(await world.ledger(task_id)) == len(answers)
    await check(world)


async def test_a_crash_between_rounds_asks_for_the_next_round_only(
    world: World, process: Process, simulator: Simulated
) -> None:
    task_id = await interrupted(world, GOOD + WRONG[0])
    before = simulator.requests()
    await work(process, task_id)
    assert simulator.requests() > before
    assert (await purposes(world))[:2] == ["first", "repair"]
    assert len(await purposes(world)) <= 4
    await check(world)


async def test_an_answer_that_stays_unusable_is_asked_from_the_next_provider(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "wrong", "times": 2})
    task_id = await world.submit()
    await work(process, task_id)
    assert (await world.task(task_id)).queue == "provider.anthropic"
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    calls = await world.rows("SELECT provider, purpose, verdict FROM calls ORDER BY id")
    assert [tuple(row) for row in calls] == [
        ("alpha", "first", "rejected"), ("alpha", "repair", "rejected"), ("beta", "first", "accepted"),
    ]  # fmt: skip
    await check(world)


async def test_without_repair_rounds_an_unusable_answer_is_the_last(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "syntax_error"})
    task_id = await world.submit(preferences={"providers": ["alpha"], "repair_rounds": 0})
    await work(process, task_id)
    assert await world.status(task_id) == "failed"
    assert await purposes(world) == ["first"]


async def test_a_level_that_no_answer_can_reach_costs_one_call(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.verify.lint._binary", lambda: "/no/such/ruff")
    task_id = await world.submit(preferences={"verification_level": "lint"})
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "unverifiable")
    assert await purposes(world) == ["first"]
