"""The servers and the simulator of the integration tests, and a provider of the wire that is played."""

from uuid import uuid4

import pytest

from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.wiring import Parts
from schemas.providers import CHORES_QUEUE, ProviderOptions, queue_of
from tests.conformance.wires import PLAYED, Spoken
from tests.integration.conftest import database_url, parts, servers, template
from tests.integration.flow import world as making
from tests.integration.flow.world import World
from tests.integration.workers.conftest import KEY, process, settings, simulator
from tests.integration.workers.simulated import Simulated

__all__ = ["database_url", "parts", "process", "servers", "settings", "simulator", "template", "world"]

BY_NAME = {line.name: line for line in PLAYED}


@pytest.fixture
def spoken(request: pytest.FixtureRequest) -> Spoken:
    """The wire that is played: the first one, unless the test names another."""
    given = getattr(request, "param", PLAYED[0])
    return given if isinstance(given, Spoken) else BY_NAME[given]


@pytest.fixture
async def world(parts: Parts, simulator: Simulated, spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant with one provider, `alpha`, who speaks the wire."""
    monkeypatch.setenv(KEY, "sk-anything")
    simulator.rules()
    await making.empty(parts)
    alpha = ProviderSetting(
        name="alpha",
        vendor=spoken.speaker,
        wire=spoken.wire,
        base_url=simulator.url + spoken.path,
        model=spoken.models[0],
        credential=f"env:{KEY}",
    )
    tenant = (await configure(parts, f"tenant-{uuid4().hex[:8]}", (alpha,))).tenant_id
    if spoken.declared is not None:
        options = ProviderOptions(custom=spoken.declared).model_dump_json(exclude_none=True)
        await World(parts, tenant, uuid4(), ("alpha",)).rows(
            "UPDATE providers SET options = CAST(:options AS jsonb)", options=options
        )
    queues = (CHORES_QUEUE, queue_of(spoken.speaker))
    world = World(parts, tenant, uuid4(), ("alpha",), queues)
    world.boot_id = await world.enlist(name="me", pid=1)
    return world
