"""A world for each test, in tables that it finds empty."""

import pytest

from orchestrator.config import Config
from orchestrator.wiring import Parts
from tests.integration.conftest import Servers
from tests.integration.flow import world as making
from tests.integration.flow.world import World


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str) -> Config:
    """Short leases, and enough connections to let many wait at once."""
    return Config(
        database_url=database_url,
        broker_url=servers.broker_url,
        lease_seconds=30,
        database_pool=30,
        allow_private_webhooks=True,
    )


@pytest.fixture
async def world(parts: Parts) -> World:
    """A tenant with two providers, and a worker."""
    await making.empty(parts)
    return await making.make_world(parts)
