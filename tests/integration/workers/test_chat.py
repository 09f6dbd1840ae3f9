"""A chat's way through a worker: its answer, and an answer that is passed on while it comes."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from orchestrator.flow.cancel import cancel
from orchestrator.flow.follow import Delta, Ended, follow
from orchestrator.flow.rescue import rescue
from orchestrator.flow.watch import Watch, watch
from orchestrator.volatile import Volatile
from orchestrator.volatile.tail import Piece
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run

SLOW = {"fault": "trickle", "chunk_ms": 100}
QUESTION = "How many words do these words count, all in all, one by one?"


def asked(*, stream: bool = False, max_tokens: int | None = None, alone: bool = True) -> dict[str, Any]:
    context = {"messages": [{"role": "user", "content": QUESTION}], "stream": stream}
    wishes = {"max_tokens": max_tokens} | ({"providers": ["alpha"]} if alone else {})
    return {"kind": "chat", "context": context, "preferences": wishes}


async def work(process: Process, task_id: UUID) -> None:
    await asyncio.to_thread(run, process, task_id)


async def result_of(world: World, task_id: UUID) -> Any:
    return await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)


async def heard(world: World, watcher: Watch, task_id: UUID) -> list[Delta | Ended]:
    return [each async for each in follow(world.parts, watcher, world.tenant_id, task_id, 10) if each]


async def is_exposed(world: World) -> bool:
    rows = await world.rows("SELECT first_token_at FROM calls ORDER BY id DESC LIMIT 1")
    return bool(rows and rows[0].first_token_at)


async def pushed(world: World, task_id: UUID) -> bool:
    return bool(await world.parts.volatile.appended({Piece.stream(task_id): "0"}, 0.01))


async def test_a_chat_is_answered_in_plain_text(world: World, process: Process) -> None:
    task_id = await world.submit(**asked())
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert (result["type"], result["finish_reason"]) == ("chat", "stop")
    assert "words" in result["text"]
    assert result["model"].startswith("gpt-4.1-mini")
    assert result["verification"]["level"] == "parsed"
    assert not await pushed(world, task_id)
    await check(world)


SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "integer"}},
    "required": ["words"],
    "additionalProperties": False,
}


def asked_for_json(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = asked(**more)
    return given | {"context": given["context"] | {"answer_schema": schema}}


async def test_a_chat_with_a_schema_is_answered_in_json_that_fits_it(world: World, process: Process) -> None:
    task_id = await world.submit(**asked_for_json(SCHEMA))
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert json.loads(result["text"]).keys() == {"words"}
    assert result["verification"]["checks"] == [{"name": "schema", "passed": True, "detail": ""}]
    await check(world)


@pytest.mark.parametrize(("stream", "calls"), [(False, 2), (True, 1)])
async def test_an_answer_that_does_not_fit_is_asked_for_once_more_and_then_rejected(
    world: World, process: Process, stream: bool, calls: int
) -> None:
    # The simulator makes no text by a pattern.
    picky = SCHEMA | {"properties": {"words": {"type": "string", "pattern": "^[0-9]+$"}}}
    task_id = await world.submit(**asked_for_json(picky, stream=stream))
    await work(process, task_id)
    assert await world.status(task_id) == "failed"
    failed = await world.value("SELECT error FROM tasks WHERE id = :id", id=task_id)
    assert failed["code"] == "answer_rejected"
    assert "does not match" in failed["message"]
    assert await world.value("SELECT count(*) FROM calls") == calls
    await check(world)


async def test_a_chat_that_reaches_its_limit_is_an_answer_that_says_so(
    world: World, process: Process
) -> None:
    task_id = await world.submit(**asked(max_tokens=4))
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert (await world.status(task_id), result["finish_reason"]) == ("succeeded", "length")
    assert [row.status for row in await world.rows("SELECT status FROM calls")] == ["answered"]
    await check(world)


async def test_a_cut_answer_that_was_paid_before_a_crash_still_says_that_it_is_cut(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await world.submit(**asked(max_tokens=4))
    with monkeypatch.context() as patched:
        patched.setattr("workers.rounds.verify", _dies)
        with pytest.raises(ZeroDivisionError):
            await work(process, task_id)
    await world.die(process.boot_id)
    await rescue(world.parts)
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert (result["finish_reason"], result["model"].startswith("gpt-4.1-mini")) == ("length", True)
    assert len(await world.ledger(task_id)) == 1


def _dies(*_: object) -> None:
    raise ZeroDivisionError


async def test_a_streamed_answer_comes_in_parts_that_make_up_the_result(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**asked(stream=True))
    async with watch(world.parts) as watcher:
        hearing = asyncio.create_task(heard(world, watcher, task_id))
        await asyncio.gather(work(process, task_id), hearing)
    *parts, end = hearing.result()
    assert isinstance(end, Ended)
    assert len(parts) > 2
    result = await result_of(world, task_id)
    assert "".join(part.text for part in parts if isinstance(part, Delta)) == result["text"]
    await check(world)


async def test_who_comes_late_hears_all_of_it(world: World, process: Process) -> None:
    task_id = await world.submit(**asked(stream=True))
    await work(process, task_id)
    async with watch(world.parts) as watcher:
        *parts, _ = await heard(world, watcher, task_id)
    assert (
        "".join(part.text for part in parts if isinstance(part, Delta))
        == (await result_of(world, task_id))["text"]
    )


async def test_without_redis_the_final_text_comes_from_postgres(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(Volatile, "append", away)
    monkeypatch.setattr(Volatile, "appended", away)
    task_id = await world.submit(**asked(stream=True))
    async with watch(world.parts) as watcher:
        hearing = asyncio.create_task(heard(world, watcher, task_id))
        await asyncio.gather(work(process, task_id), hearing)
    parts = [each.text for each in hearing.result() if isinstance(each, Delta)]
    assert parts == [(await result_of(world, task_id))["text"]]


async def test_an_answer_that_breaks_off_after_its_first_part_is_not_asked_for_again(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"fault": "disconnect", "chunk_ms": 100})
    task_id = await world.submit(**asked(stream=True, alone=False))
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "stream_interrupted")
    calls = await world.rows("SELECT status, category, cost_nanos FROM calls")
    assert [(row.status, row.category) for row in calls] == [("failed", "truncated")]
    assert calls[0].cost_nanos > 0
    await check(world)


async def test_a_refusal_before_the_first_part_fails_over_as_ever(
    world: World, process: Process, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.rules({"fault": "401", "times": 1})
    monkeypatch.setenv("ANOTHER_KEY", "sk-another")
    await world.rows("UPDATE providers SET credential = 'env:ANOTHER_KEY' WHERE name = 'beta'")
    task_id = await world.submit(**asked(stream=True, alone=False))
    await work(process, task_id)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert "task.failed_over" in await world.events(task_id)


async def test_a_worker_that_dies_in_the_middle_of_a_streamed_answer_ends_it(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**asked(stream=True))
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: is_exposed(world))
    await world.die(process.boot_id)
    await rescue(world.parts)
    task = await world.task(task_id)
    assert (task.status, task.error["code"], task.crashes) == ("failed", "stream_interrupted", 1)
    await working
    assert len(await world.rows("SELECT id FROM calls")) == 1
    await check(world)


async def test_a_cancel_ends_a_streamed_answer_and_books_it(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules(SLOW)
    task_id = await world.submit(**asked(stream=True))
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: pushed(world, task_id))
    await cancel(world.parts, world.tenant_id, task_id)
    await asyncio.wait_for(working, 5)
    assert await world.status(task_id) == "canceled"
    assert len(await world.ledger(task_id)) == 1
    await check(world)
