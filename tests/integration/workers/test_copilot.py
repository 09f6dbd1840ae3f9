"""GitHub Copilot as a provider that answers by a job: every turn it may take, over a double of its API."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from orchestrator import clock, failpoints
from orchestrator.flow.cancel import cancel
from orchestrator.flow.rescue import rescue
from orchestrator.store import jobs, views
from schemas.errors import NoProvider
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers import github as github_double
from tests.integration.workers.github import ANSWER, DIFF, TOKEN, GitHubDouble, options, zipped
from workers.process import Process
from workers.run import run
from workers.visit import visit

KEY = "ORCHESTRATOR_TEST_GITHUB_TOKEN"


class Struck(Exception):
    """A worker died here."""


@pytest.fixture
async def github(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GitHubDouble]:
    """GitHub's double behind the provider alpha; beta stays as it is."""
    monkeypatch.setenv(KEY, TOKEN)
    async with github_double.github() as double:
        await world.rows(
            "UPDATE providers SET vendor = 'copilot', wire = 'copilot', model = 'auto', base_url = :url,"
            " credential = :credential, options = CAST(:options AS jsonb) WHERE name = 'alpha'",
            url=double.url,
            credential=f"env:{KEY}",
            options=options(),
        )
        world.queues = (*world.queues, "provider.copilot")
        views.forget_providers(world.tenant_id)
        yield double


@pytest.fixture
def process(github: GitHubDouble, process: Process) -> Process:
    """A worker that serves Copilot's queue too."""
    object.__setattr__(process.me, "queues", (*process.me.queues, "provider.copilot"))
    return process


async def work(process: Process, task_id: UUID) -> None:
    await asyncio.to_thread(run, process, task_id)


async def look(world: World, process: Process, times: int = 1, later: float = 0.0) -> None:
    """Time goes by, and the open job is looked at."""
    for _ in range(times):
        await world.rows(
            "UPDATE jobs SET run_at = clock_timestamp(), sent_at = sent_at - make_interval(secs => :later)"
            " WHERE finished_at IS NULL",
            later=later,
        )
        for row in await world.rows("SELECT id FROM jobs WHERE finished_at IS NULL"):
            await asyncio.to_thread(visit, process, row.id)
        await check(world)


async def job(world: World) -> Any:
    return (await world.rows("SELECT * FROM jobs ORDER BY id DESC LIMIT 1"))[0]


async def call(world: World) -> Any:
    return (await world.rows("SELECT * FROM calls ORDER BY id DESC LIMIT 1"))[0]


async def configure(world: World, **fields: Any) -> None:
    query = "UPDATE providers SET options = CAST(:options AS jsonb) WHERE name = 'alpha'"
    await world.rows(query, options=options(**fields))


async def waiting(world: World, process: Process, **preferences: Any) -> UUID:
    """A task that waits for its job; nothing has been sent yet."""
    task_id = await world.submit(preferences={"providers": ["alpha"], **preferences})
    await work(process, task_id)
    task = await world.task(task_id)
    assert (task.status, task.status_reason) == ("running", "waiting_for_provider_job")
    assert (task.lease_token, task.lease_until, task.boot_id) == (None, None, None)
    await check(world)
    return task_id


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


async def test_a_run_that_never_appears_goes_to_the_next_provider(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await world.submit()
    await work(process, task_id)
    github.hides = True
    await look(world, process, 2)
    assert (await job(world)).status == "sent"
    await look(world, process, later=601)
    task = await world.task(task_id)
    assert (task.status, task.queue, task.candidate) == ("queued", "provider.anthropic", 1)
    assert "run-name" in (await job(world)).message
    assert github.asked("POST", "/dispatches") == 1


async def test_a_cancel_cancels_the_run(world: World, process: Process, github: GitHubDouble) -> None:
    task_id = await waiting(world, process)
    await look(world, process, 2)
    assert await cancel(world.parts, world.tenant_id, task_id) == "canceling"
    assert await world.parts.db.run(jobs.NUDGE, most=10, age=15.0)
    await check(world)
    await look(world, process)
    assert await world.status(task_id) == "canceled"
    assert github.canceled == [1]
    assert (await job(world)).status == "canceled"
    assert (await call(world)).status == "failed"


async def test_a_cancel_before_anything_was_sent_sends_nothing(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    await cancel(world.parts, world.tenant_id, task_id)
    await look(world, process)
    assert await world.status(task_id) == "canceled"
    assert github.requests == []
    assert (await call(world)).price_source == "not_answered"


async def test_an_agent_task_can_not_be_cancelled_and_is_charged_at_its_hold(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    task_id = await waiting(world, process)
    await look(world, process)
    await cancel(world.parts, world.tenant_id, task_id)
    await look(world, process)
    assert await world.status(task_id) == "canceled"
    assert (await call(world)).estimated


async def test_at_the_deadline_the_task_expires_and_its_run_is_cancelled(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    await look(world, process, 2)
    await world.change(task_id, "deadline = clock_timestamp() - interval '1 second'")
    await rescue(world.parts)
    assert await world.status(task_id) == "expired"
    await look(world, process)
    assert github.canceled == [1]
    assert (await call(world)).category == "deadline"
    assert (await job(world)).finished_at is not None


async def test_a_job_that_takes_too_long_is_cancelled_and_tried_again(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    await look(world, process, 2)
    await world.rows("UPDATE jobs SET expires_at = clock_timestamp() - interval '1 second'")
    await look(world, process)
    assert github.canceled == [1]
    task = await world.task(task_id)
    assert (task.status, task.failures) == ("queued", 1)


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


async def test_a_worker_that_dies_before_it_hears_of_its_dispatch_leads_to_no_second_one(
    world: World, process: Process, github: GitHubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await waiting(world, process)
    strike(monkeypatch, "job.sent")
    with pytest.raises(Struck):
        await look(world, process)
    assert (await job(world)).status == "sending"
    await check(world)
    await lose_the_lease(world)
    await look(world, process)
    assert (await job(world)).status == "running"
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert github.asked("POST", "/dispatches") == 1


def strike(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever reaches this point first dies there."""
    struck: list[str] = []

    def reach(reached: str) -> None:
        if reached == name and not struck:
            struck.append(name)
            raise Struck

    monkeypatch.setattr(failpoints, "reach", reach)


async def lose_the_lease(world: World) -> None:
    await world.rows("UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second'")


@pytest.mark.parametrize("point", ["job.taken_up", "job.sending", "job.booked"])
async def test_a_worker_that_dies_at_any_point_of_a_visit_is_made_up_for(
    world: World, process: Process, github: GitHubDouble, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    task_id = await waiting(world, process)
    if point == "job.booked":
        await look(world, process, 2)
        github.end()
    strike(monkeypatch, point)
    with pytest.raises(Struck):
        await look(world, process)
    await check(world)
    await lose_the_lease(world)
    if point == "job.sending":
        await look(world, process)
        assert github.asked("POST", "/dispatches") == 0
    for _ in range(4):
        await look(world, process, later=121)
        github.end()
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert github.asked("POST", "/dispatches") == 1
    assert len(await world.ledger(task_id)) == 1


async def test_a_dispatch_whose_answer_got_lost_is_looked_up_before_it_is_repeated(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await waiting(world, process)
    github.drop_next = True
    await look(world, process)
    assert (await job(world)).status == "sending"
    github.hides = True
    await look(world, process)
    assert github.asked("POST", "/dispatches") == 1
    github.hides = False
    await look(world, process)
    assert (await job(world)).status == "running"
    assert github.asked("POST", "/dispatches") == 1


async def test_an_agent_task_whose_answer_got_lost_is_found_by_its_prompt(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    await waiting(world, process)
    github.drop_next = True
    await look(world, process)
    await look(world, process)
    row = await job(world)
    assert (row.status, row.remote_id, row.sends) == ("running", "1", 1)


async def test_a_server_error_at_github_is_looked_up_too_and_ends_after_a_few_tries(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process, max_attempts=1)
    for _ in range(3):
        github.refuse("/dispatches", 502)
    for _ in range(4):
        await look(world, process, later=121)
    assert github.asked("POST", "/dispatches") == 3
    assert await world.status(task_id) == "failed"


async def test_doubled_nudges_of_a_job_send_it_once(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await waiting(world, process)
    job_id = (await job(world)).id
    await asyncio.gather(*(asyncio.to_thread(visit, process, job_id) for _ in range(5)))
    assert github.asked("POST", "/dispatches") == 1
    assert (await job(world)).polls == 1


async def test_a_nudge_is_repeated_when_its_runner_died(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await waiting(world, process)
    assert len(await world.parts.db.run(jobs.NUDGE, most=10, age=15.0)) == 1
    assert len(await world.parts.db.run(jobs.NUDGE, most=10, age=15.0)) == 0
    lost = "lease_token = gen_random_uuid(), lease_until = clock_timestamp() - interval '1 second'"
    await world.rows(f"UPDATE jobs SET nudged_at = NULL, {lost}")
    assert len(await world.parts.db.run(jobs.NUDGE, most=10, age=15.0)) == 1
    await look(world, process)
    assert github.asked("POST", "/dispatches") == 1


async def test_rescue_leaves_a_task_that_waits_for_its_job_alone(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    await world.die()
    await rescue(world.parts)
    task = await world.task(task_id)
    assert (task.status, task.crashes) == ("running", 0)
    assert (await call(world)).status == "started"


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
    with pytest.raises(NoProvider, match="alpha takes none"):
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
