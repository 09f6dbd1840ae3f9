"""Jobs of a provider that a tenant configured: its sealed token, its headers, its removal, its price."""

import base64

import pytest

from orchestrator.config import Config
from orchestrator.flow.dispatch import dispatch
from orchestrator.flow.provide import provide
from orchestrator.flow.reconfigure import reconfigure
from orchestrator.flow.withdraw import withdraw
from schemas.configured import ProviderPatch, ProviderRequest
from tests.integration.conftest import Servers
from tests.integration.flow.test_dispatch import Paper, board_on
from tests.integration.flow.world import World
from tests.integration.workers.copilot.github import REPOSITORY, TOKEN, GitHubDouble
from tests.integration.workers.copilot.watching import call, job, look, waiting, work
from workers.process import Process

MINE = {"providers": ["mine"]}


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """An installation with a master key, whose operator trusts his tenants with private addresses."""
    return Config.model_validate(
        {
            "database_url": database_url,
            "broker_url": servers.broker_url,
            "data_dir": tmp_path_factory.mktemp("data"),
            "master_key": base64.b64encode(bytes(range(32))).decode(),
            "allow_private_providers": True,
            "connect_timeout": 1,
        }
    )


async def provided(world: World, github: GitHubDouble) -> None:
    options = {"copilot": {"repository": REPOSITORY}, "custom_headers": {"X-Team": "shop"}}
    given = {"name": "mine", "vendor": "copilot", "base_url": github.url, "credential": TOKEN}
    asked = ProviderRequest.model_validate(given | {"options": options})
    await provide(world.parts, world.tenant_id, asked, "auto")


async def test_a_job_runs_under_the_sealed_token_and_nothing_keeps_it(
    world: World, process: Process, github: GitHubDouble, capfd: pytest.CaptureFixture[str]
) -> None:
    await provided(world, github)
    task_id = await waiting(world, process, **MINE)
    await look(world, process, 2)
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert github.teams == {"shop"}
    seen = list(capfd.readouterr())
    for table in ("tasks", "task_payloads", "calls", "call_answers", "events", "providers", "jobs"):
        seen += [row.row for row in await world.rows(f"SELECT CAST(t.* AS text) AS row FROM {table} AS t")]
    assert not [told for told in seen if TOKEN in told]


async def test_a_job_whose_provider_is_removed_ends_with_the_reason_and_is_booked(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await provided(world, github)
    task_id = await waiting(world, process, **MINE)
    await look(world, process, 2)
    await withdraw(world.parts, world.tenant_id, "mine")
    before = len(github.requests)
    await look(world, process)
    assert len(github.requests) == before
    task = await world.task(task_id)
    assert (task.status, task.error["code"]) == ("failed", "provider_removed")
    assert ((await call(world)).status, (await job(world)).status) == ("failed", "failed")


async def test_a_token_of_another_host_is_not_sent_and_closes_no_gate(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await provided(world, github)
    task_id = await waiting(world, process, **MINE)
    moved = github.url.replace("127.0.0.1", "localhost")
    await world.rows("UPDATE providers SET base_url = :url WHERE name = 'mine'", url=moved)
    await look(world, process)
    assert github.requests == []
    assert "is not sent to" in (await world.task(task_id)).error["message"]
    assert await world.value("SELECT count(*) FROM gates") == 0


async def test_a_new_token_is_used_at_the_next_look(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await provided(world, github)
    task_id = await waiting(world, process, **MINE)
    await look(world, process, 2)
    github.token = "ghp_next"
    patch = ProviderPatch.model_validate({"credential": github.token})
    await reconfigure(world.parts, world.tenant_id, "mine", patch)
    github.end()
    await look(world, process)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"


async def test_open_jobs_count_against_their_providers_limit_and_against_no_slot(
    world: World, process: Process, github: GitHubDouble
) -> None:
    await world.rows("UPDATE providers SET concurrency_limit = 2 WHERE name = 'alpha'")
    await world.rows("UPDATE workers SET stopped_at = clock_timestamp()")
    await world.enlist(slots=1, queues=world.queues)
    for _ in range(2):
        await waiting(world, process)
    await world.submit(preferences={"providers": ["alpha"]})
    other = await world.submit(preferences={"providers": ["beta"]})
    paper = Paper()
    assert await dispatch(world.parts, board_on(paper)) == 1
    assert paper.published == [(str(other), "provider.anthropic")]
    await look(world, process, 2)
    github.end()
    await look(world, process)
    await world.change(other, "nudged_at = NULL, ready = false, run_at = 'infinity'")
    assert await dispatch(world.parts, board_on(paper)) == 2
