"""One stack and one database for these tests; each test finds the tables empty."""

from collections.abc import AsyncIterator, Iterator

import pytest

from orchestrator.embedded.stack import Stack
from orchestrator.wiring import Parts
from tests.integration.flow import world as making
from tests.integration.flow.world import World


@pytest.fixture(scope="session")
def flow_stack() -> Iterator[Stack]:
    with making.open_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def flow_database(flow_stack: Stack) -> Iterator[str]:
    with making.open_database(flow_stack) as url:
        yield url


@pytest.fixture(scope="session")
async def flow_parts(flow_stack: Stack, flow_database: str) -> AsyncIterator[Parts]:
    async with making.opened(making.settings(flow_database, flow_stack.broker_url)) as parts:
        yield parts


@pytest.fixture
async def world(flow_parts: Parts) -> World:
    await making.empty(flow_parts)
    return await making.make_world(flow_parts)
