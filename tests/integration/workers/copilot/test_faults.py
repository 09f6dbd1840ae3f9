"""Jobs under faults: deaths, lost answers, doubled nudges, cancels, deadlines; nothing is sent twice."""

import asyncio

import pytest

from orchestrator.broker import JOB
from orchestrator.flow.cancel import cancel
from orchestrator.flow.chores import chores
from orchestrator.flow.forget import forget
from orchestrator.flow.rescue import rescue
from orchestrator.store import jobs
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.copilot.github import GitHubDouble
from tests.integration.workers.copilot.watching import (
    Struck,
    at,
    call,
    configure,
    job,
    look,
    lose_the_lease,
    strike,
    waiting,
    work,
)
from workers.process import Process
from workers.visit import visit


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


async def test_of_two_runs_of_one_job_the_older_goes_on_and_the_other_is_cancelled(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await waiting(world, process)
    github.drop_next = github.hides = True
    await look(world, process)
    await look(world, process, later=121)
    assert github.asked("POST", "/dispatches") == 2
    github.hides = False
    await look(world, process)
    assert github.canceled == [2]
    assert (await job(world)).remote_id == "1"


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


@pytest.mark.parametrize("point", ["job.taken_up", "job.sending", "job.sent"])
async def test_a_cancel_in_the_middle_of_a_look_is_seen_at_once(
    world: World, process: Process, github: GitHubDouble, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    task_id = await waiting(world, process)
    loop = asyncio.get_running_loop()

    def cancel_now() -> None:
        canceling = cancel(world.parts, world.tenant_id, task_id)
        assert asyncio.run_coroutine_threadsafe(canceling, loop).result(10) == "canceling"

    at(monkeypatch, point, cancel_now)
    await asyncio.to_thread(visit, process, (await job(world)).id)
    await check(world)
    assert await world.value("SELECT run_at <= clock_timestamp() FROM jobs")
    await asyncio.to_thread(visit, process, (await job(world)).id)
    await check(world)
    assert await world.status(task_id) == "canceled"
    assert [each.conclusion for each in github.jobs] == ["cancelled"]


async def test_a_run_that_brought_nothing_costs_what_it_tells(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, way="agent_task")
    await waiting(world, process)
    github.usage = [{"type": "ai_credits", "amount": 3_500_000_000}]
    await look(world, process)
    github.end()
    await look(world, process)
    made = await call(world)
    assert (made.category, made.cost_nanos, made.estimated) == ("job_without_answer", 35_000_000, False)


async def test_the_deadline_of_a_task_that_waits_ends_it_though_nothing_can_be_sent(
    world: World, process: Process, github: GitHubDouble
) -> None:
    task_id = await waiting(world, process)
    github.refuse("/dispatches", 429, {"retry-after": "3600"})
    await look(world, process)
    await world.change(task_id, "deadline = clock_timestamp() - interval '1 second'")
    await rescue(world.parts)
    assert await world.status(task_id) == "expired"
    assert await world.value("SELECT run_at <= clock_timestamp() FROM jobs")
    await look(world, process)
    assert ((await call(world)).category, (await call(world)).cost_nanos) == ("deadline", 0)
    assert github.jobs == []


async def test_a_call_that_was_charged_at_its_hold_meanwhile_is_booked_at_what_it_cost(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await configure(world, billing="credits")
    task_id = await waiting(world, process)
    await look(world, process, 2)
    await world.change(task_id, "deadline = clock_timestamp() - interval '1 second'")
    await rescue(world.parts)
    await world.rows("UPDATE calls SET timeout_at = clock_timestamp() - interval '1 hour'")
    await rescue(world.parts)
    await check(world)
    assert ((await call(world)).status, (await call(world)).cost_nanos) == ("unknown", 2_000_000_000)
    await look(world, process)
    assert github.canceled == [1]
    made = await call(world)
    assert (made.status, made.category, made.cost_nanos) == ("failed", "deadline", 2_000_000_000)


async def test_the_dispatcher_nudges_jobs_and_forgets_old_ones(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await waiting(world, process)
    nudged: list[tuple[str, list[tuple[str, str]]]] = []

    class Paper:
        def publish(self, celery_task: str, nudges: list[tuple[str, str]]) -> None:
            nudged.append((celery_task, nudges))

    job_id = (await job(world)).id
    assert await chores(world.parts, Paper()) == 1  # type: ignore[arg-type]
    assert nudged == [(JOB, [(str(job_id), "chores")])]
    assert await chores(world.parts, Paper()) == 0  # type: ignore[arg-type]
    ended = "status = 'failed', finished_at = clock_timestamp() - interval '31 days'"
    await world.rows("UPDATE calls SET status = 'failed', ended_at = clock_timestamp(), cost_nanos = 0")
    await world.rows(f"UPDATE jobs SET {ended}")
    await forget(world.parts)
    assert await world.value("SELECT count(*) FROM jobs") == 0
