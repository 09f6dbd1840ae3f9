"""Kept answers on a task's way: served without a call, verified as any other, to their own tenant alone."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from orchestrator.flow.rate import rate
from orchestrator.flow.tune import tune
from orchestrator.flow.warm import warm
from orchestrator.store import views
from orchestrator.volatile.answers import AnswerCache, Found
from schemas.calls import Kept
from schemas.errors import NotFound
from schemas.feedback import FeedbackRequest
from schemas.kept import WarmRequest
from schemas.privacy import RedactionRule
from schemas.routing import RoutingConfig
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


async def test_another_format_of_the_same_provider_is_another_request(world: World, process: Process) -> None:
    await done(process, world, **asked())
    await world.rows("""UPDATE providers SET options = '{"custom_headers": {"x-style": "other"}}'""")
    assert (await done(process, world, **asked())).calls == 1
    await world.rows("""UPDATE providers SET options = options || '{"timeouts": {"total_seconds": 20}}'""")
    assert (await done(process, world, **asked())).calls == 0


async def test_what_was_sent_openly_serves_nobody_who_hides_it(world: World, process: Process) -> None:
    secret = asked(prompt="Is sk-proj-Zk3vTq9LmW2xYc8RbN5dHf7JgS4pQ1aE a key?")
    await tune(world.parts, world.tenant_id, RoutingConfig(redaction=RedactionRule.OPTIONAL))
    openly = secret | {"preferences": secret["preferences"] | {"redaction": "off"}}
    assert (await done(process, world, **openly)).calls == 1
    assert (await done(process, world, **secret)).calls == 1
    entries = [row.entry for row in await world.rows("SELECT entry FROM calls ORDER BY id")]
    held = [await asyncio.to_thread(process.parts.cache.look, world.tenant_id, each) for each in entries]
    assert [found is not None for found in held] == [True, True]
    assert len(set(entries)) == 2


@pytest.mark.parametrize("said", [{"accepted": False}, {"rating": 2}])
@pytest.mark.parametrize("which", [0, 1], ids=["the task that paid", "a task that was served"])
async def test_a_rejected_answer_serves_nobody_any_more(
    world: World, process: Process, said: dict[str, Any], which: int
) -> None:
    rows = [await done(process, world, **asked()) for _ in range(2)]
    assert [row.calls for row in rows] == [1, 0]
    await rate(world.parts, world.tenant_id, rows[which].id, "key", FeedbackRequest.model_validate(said))
    assert (await done(process, world, **asked())).calls == 1


async def test_a_word_of_another_tenant_or_of_praise_evicts_nothing(
    world: World, process: Process, simulator: Simulated
) -> None:
    other = await making.make_world(world.parts, base_url=simulator.base_url, credential=f"env:{KEY}")
    row = await done(process, world, **asked())
    with pytest.raises(NotFound):
        await rate(world.parts, other.tenant_id, row.id, "key", FeedbackRequest(accepted=False))
    await rate(world.parts, world.tenant_id, row.id, "key", FeedbackRequest(accepted=True, rating=1))
    assert (await done(process, world, **asked())).calls == 0


async def test_ended_tasks_warm_the_cache_without_a_call(
    world: World, process: Process, simulator: Simulated
) -> None:
    paid = [await done(process, world, **asked(None, f"Question {at % 2}?")) for at in range(3)]
    sent = simulator.requests()
    warmed = await warm(world.parts, world.tenant_id, WarmRequest())
    assert (warmed.kept, warmed.there, warmed.left_out) == (2, 1, [])
    assert simulator.requests() == sent
    served = await done(process, world, **asked(prompt="Question 0?"))
    assert (served.calls, served.result) == (0, paid[2].result)
    assert served.served_tokens == paid[2].input_tokens + paid[2].output_tokens
    again = await warm(world.parts, world.tenant_id, WarmRequest())
    assert (again.kept, again.there) == (0, 3)
    assert [(each.task_id, each.reason) for each in again.left_out] == [(served.id, "no_first_answer")]
    await check(world)


async def test_warming_says_of_which_tasks_nothing_is_kept(
    world: World, process: Process, simulator: Simulated
) -> None:
    rejected = await done(process, world, **asked(None))
    await rate(world.parts, world.tenant_id, rejected.id, "key", FeedbackRequest(accepted=False))
    waiting = await world.submit(**asked(None))
    simulator.rules({"persona": "syntax_error"})
    mended = await done(process, world, **function(cache="off"))
    other = await making.make_world(world.parts, base_url=simulator.base_url, credential=f"env:{KEY}")
    simulator.rules()
    strange = await done(process, other, **asked(None))
    named = [rejected.id, waiting, mended.id, strange.id]
    warmed = await warm(world.parts, world.tenant_id, WarmRequest(tasks=named))
    assert {each.task_id: each.reason.value for each in warmed.left_out} == {
        rejected.id: "rejected",
        waiting: "not_succeeded",
        mended.id: "no_first_answer",
        strange.id: "unknown",
    }
    assert (warmed.kept, warmed.there) == (0, 0)


async def test_only_tasks_of_a_kind_and_a_time_are_looked_at(world: World, process: Process) -> None:
    await done(process, world, **asked(None))
    await done(process, world, **function(cache="off"))
    for which in ({"kind": "fix_bug"}, {"until": "2020-01-01T00:00:00Z"}):
        nothing = await warm(world.parts, world.tenant_id, WarmRequest.model_validate(which))
        assert (nothing.kept, nothing.left_out) == (0, [])
    newest = await warm(world.parts, world.tenant_id, WarmRequest(limit=1))
    assert newest.kept == 1
    assert (await done(process, world, **function())).calls == 0
    assert (await done(process, world, **asked())).calls == 1


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
