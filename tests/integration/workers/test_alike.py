"""Answers found by likeness: bought by a booked look-up, for chats alone, never where they would be wrong."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from orchestrator.config import Config
from orchestrator.flow.cancel import cancel
from orchestrator.flow.forget import forget
from orchestrator.flow.rate import rate
from orchestrator.flow.tune import tune
from orchestrator.limits.budgets import add_budget
from orchestrator.store import views
from orchestrator.store.migrate import migrate
from orchestrator.store.views.tasks import TaskRow
from orchestrator.wiring import open_parts
from schemas.budgets import BudgetRequest, Period, Scope
from schemas.errors import InvalidRequest
from schemas.feedback import FeedbackRequest
from schemas.routing import RoutingConfig
from tests.integration.conftest import Servers
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.conftest import KEY
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_gates import make_due
from tests.integration.workers.test_recall import asked, done, stats, told
from tests.integration.workers.test_run import in_flight, work
from workers.process import Process

FIRST = "Which lock order keeps two workers of one queue from a deadlock, please?"
ALIKE = "Which lock order keeps two workers of one queue from a deadlock?"
OTHER = "How is a budget window reset at midnight?"


@pytest.fixture
async def similar(world: World) -> World:
    """A world whose tenant compares questions."""
    await switch_on(world)
    return world


async def switch_on(world: World, **more: Any) -> None:
    wanted = {"similar": {"provider": "alpha", "likeness": 0.85} | more}
    await tune(world.parts, world.tenant_id, RoutingConfig.model_validate(wanted))


async def answered(process: Process, world: World, prompt: str, **wishes: Any) -> TaskRow:
    fields = asked("similar", prompt)
    fields["preferences"] |= wishes
    return await done(process, world, **fields)


async def purposes(world: World, task_id: UUID) -> list[str]:
    rows = await world.rows("SELECT purpose FROM calls WHERE task_id = :id ORDER BY id", id=task_id)
    return [row.purpose for row in rows]


async def test_a_question_in_other_words_is_served_for_the_price_of_its_vector(
    similar: World, process: Process
) -> None:
    first = await answered(process, similar, FIRST)
    assert await purposes(similar, first.id) == ["lookup", "first"]
    again = await answered(process, similar, ALIKE)
    assert again.result == first.result
    assert await purposes(similar, again.id) == ["lookup"]
    (data,) = await told(similar, again.id)
    assert data["layer"] == "alike"
    assert 0.85 <= data["likeness"] < 1
    assert again.served_tokens == data["input_tokens"] + data["output_tokens"]
    assert 0 < again.nanos < first.nanos
    assert await similar.ledger(again.id) == [("spend", again.nanos)]
    counts = await stats(process, similar)
    assert (counts["hits_alike"], counts["misses"], counts["served"]) == (1, 1, 1)
    await check(similar)


async def test_the_very_same_question_needs_no_vector(similar: World, process: Process) -> None:
    await answered(process, similar, FIRST)
    again = await answered(process, similar, FIRST)
    assert (again.calls, again.nanos) == (0, 0)
    assert (await done(process, similar, **asked("use", ALIKE))).calls == 1
    await check(similar)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FIRST, OTHER),
        (
            "How do I wait for 2 of these five tasks at once?",
            "How do I wait for 3 of these five tasks at once?",
        ),
        ("What happens if the lease is lost in a task?", "What happens if the lease is not lost in a task?"),
        ("What does `settle` do in the way of a task?", "What does `rescue` do in the way of a task?"),
        ("Does `settle` call `rescue` in a task?", "Does `rescue` call `settle` in a task?"),
    ],
    ids=["another question", "a number", "a denial", "a name", "another order"],
)
async def test_what_asks_something_else_is_not_served(
    similar: World, process: Process, before: str, after: str
) -> None:
    await answered(process, similar, before)
    row = await answered(process, similar, after)
    assert await purposes(similar, row.id) == ["lookup", "first"]


@pytest.mark.parametrize("changed", [{"temperature": 0.5}, {"max_tokens": 50}, {"providers": ["beta"]}])
async def test_all_but_the_last_words_has_to_be_the_same(
    similar: World, process: Process, changed: dict[str, Any]
) -> None:
    await answered(process, similar, FIRST)
    row = await answered(process, similar, ALIKE, **changed)
    assert await purposes(similar, row.id) == ["lookup", "first"]


async def test_no_other_tenant_is_served_by_likeness(
    similar: World, process: Process, simulator: Simulated
) -> None:
    await answered(process, similar, FIRST)
    other = await making.make_world(similar.parts, base_url=simulator.base_url, credential=f"env:{KEY}")
    await switch_on(other)
    row = await answered(process, other, ALIKE)
    assert await purposes(other, row.id) == ["lookup", "first"]
    assert (await stats(process, other))["hits_alike"] == 0


async def test_what_had_to_be_hidden_is_neither_sent_for_a_vector_nor_found_by_one(
    similar: World, process: Process
) -> None:
    secret = "Why is the key sk-proj-Zk3vTq9LmW2xYc8RbN5dHf7JgS4pQ1aE refused here?"
    row = await answered(process, similar, secret)
    assert await purposes(similar, row.id) == ["first"]
    assert await similar.value("SELECT count(*) FROM similar_questions") == 0


async def test_a_look_up_that_fails_is_a_miss(similar: World, process: Process, simulator: Simulated) -> None:
    simulator.rules({"match": {"model": "text-embedding-3-small"}, "fault": "503"})
    row = await answered(process, similar, FIRST)
    assert await purposes(similar, row.id) == ["lookup", "first"]
    await check(similar)


async def test_a_task_that_is_cancelled_while_it_looks_up_asks_nobody_else(
    similar: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 5000})
    task_id = await similar.submit(**asked("similar", FIRST))
    working = asyncio.create_task(work(process, task_id))
    await eventually(lambda: in_flight(simulator))
    await cancel(similar.parts, similar.tenant_id, task_id)
    await asyncio.wait_for(working, 5)
    assert await similar.status(task_id) == "canceled"
    assert await purposes(similar, task_id) == ["lookup"]
    await check(similar)


async def test_a_later_attempt_does_not_pay_for_a_vector_again(
    similar: World, process: Process, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.retries, "spend", lambda _provider: True)
    simulator.rules({"match": {"model": "gpt-4.1-mini"}, "fault": "503"})
    task_id = await similar.submit(**asked("similar", FIRST))
    await work(process, task_id)
    simulator.rules()
    await make_due(similar)
    await work(process, task_id)
    assert await similar.status(task_id) == "succeeded"
    assert await purposes(similar, task_id) == ["lookup", "first", "first"]
    await check(similar)


async def test_a_rejected_answer_is_not_found_by_likeness_either(similar: World, process: Process) -> None:
    first = await answered(process, similar, FIRST)
    await rate(similar.parts, similar.tenant_id, first.id, "key", FeedbackRequest(accepted=False))
    row = await answered(process, similar, ALIKE)
    assert await purposes(similar, row.id) == ["lookup", "first"]


async def test_an_answer_that_went_leaves_its_place_to_the_next(similar: World, process: Process) -> None:
    await answered(process, similar, FIRST)
    await asyncio.to_thread(process.parts.cache.clear, similar.tenant_id)
    fresh = await answered(process, similar, ALIKE)
    assert fresh.served_tokens == 0
    assert await similar.value("SELECT count(*) FROM similar_questions") == 1
    await similar.rows("UPDATE similar_questions SET ends_at = ends_at - interval '2 days'")
    await forget(similar.parts)
    assert await similar.value("SELECT count(*) FROM similar_questions") == 0


async def test_a_budget_that_leaves_nothing_for_the_look_up_costs_no_answer(
    similar: World, process: Process
) -> None:
    asked_for = asked("similar", FIRST)
    asked_for["preferences"] |= {"providers": ["beta"], "on_budget": "wait"}
    budget = BudgetRequest(
        scope=Scope.PROVIDER, subject="alpha", period=Period.DAY, limit_usd="0.000000001", hard=True
    )
    await add_budget(similar.parts.db, similar.tenant_id, budget)
    row = await done(process, similar, **asked_for)
    assert await purposes(similar, row.id) == ["first"]
    await check(similar)


async def test_it_can_be_asked_for_by_chats_alone_and_only_where_it_is_set(world: World) -> None:
    with pytest.raises(InvalidRequest, match="PUT /config"):
        await world.submit(**asked("similar"))
    await switch_on(world)
    with pytest.raises(InvalidRequest, match="only the answer to a chat"):
        await world.submit(preferences={"cache": "similar"})


@pytest.mark.parametrize(
    ("wanted", "field"),
    [({"provider": "nobody"}, "similar.provider"), ({"model": "gpt-4.1-mini"}, "similar.model")],
)
async def test_it_is_not_set_without_somebody_who_makes_vectors(
    world: World, wanted: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await switch_on(world, **wanted)
    assert [each.field for each in refused.value.errors] == [field]


async def test_a_database_without_pgvector_is_migrated_and_says_what_is_missing(
    servers: Servers, settings: Config
) -> None:
    name = f"bare_{uuid4().hex[:12]}"
    servers.administer(f"CREATE DATABASE {name} TEMPLATE template0")
    url = servers.database(name)
    try:
        migrate(url)
        async with open_parts(settings.model_copy(update={"database_url": url}), "test") as parts:
            bare = await making.make_world(parts)
            assert await views.pgvector(parts.db) is None
            assert await views.nearest(parts.db, bare.tenant_id, "scope", [1.0, 0.0]) == []
            with pytest.raises(InvalidRequest, match="CREATE EXTENSION vector") as refused:
                await switch_on(bare)
            assert [each.code for each in refused.value.errors] == ["pgvector_missing"]
    finally:
        servers.administer(f"DROP DATABASE {name} WITH (FORCE)")
