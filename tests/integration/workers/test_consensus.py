"""A consensus over HTTP: children on their own queues, what became of each, and the choice at the end."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.flow.rescue import rescue
from orchestrator.limits.budgets import add_budget
from orchestrator.store import views
from orchestrator.wiring import Parts
from schemas.budgets import BudgetRequest, Period, Scope
from schemas.calls import dollars
from schemas.errors import Category, Failure
from schemas.providers import Vendor, Wire
from schemas.results import CodeResult
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.canned import canned
from tests.integration.workers.conftest import KEY
from tests.integration.workers.simulated import Simulated
from workers.choose import choose
from workers.process import Process
from workers.run import run

THREE = {"preferences": {"consensus": 3}}
MODELS = {
    "alpha": (Vendor.OPENAI, "gpt-4.1-mini"),
    "beta": (Vendor.MISTRAL, "mistral-small-latest"),
    "gamma": (Vendor.DEEPSEEK, "deepseek-chat"),
}


@pytest.fixture
async def world(parts: Parts, simulator: Simulated, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant with three providers, each at a vendor, on a queue and with a model of its own."""
    monkeypatch.setenv(KEY, "sk-anything")
    simulator.rules()
    await making.empty(parts)
    wanted = tuple(
        ProviderSetting(
            name=name,
            vendor=vendor,
            wire=Wire.OPENAI_CHAT,
            base_url=simulator.base_url,
            model=model,
            credential=f"env:{KEY}",
            simulated=True,
        )
        for name, (vendor, model) in MODELS.items()
    )
    tenant = (await configure(parts, "three", wanted)).tenant_id
    queues = tuple(f"provider.{vendor}" for vendor, _ in MODELS.values())
    return World(parts, tenant, UUID(int=1), tuple(MODELS), ("chores", *queues))


@pytest.fixture
def process(world: World, settings: Any) -> Any:
    """A worker process for all three queues."""
    process = Process(settings, "worker@here", world.queues, 4)
    process.start()
    world.boot_id = process.boot_id
    yield process
    process.stop()


async def work(process: Process, task_id: UUID) -> None:
    await asyncio.to_thread(run, process, task_id)


async def family(world: World, **fields: Any) -> tuple[UUID, dict[str, UUID]]:
    """A parent, and its children by the provider each starts at."""
    parent = await world.submit(**(THREE | fields))
    shown = await views.children(world.parts.db, world.tenant_id, parent)
    return parent, {child.provider: child.id for child in shown}


async def chosen(world: World, parent: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parent's result and how it was chosen, by the names of the providers."""
    row = await views.task(world.parts.db, world.tenant_id, parent, frozenset({"result"}))
    assert row is not None
    assert row.result is not None, row.error
    assert row.nanos == await world.value("SELECT sum(amount_nanos) FROM ledger")
    result = orjson.loads(row.result)
    return result, result["consensus"]


async def done(world: World, process: Process, parent: UUID, children: dict[str, UUID]) -> None:
    for each in (*children.values(), parent):
        await work(process, each)


async def test_children_on_three_queues_agree_though_one_worker_crashes_and_one_disagrees(
    world: World, process: Process, simulator: Simulated
) -> None:
    parent, children = await family(world)
    queues = {(await world.task(each)).queue for each in children.values()}
    assert queues == {"provider.openai", "provider.mistral", "provider.deepseek"}
    dead = await world.enlist()
    lease = await world.claim(children["alpha"], dead)
    assert lease is not None
    await world.intend(lease)
    await world.die(dead)
    await work(process, children["beta"])
    await answers_otherwise(world, process, children["gamma"])
    await rescue(world.parts)
    await work(process, children["alpha"])
    await work(process, parent)
    result, told = await chosen(world, parent)
    assert (told["how"], told["not_judged"], told["judgements"]) == ("agreement", None, [])
    agreed = {str(children[name]) for name in ("alpha", "beta")}
    assert [set(cluster) for cluster in told["clusters"]] == [agreed, {str(children["gamma"])}]
    assert told["winner"] in agreed
    assert result["diff"]
    assert [child["status"] for child in told["children"]] == ["succeeded"] * 3
    calls = await world.rows("SELECT status FROM calls WHERE task_id = :id", id=children["alpha"])
    assert sorted(row.status for row in calls) == ["answered", "unknown"]
    assert await world.value("SELECT count(*) FROM calls WHERE task_id = :id", id=parent) == 0
    await check(world)


async def answers_otherwise(world: World, process: Process, task_id: UUID) -> None:
    """The child is answered by another server than the others, with code of its own."""
    said = "add.py\n<<<<<<< SEARCH\n=======\ndef add(a, b):\n    return a + b\n>>>>>>> REPLACE\n"
    usage = {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740}
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    async with canned() as server:
        server.chunks = [b"data: %s\n\n" % orjson.dumps({"id": "c", **piece}) for piece in pieces]
        server.chunks.append(b"data: [DONE]\n\n")
        before = await world.value("SELECT base_url FROM providers WHERE name = 'gamma'")
        moving = "UPDATE providers SET base_url = :url WHERE name = 'gamma'"
        await world.rows(moving, url=f"{server.url}/v1")
        await work(process, task_id)
        await world.rows(moving, url=before)
    assert len(server.asked) == 1


async def all_different(world: World, process: Process, children: dict[str, UUID]) -> None:
    """Three answers of which no two agree; the first has the longest diff and the last the shortest."""
    for number, each in enumerate(children.values()):
        await work(process, each)
        await world.rows(
            "UPDATE task_results SET result = jsonb_set(jsonb_set(result, '{files,0,content}', :text),"
            " '{diff}', :diff) WHERE id = :id",
            id=each,
            text=orjson.dumps(f"x = {number}\n").decode(),
            diff=orjson.dumps("+ line\n" * (9 - number)).decode(),
        )


async def purposes(world: World, parent: UUID) -> list[str]:
    query = "SELECT purpose FROM calls WHERE task_id = :id ORDER BY id"
    return [row.purpose for row in await world.rows(query, id=parent)]


async def test_where_all_disagree_a_judge_compares_each_pair_in_both_orders(
    world: World, process: Process
) -> None:
    parent, children = await family(world)
    await all_different(world, process, children)
    await work(process, parent)
    _, told = await chosen(world, parent)
    assert (told["how"], told["winner"]) == ("judged", str(list(children.values())[2]))
    assert await purposes(world, parent) == ["judge"] * 4
    assert len({each for said in told["judgements"] for each in said["call_ids"]}) == 4
    shown = await views.calls(world.parts.db, world.tenant_id, parent)
    assert {each.verdict for each in shown if each.task_id == parent} == {"accepted"}
    await check(world)


@pytest.mark.parametrize(
    ("rule", "calls"), [({"persona": "sloppy"}, 4), ({"persona": "wrong"}, 4), ({"fault": "400"}, 1)]
)
async def test_where_the_judge_contradicts_itself_or_fails_the_order_decides(
    world: World, process: Process, simulator: Simulated, rule: dict[str, str], calls: int
) -> None:
    parent, children = await family(world)
    await all_different(world, process, children)
    simulator.rules(rule)
    await work(process, parent)
    _, told = await chosen(world, parent)
    costs = {child["id"]: float(child["cost_usd"]) for child in told["children"]}
    assert told["how"] == "order"
    assert costs[told["winner"]] == min(costs.values())
    assert (told["not_judged"] is not None) == ("fault" in rule)
    assert len(await purposes(world, parent)) == calls
    await check(world)


async def test_judgements_that_were_paid_before_a_crash_are_not_paid_again(
    world: World, process: Process, simulator: Simulated
) -> None:
    parent, children = await family(world)
    await all_different(world, process, children)
    dead = await world.enlist()
    lease = await world.claim(parent, dead)
    assert lease is not None
    unsettled = await asyncio.to_thread(choose, process, lease)
    await world.die(dead)
    await rescue(world.parts)
    before = simulator.requests()
    await work(process, parent)
    result, told = await chosen(world, parent)
    assert told["how"] == "judged"
    assert unsettled.result is not None
    assert orjson.loads(unsettled.result.model_dump_json()) == result
    assert simulator.requests() == before
    assert await purposes(world, parent) == ["judge"] * 4
    await check(world)


async def test_before_a_closed_gate_the_order_decides_at_once(
    world: World, process: Process, simulator: Simulated
) -> None:
    parent, children = await family(world)
    await all_different(world, process, children)
    lease = await world.take(parent)
    closed = Failure(category=Category.RATE_LIMITED, message="It takes nothing now.")
    before = simulator.requests()
    ending = await asyncio.to_thread(choose, process, replace(lease, closed=closed))
    assert isinstance(ending.result, CodeResult)
    assert ending.result.consensus is not None
    assert ending.result.consensus.how == "order"
    assert ending.result.consensus.not_judged == "rate_limited: It takes nothing now."
    assert simulator.requests() == before


async def test_reviews_are_merged_with_how_many_found_each(
    world: World, process: Process, simulator: Simulated
) -> None:
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n import os\n-y = 1\n+y = eval(input())\n"
    parent, children = await family(world, kind="review_code", context={"diff": diff})
    await done(world, process, parent, children)
    result, told = await chosen(world, parent)
    assert told["how"] == "merged"
    assert result["findings"]
    assert {finding["agreement"] for finding in result["findings"]} == {3}
    assert result["apart"] == []
    await check(world)


async def test_chats_that_say_the_same_agree(world: World, process: Process) -> None:
    parent, children = await family(world, kind="chat", context={"prompt": "Two and two?"})
    await done(world, process, parent, children)
    result, told = await chosen(world, parent)
    assert told["how"] == "agreement"
    assert result["text"]
    await check(world)


async def test_where_no_child_has_an_answer_the_parent_fails_and_names_why(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"fault": "400"})
    parent, children = await family(world)
    await done(world, process, parent, children)
    error = await world.value("SELECT error FROM tasks WHERE id = :id", id=parent)
    assert (error["code"], error["retryable"]) == ("no_answer_left", False)
    for name, each in children.items():
        assert f"{name} ({each}): provider_bad_request" in error["message"]
    await check(world)


async def test_a_budget_with_room_for_one_answer_is_kept_and_that_answer_is_taken(
    world: World, process: Process
) -> None:
    """What `beta` is asked costs all that was held for it: the simulated vendor tells no usage."""
    probe = await world.submit(preferences={"providers": ["beta"]})
    await work(process, probe)
    room = await world.value("SELECT cost_nanos FROM calls WHERE cost_nanos = hold_nanos")
    budget = BudgetRequest(scope=Scope.TENANT, period=Period.TOTAL, limit_usd=dollars(room), hard=True)
    await add_budget(world.parts.db, world.tenant_id, budget)
    parent, children = await family(world)
    await work(process, children["beta"])
    for _ in range(3):
        await work(process, children["alpha"])
        await work(process, children["gamma"])
    await work(process, parent)
    ends = await world.rows(
        "SELECT status, error ->> 'code' AS code FROM tasks WHERE parent_id = :id ORDER BY status", id=parent
    )
    assert [(row.status, row.code) for row in ends] == [
        ("failed", "budget_exhausted"),
        ("failed", "budget_exhausted"),
        ("succeeded", None),
    ]
    assert await world.status(parent) == "succeeded"
    window = (await world.rows("SELECT spent_nanos, held_nanos FROM budget_windows"))[0]
    assert (window.spent_nanos, window.held_nanos) == (room, 0)
    await check(world)
