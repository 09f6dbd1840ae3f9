"""The application over the module's database, and tenants that visit it."""

from collections.abc import AsyncIterator
from contextlib import closing

import httpx
import pytest_asyncio

from orchestrator.api.app import create_app
from orchestrator.config import Config
from orchestrator.flow.watch import Watch, watch
from orchestrator.limits.breakers import Breakers, Policy, announce
from orchestrator.wiring import Parts
from tests.integration.api.visitor import Visitor, visitor


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watcher(parts: Parts) -> AsyncIterator[Watch]:
    """The running watcher of the process."""
    async with watch(parts) as watcher:
        yield watcher


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def breakers(settings: Config) -> AsyncIterator[Breakers]:
    """The circuits as the process sees them."""
    with closing(Breakers(settings.broker_url or "", Policy.of(settings), announce)) as breakers:
        yield breakers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(parts: Parts, watcher: Watch, breakers: Breakers) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, without a key."""
    transport = httpx.ASGITransport(app=create_app(parts, watcher, breakers))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def caller(parts: Parts, http: httpx.AsyncClient) -> Visitor:
    """A tenant of the test's own."""
    return await visitor(parts, http)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(parts: Parts, http: httpx.AsyncClient) -> Visitor:
    """Another tenant."""
    return await visitor(parts, http)
