"""Sealed credentials on a worker's way: opened for the one call, sent to one host, and written nowhere."""

import base64
from uuid import UUID

import pytest

from orchestrator.config import Config
from orchestrator.flow.provide import provide
from orchestrator.flow.reconfigure import reconfigure
from orchestrator.flow.withdraw import withdraw
from schemas.configured import ProviderPatch, ProviderRequest
from tests.integration.conftest import Servers
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_run import work
from workers.process import Process

SECRET = "sk-canary-5e1d0b"
MINE = {"preferences": {"providers": ["mine"]}}


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
            "first_token_timeout": 2,
        }
    )


async def provided(world: World, base_url: str, **fields: object) -> None:
    given = {"name": "mine", "vendor": "openai", "base_url": base_url, "credential": SECRET} | fields
    await provide(world.parts, world.tenant_id, ProviderRequest.model_validate(given), "gpt-4.1-mini")


async def failure(world: World, task_id: UUID) -> tuple[str, str]:
    error = (await world.task(task_id)).error
    return error["code"], error["message"]


async def test_a_call_is_made_with_the_sealed_credential_and_nothing_keeps_it(
    world: World, process: Process, simulator: Simulated, capfd: pytest.CaptureFixture[str]
) -> None:
    await provided(world, simulator.base_url)
    task_id = await world.submit(**MINE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    assert await world.value("SELECT last_used_at IS NOT NULL FROM credentials")
    await check(world)
    tables = ("tasks", "task_payloads", "task_results", "calls", "call_answers", "events", "credentials",
              "providers", "attempts")  # fmt: skip
    seen = list(capfd.readouterr())
    for table in tables:
        rows = await world.rows(f"SELECT CAST(t.* AS text) AS row FROM {table} AS t")
        seen += [row.row for row in rows]
    for secret in (SECRET, SECRET.encode().hex()):
        assert not [told for told in seen if secret in told]


async def test_a_row_moved_to_another_host_behind_our_back_sends_nothing_there(
    world: World, process: Process, simulator: Simulated
) -> None:
    await provided(world, "https://api.example.org/v1")
    await world.rows("UPDATE providers SET base_url = :url WHERE name = 'mine'", url=simulator.base_url)
    task_id = await world.submit(**MINE)
    before = simulator.requests()
    await work(process, task_id)
    assert simulator.requests() == before
    code, message = await failure(world, task_id)
    assert code == "provider_unauthorized"
    assert "is not sent to" in message
    assert await world.value("SELECT count(*) FROM calls") == 0
    assert await world.value("SELECT count(*) FROM gates") == 0


async def test_a_new_credential_is_used_at_once(world: World, process: Process, simulator: Simulated) -> None:
    await provided(world, simulator.base_url)
    await work(process, await world.submit(**MINE))
    patch = ProviderPatch.model_validate({"credential": "sk-another"})
    await reconfigure(world.parts, world.tenant_id, "mine", patch)
    task_id = await world.submit(**MINE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    marked = await world.value("SELECT count(*) FROM credentials WHERE last_used_at IS NOT NULL")
    assert marked == 1


async def test_a_claimed_task_of_a_provider_just_removed_ends_with_the_reason(
    world: World, process: Process, simulator: Simulated
) -> None:
    await provided(world, simulator.base_url)
    task_id = await world.submit(**MINE)
    await withdraw(world.parts, world.tenant_id, "mine")
    before = simulator.requests()
    await work(process, task_id)
    assert simulator.requests() == before
    assert "has been taken away" in (await failure(world, task_id))[1]


async def test_a_private_address_is_not_connected_to_where_tenants_may_not(
    world: World, process: Process, simulator: Simulated
) -> None:
    await provided(world, simulator.base_url)
    strict = process.parts.config.model_copy(update={"allow_private_providers": False})
    object.__setattr__(process.parts, "config", strict)
    task_id = await world.submit(preferences={"providers": ["mine"], "max_attempts": 1})
    before = simulator.requests()
    await work(process, task_id)
    assert simulator.requests() == before
    row = (await world.rows("SELECT category, cost_nanos, message FROM calls"))[0]
    assert (row.category, row.cost_nanos) == ("connect_error", 0)
    assert "ORCHESTRATOR_ALLOW_PRIVATE_PROVIDERS" in row.message
