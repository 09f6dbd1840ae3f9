"""Every turn a job may take: what it brings, what it costs, what GitHub refuses."""

import time

import pytest

from orchestrator import clock
from schemas.errors import NoProvider
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.copilot.github import ANSWER, DIFF, GitHubDouble, zipped
from tests.integration.workers.copilot.watching import KEY, call, configure, job, look, waiting, work
from workers.process import Process


async def test_a_dispatched_workflow_brings_a_verified_result(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    assert github.requests == []
    await look(world, process, 3)
    assert (await job(world)).status == "running"
    github.end()
    await look(world, process)
    task = await world.task(task_id)
    assert (task.status, task.attempt, task.failures, task.crashes) == ("queued", 1, 0, 0)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    result = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    assert "+def add" in result["diff"]
    assert github.asked("POST", "/dispatches") == 1
    payload = github.payloads[0]
    assert payload["branch"] == "ai-automation"
    assert payload["repository"] == "acme/shop"
    assert payload["correlation_id"] == str((await call(world)).id)
    assert "function that adds" in payload["context"]
    made = await call(world)
    assert (made.cost_nanos, made.price_source, made.estimated, made.verdict) == (
        0, "flat_plan", False, "accepted",
    )  # fmt: skip
    events = await world.events(task_id)
    assert events.index("task.handed_over") < events.index("task.job_ended") < events.index("task.succeeded")
    await check(world)


async def test_a_pull_request_is_read_where_there_is_no_artifact(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    github.archive, github.diff = None, DIFF
    await look(world, process, 2)
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"


async def test_an_agent_task_brings_its_pull_request_and_what_it_cost(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    task_id = await waiting(world, process)
    assert (await call(world)).hold_nanos == 2_000_000_000
    github.diff, github.usage = DIFF, [{"type": "ai_credits", "amount": 3_500_000_000}]
    await look(world, process)
    assert (await job(world)).status == "running"
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    made = await call(world)
    assert (made.cost_nanos, made.price_source, made.served_model) == (
        35_000_000, "ai_credits", "claude-sonnet-4.6",
    )  # fmt: skip
    assert github.payloads[0]["base_ref"] == "ai-automation"


async def test_a_job_that_cost_more_than_was_held_is_booked_in_full_and_told(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    task_id = await waiting(world, process)
    github.diff, github.usage = DIFF, [{"type": "ai_credits", "amount": 300_000_000_000}]
    await look(world, process)
    github.end()
    await look(world, process)
    assert (await call(world)).cost_nanos == 3_000_000_000
    assert "call.hold_exceeded" in await world.events(task_id)


async def test_an_agent_task_that_tells_no_usage_is_charged_at_its_hold_and_never_at_0(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    await waiting(world, process)
    github.diff, github.usage = DIFF, [{"type": "premium_requests", "amount": 1}]
    await look(world, process)
    github.end()
    await look(world, process)
    made = await call(world)
    assert (made.status, made.cost_nanos, made.estimated) == ("answered", 2_000_000_000, True)


async def test_an_answer_that_is_not_usable_is_asked_for_once_more_by_another_job(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    github.archive = zipped(answer__md=ANSWER.replace("return left", "return ((left"))
    await look(world, process, 2)
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert (await world.task(task_id)).status_reason == "waiting_for_provider_job"
    github.archive = zipped(answer__md=ANSWER)
    await look(world, process, 2)
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    made = await world.rows("SELECT purpose, verdict FROM calls ORDER BY id")
    assert [tuple(row) for row in made] == [("first", "rejected"), ("repair", "accepted")]
    assert "refused" in github.payloads[1]["context"]
    await check(world)


async def test_a_run_that_failed_is_retried_and_then_fails_the_task(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process, max_attempts=1)
    await look(world, process, 2)
    github.end("failure")
    await look(world, process)
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "provider_server_error")
    assert (await job(world)).status == "failed"


@pytest.mark.parametrize("status", [403, 429])
async def test_a_rate_limit_is_waited_out_by_all_and_burns_nothing(
    world: World, process: Process, github: GitHubDouble, status: int
) -> None:
    task_id = await waiting(world, process)
    reset = str(int(time.time()) + 300)
    github.refuse("/dispatches", status, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})
    await look(world, process)
    row = await job(world)
    assert (row.status, (await world.task(task_id)).failures) == ("new", 0)
    assert 200 < (row.run_at - clock.now()).total_seconds() < 310
    gate = (await world.rows("SELECT * FROM gates WHERE kind <> 'circuit'"))[0]
    assert gate.reason == "rate_limited"
    await look(world, process, 2)
    assert github.asked("POST", "/dispatches") == 2
    assert len(github.jobs) == 1


async def test_a_token_that_is_refused_closes_the_gate_and_the_next_provider_takes_over(
    world: World, process: Process, github: GitHubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await world.submit()
    await work(process, task_id)
    monkeypatch.setenv(KEY, "ghp_revoked")
    await look(world, process)
    assert (await world.task(task_id)).queue == "provider.anthropic"
    gate = (await world.rows("SELECT * FROM gates WHERE kind <> 'circuit'"))[0]
    assert gate.reason == "misconfigured"
    assert (await call(world)).cost_nanos == 0


@pytest.mark.parametrize(("status", "category"), [(404, "model_not_found"), (422, "bad_request")])
async def test_what_github_refuses_ends_the_job_with_the_remedy(
    world: World, process: Process, github: GitHubDouble, status: int, category: str
) -> None:
    await waiting(world, process)
    github.refuse("/dispatches", status)
    await look(world, process)
    assert (await call(world)).category == category
    assert (await job(world)).status == "failed"


@pytest.mark.parametrize(
    "archive",
    [
        b"no zip at all",
        zipped(other__md=ANSWER),
        zipped(**{"../answer__md": ANSWER}),
        zipped(answer__md="x" * 1_000_000),
        zipped(answer__diff="no diff"),
    ],
)
async def test_an_artifact_that_is_not_to_be_trusted_is_no_answer(
    world: World, process: Process, github: GitHubDouble, archive: bytes
) -> None:
    task_id = await waiting(world, process)
    github.archive = archive
    await look(world, process, 2)
    github.end()
    await look(world, process)
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "provider_job_without_answer")


async def test_a_review_is_not_routed_to_copilot(
    world: World, process: Process, github: GitHubDouble
) -> None:
    review = {"kind": "review_code", "context": {"diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}}
    task_id = await world.submit(**review)
    assert (await world.task(task_id)).queue == "provider.anthropic"
    with pytest.raises(NoProvider, match="alpha can't be asked for review"):
        await world.submit(**review, preferences={"providers": ["alpha"]})


async def test_a_prompt_that_no_event_carries_goes_to_the_next_provider(
    world: World, process: Process, github: GitHubDouble
) -> None:
    files = [{"path": "big.py", "content": "x = 1\n" * 12_000}]
    task_id = await world.submit(context={"description": "Mend it.", "files": files})
    await work(process, task_id)
    task = await world.task(task_id)
    assert task.queue == "provider.anthropic"
    assert await world.value("SELECT count(*) FROM jobs") == 0


async def test_a_hard_budget_holds_for_jobs_too(world: World, process: Process, github: GitHubDouble) -> None:
    await configure(world, way="agent_task")
    await world.rows(
        "INSERT INTO budgets (id, tenant_id, scope, period, limit_nanos, hard)"
        " VALUES (gen_random_uuid(), :tenant, 'tenant', 'total', 1000000000, true)",
        tenant=world.tenant_id,
    )
    task_id = await world.submit(preferences={"providers": ["alpha"]})
    await work(process, task_id)
    assert (await world.task(task_id)).error["code"] == "budget_exhausted"
    assert await world.value("SELECT count(*) FROM jobs") == 0
