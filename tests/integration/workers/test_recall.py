"""Kept answers on a task's way: served without a call, verified as any other, to their own tenant alone."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from orchestrator.store import views
from orchestrator.volatile.answers import AnswerCache, Found
from schemas.calls import Kept
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.conftest import KEY
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run

MEGABYTE = 1024 * 1024


def asked(cache: str | None = "use", prompt: str = "How many words?", **context: Any) -> dict[str, Any]:
    wishes = {"providers": ["alpha"]} | ({"cache": cache} if cache else {})
    return {"kind": "chat", "context": {"prompt": prompt} | context, "preferences": wishes}


def function(**wishes: Any) -> dict[str, Any]:
    return {"preferences": {"providers": ["alpha"], "cache": "use"} | wishes}


async def done(process: Process, world: World, **fields: Any) -> views.TaskRow:
    """A task that was worked on, with its result."""
    task_id = await world.submit(**fields)
    await asyncio.to_thread(run, process, task_id)
    row = await views.task(world.parts.db, world.tenant_id, task_id, frozenset({"result"}))
    assert row is not None
    assert row.status == "succeeded", row.error
    return row


async def stats(process: Process, world: World) -> dict[str, int]:
    return await asyncio.to_thread(process.parts.cache.stats, world.tenant_id)


async def told(world: World, task_id: UUID) -> Any:
    query = "SELECT data FROM events WHERE task_id = :id AND name = 'task.served_from_cache'"
    return [row.data for row in await world.rows(query, id=task_id)]


async def test_the_same_request_is_served_without_a_call_at_no_cost(
    world: World, process: Process, simulator: Simulated
) -> None:
    first = await done(process, world, **asked())
    sent = simulator.requests()
    again = await done(process, world, **asked())
    assert simulator.requests() == sent
    assert again.result == first.result
    assert (again.calls, again.nanos, again.input_tokens, again.output_tokens) == (0, 0, 0, 0)
    assert (first.served_tokens, again.served_tokens) == (0, first.input_tokens + first.output_tokens)
    assert again.quality == first.quality
    (data,) = await told(world, again.id)
    assert (data["layer"], data["input_tokens"]) == ("first", first.input_tokens)
    assert await world.ledger(again.id) == []
    counts = await stats(process, world)
    assert (counts["served"], counts["saved_nanos"]) == (1, first.nanos)
    assert counts["input_tokens_served"] + counts["output_tokens_served"] == again.served_tokens
    await check(world)


async def test_a_change_is_served_to_those_who_ask_for_it_and_verified_again(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await done(process, world, **function())
    again = await done(process, world, **function())
    assert (again.calls, again.result) == (0, first.result)
    junk = Kept(text="no edit at all", model="m", input_tokens=1, output_tokens=1, cost_nanos=1)
    monkeypatch.setattr(process.parts.cache, "look", lambda *_, **__: Found(junk.model_dump_json(), "second"))
    mended = await done(process, world, **function())
    assert (mended.calls, mended.served_tokens) == (1, 0)
    await check(world)


async def test_nothing_is_served_unasked(world: World, process: Process) -> None:
    for fields in (asked(None), asked("off"), asked(None), asked(stream=True), asked(stream=True)):
        assert (await done(process, world, **fields)).calls == 1
    assert (await stats(process, world))["misses"] == 0
    await check(world)


async def test_vectors_of_the_same_texts_are_paid_once(world: World, process: Process) -> None:
    wishes = {"providers": ["alpha"], "model": "text-embedding-3-small"}
    asked_for = {"kind": "embed", "context": {"inputs": ["A hold."]}, "preferences": wishes}
    first, again = [await done(process, world, **asked_for) for _ in range(2)]
    assert (first.calls, again.calls, again.result) == (1, 0, first.result)
    assert again.served_tokens == first.input_tokens
    other = asked_for | {"context": {"inputs": ["A hold."], "dimensions": 256}}
    assert (await done(process, world, **other)).calls == 1
    await check(world)


async def test_a_refresh_asks_anew_and_keeps_the_new_answer(world: World, process: Process) -> None:
    assert (await done(process, world, **asked())).calls == 1
    fresh = await done(process, world, **asked("refresh"))
    assert fresh.calls == 1
    assert (await done(process, world, **asked())).result == fresh.result
    counts = await stats(process, world)
    assert (counts["kept"], counts["served"]) == (2, 1)


@pytest.mark.parametrize("changed", [{"max_tokens": 50}, {"temperature": 0.5}, {"providers": ["beta"]}])
async def test_another_request_is_not_served(world: World, process: Process, changed: dict[str, Any]) -> None:
    await done(process, world, **asked())
    other = asked()
    other["preferences"] |= changed
    assert (await done(process, world, **other)).calls == 1


async def test_an_answer_that_had_to_be_mended_is_not_kept(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "syntax_error"})
    for _ in range(2):
        assert (await done(process, world, **function())).calls == 2
    assert (await stats(process, world))["kept"] == 0


async def test_no_tenant_is_served_what_another_one_paid_for(
    world: World, process: Process, simulator: Simulated
) -> None:
    other = await making.make_world(world.parts, base_url=simulator.base_url, credential=f"env:{KEY}")
    for _ in range(2):
        await done(process, world, **asked())
    assert (await done(process, other, **asked())).calls == 1
    counts = await stats(process, other)
    assert (counts["hits_first"], counts["hits_second"], counts["misses"]) == (0, 0, 1)
    cache = process.parts.cache
    await asyncio.to_thread(cache.keep, world.tenant_id, "name", "mine", 60)
    assert await asyncio.to_thread(cache.look, other.tenant_id, "name") is None


async def test_more_than_60_percent_of_a_repeated_workload_is_served(
    world: World, process: Process, simulator: Simulated
) -> None:
    before = simulator.requests()
    rows = [await done(process, world, **asked(prompt=f"Question {at % 3}?")) for at in range(12)]
    counts = await stats(process, world)
    hits = counts["hits_first"] + counts["hits_second"]
    assert hits / len(rows) > 0.6
    assert simulator.requests() - before == sum(row.calls for row in rows) == 3
    assert counts["saved_nanos"] == 3 * sum(row.nanos for row in rows)
    await check(world)


async def test_a_cache_that_is_away_is_a_miss(world: World, process: Process) -> None:
    there = process.parts
    process.parts = replace(there, cache=AnswerCache("redis://127.0.0.1:9/0", MEGABYTE, MEGABYTE))
    for _ in range(2):
        assert (await done(process, world, **asked())).calls == 1
    process.parts.cache.close()
    process.parts = there
    await check(world)
