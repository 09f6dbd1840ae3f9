"""A worker process's inside, in this process, with short patience, before a simulator."""

from collections.abc import Iterator

import pytest

from orchestrator.config import Config
from orchestrator.wiring import Parts
from tests.integration.conftest import Servers
from tests.integration.flow import world as making
from tests.integration.flow.world import QUEUES, World
from tests.integration.workers.simulated import Simulated, simulating
from workers.process import Process

KEY = "ORCHESTRATOR_TEST_PROVIDER_KEY"


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Short patience with providers."""
    return Config(
        database_url=database_url,
        broker_url=servers.broker_url,
        data_dir=tmp_path_factory.mktemp("data"),
        lease_seconds=3,
        heartbeat_seconds=0.5,
        connect_timeout=1,
        first_token_timeout=1,
        idle_timeout=1,
        total_timeout=30,
        drain_seconds=1,
        max_answer_bytes=200_000,
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulated]:
    """A simulator for the module."""
    with simulating() as simulated:
        yield simulated


@pytest.fixture
async def world(parts: Parts, simulator: Simulated, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant whose providers are simulated."""
    monkeypatch.setenv(KEY, "sk-anything")
    simulator.rules()
    await making.empty(parts)
    return await making.make_world(parts, base_url=simulator.base_url, credential=f"env:{KEY}")


@pytest.fixture
def process(world: World, settings: Config) -> Iterator[Process]:
    """A worker process that was started."""
    process = Process(settings, "worker@here", QUEUES, 4)
    process.start()
    world.boot_id = process.boot_id
    yield process
    process.stop()
