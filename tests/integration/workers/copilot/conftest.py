"""A provider that is GitHub Copilot, and a worker that serves its queue."""

from collections.abc import AsyncIterator

import pytest

from orchestrator.store import views
from tests.integration.flow.world import World
from tests.integration.workers.copilot import github as github_double
from tests.integration.workers.copilot.github import TOKEN, GitHubDouble, options
from tests.integration.workers.copilot.watching import KEY
from workers.process import Process


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
