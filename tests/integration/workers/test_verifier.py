"""The verifier pass: a call of its own, paid and bounded as any other, and no reason to lose a review."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.rescue import rescue
from schemas.calls import Purpose
from schemas.errors import Category, Failure
from schemas.results import ReviewResult
from schemas.tasks import ReviewCodeRequest
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually, request
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_run import in_flight, purposes, work
from workers.call import call
from workers.context import render, render_verifier
from workers.process import Process
from workers.verify import Accepted, verify

DIFF = """\
--- a/app.py
+++ b/app.py
@@ -1,2 +1,4 @@
 import os
-x = 1
+value = eval(os.environ["VALUE"])
+for i in range(len(value) + 1):
+    print(value[i])
"""
CLEAN = "--- a/app.py\n+++ b/app.py\n@@ -1,1 +1,1 @@\n-x = 1\n+x = 2\n"
VERIFIER = "Step: verifier"
REVIEW: dict[str, Any] = {
    "kind": "review_code",
    "context": {"diff": DIFF},
    "preferences": {"providers": ["alpha"]},
}


async def result_of(world: World, task_id: UUID) -> ReviewResult:
    stored = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    return ReviewResult.model_validate(stored)


def opinions(result: ReviewResult) -> list[str]:
    return [found.judgement.opinion.value if found.judgement else "none" for found in result.findings]


async def test_each_finding_of_a_review_is_scored_by_a_second_paid_call(
    world: World, process: Process
) -> None:
    task_id = await world.submit(**REVIEW)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    result = await result_of(world, task_id)
    assert [(found.judgement and found.judgement.score, found.start_line) for found in result.findings] == [
        (9, 2),
        (9, 3),
    ]
    calls = await world.rows("SELECT purpose, verdict, cost_nanos FROM calls ORDER BY id")
    assert [(row.purpose, row.verdict) for row in calls] == [("first", "accepted"), ("verifier", None)]
    assert all(row.cost_nanos > 0 for row in calls)
    assert len(await world.ledger(task_id)) == 2
    await check(world)


@pytest.mark.parametrize(
    "fields",
    [{"preferences": {"providers": ["alpha"], "verifier": False}}, {"context": {"diff": CLEAN}}],
    ids=["not wanted", "nothing found"],
)
async def test_nothing_is_paid_where_nobody_is_to_be_asked(
    world: World, process: Process, fields: dict[str, Any]
) -> None:
    task_id = await world.submit(**REVIEW | fields)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert await purposes(world) == ["first"]
    assert opinions(await result_of(world, task_id)) in ([], ["none", "none"])


async def test_the_submitters_threshold_is_kept_to(world: World, process: Process) -> None:
    wishes = {"providers": ["alpha"], "min_score": 10}
    task_id = await world.submit(**REVIEW | {"preferences": wishes})
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert (len(result.findings), len(result.dropped)) == (0, 2)


@pytest.mark.parametrize("fault", ["500", "429", "truncate"])
async def test_a_verifier_that_fails_leaves_the_review_marked_unverified(
    world: World, process: Process, simulator: Simulated, fault: str
) -> None:
    simulator.rules({"fault": fault, "match": {"prompt_contains": VERIFIER}})
    task_id = await world.submit(**REVIEW)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    result = await result_of(world, task_id)
    assert opinions(result) == ["unverified", "unverified"]
    assert result.verification.checks[-1].passed is None
    assert await purposes(world) == ["first", "verifier"]
    await check(world)


async def test_a_verifier_that_says_nothing_usable_is_no_approval(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"persona": "wrong", "match": {"prompt_contains": VERIFIER}})
    task_id = await world.submit(**REVIEW)
    await work(process, task_id)
    assert opinions(await result_of(world, task_id)) == ["unverified", "unverified"]


async def test_a_budget_that_has_no_room_for_the_verifier_gives_the_review_unverified(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> tuple[None, Failure]:
        return None, Failure(category=Category.BUDGET_EXHAUSTED, message="The budget is used up.")

    monkeypatch.setattr("workers.verifier.guarded_call", refused)
    task_id = await world.submit(**REVIEW)
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert opinions(result) == ["unverified", "unverified"]
    assert "The budget is used up." in result.verification.checks[-1].detail


async def paid(process: Process, lease: Lease, purpose: Purpose, messages: Any) -> PaidAnswer:
    made = await asyncio.to_thread(process.wait, call(process, lease, purpose, messages))
    assert isinstance(made, PaidAnswer)
    return made


@pytest.mark.parametrize("verified", [False, True], ids=["before the verifier", "after the verifier"])
async def test_after_a_crash_what_was_paid_is_used_and_not_paid_again(
    world: World, process: Process, simulator: Simulated, verified: bool
) -> None:
    dead = await world.enlist()
    task_id = await world.submit(**REVIEW)
    lease = await world.claim(task_id, dead)
    assert lease is not None
    answer = await paid(process, lease, Purpose.FIRST, render(lease.request))
    if verified:
        asked = request(**REVIEW)
        verdict = verify(asked, answer.text)
        assert isinstance(asked, ReviewCodeRequest)
        assert isinstance(verdict, Accepted)
        assert isinstance(verdict.result, ReviewResult)
        await paid(process, lease, Purpose.VERIFIER, render_verifier(asked, verdict.result.findings))
    await world.die(dead)
    await rescue(world.parts)
    before = simulator.requests()
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert simulator.requests() == before + (not verified)
    assert await purposes(world) == ["first", "verifier"]
    assert opinions(await result_of(world, task_id)) == ["keep", "keep"]
    await check(world)


async def test_a_lease_that_was_lost_during_the_verifiers_call_is_taken_back_with_both_answers(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"latency_ms": 600, "match": {"prompt_contains": VERIFIER}})
    task_id = await world.submit(**REVIEW)
    working = asyncio.create_task(work(process, task_id))

    async def being_verified() -> bool:
        return await in_flight(simulator) and "verifier" in await purposes(world)

    await eventually(being_verified)
    await world.change(task_id, "lease_token = gen_random_uuid()")
    await asyncio.wait_for(working, 6)
    assert await world.status(task_id) == "succeeded"
    assert await purposes(world) == ["first", "verifier"]
    assert opinions(await result_of(world, task_id)) == ["keep", "keep"]
    await check(world)
