"""A provider by others (`llmock`) breaks our calls in its own ways, and judges how our client behaved."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from llmock.ratelimit import LimitSettings
from llmock.scenarios import Behavior, Fail, Reply, StreamFault
from llmock.testing import LLMockServer
from llmock.verdict import Verdict, judge

from orchestrator.flow.wake import wake
from orchestrator.store import views
from orchestrator.wiring import Parts
from schemas.tasks import TaskStatus
from tests.integration.flow import world as making
from tests.integration.flow.world import World, eventually
from tests.integration.workers.test_run import work
from tests.unit.verify.answers import block
from workers.process import Process

ANSWER = "Here it is.\n\n" + block("add.py", "", "def add(a: int, b: int) -> int:\n    return a + b\n")
PATIENCE = 20.0
OFFERED = 10


@pytest.fixture(scope="module")
def provider() -> Iterator[LLMockServer]:
    """llmock's server on a free port."""
    with LLMockServer() as server:
        yield server


@pytest.fixture
async def world(
    parts: Parts, provider: LLMockServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A tenant whose only provider is llmock, which answers usably unless it is told otherwise."""
    monkeypatch.setenv("KEY_OF_THE_JUDGE", "sk-judged")
    provider.state.reset()
    provider.state.scenarios.add(Reply(text=ANSWER, times=None))
    await making.empty(parts)
    yield await making.make_world(
        parts, ("judge",), base_url=provider.base_url("openai"), credential="env:KEY_OF_THE_JUDGE"
    )
    provider.state.limiter.configure(LimitSettings())


def verdict(provider: LLMockServer) -> Verdict:
    return judge(provider.state.journal.records(wait=2.0))


async def ended(world: World, process: Process, *ids: UUID) -> list[str]:
    """How the tasks ended; each is nudged whenever its time has come, as the dispatcher would."""

    async def all_ended() -> bool:
        await wake(world.parts, ghosts_older_than=60)
        left = [task_id for task_id in ids if not TaskStatus(await world.status(task_id)).terminal]
        await asyncio.gather(*(work(process, task_id) for task_id in left))
        return not left

    await eventually(all_ended, PATIENCE)
    return [await world.status(task_id) for task_id in ids]


@pytest.mark.parametrize(
    "fault",
    [
        Fail(429, retry_after=0.6),
        Fail(503),
        Fail(503, retry_after=0.6),
        Fail(529),
        StreamFault("truncate", after_chunks=2),
        StreamFault("disconnect", after_chunks=2),
        StreamFault("malformed", after_chunks=2),
        StreamFault("stall", after_chunks=2, stall_seconds=3.0),
    ],
    ids=lambda fault: f"{fault.kind if isinstance(fault, StreamFault) else fault.status}-{fault.times}",
)
async def test_what_passes_is_overcome_without_a_complaint_of_the_judge(
    world: World, process: Process, provider: LLMockServer, fault: Behavior
) -> None:
    provider.state.scenarios.add(fault)
    task_id = await world.submit()
    assert await ended(world, process, task_id) == ["succeeded"]
    found = verdict(provider)
    found.assert_ok(strict=True)
    assert (found.attempts, found.faults) == (2, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_no_retry_mends_is_asked_once(
    world: World, process: Process, provider: LLMockServer, status: int
) -> None:
    provider.state.scenarios.add(Fail(status, times=None))
    assert await ended(world, process, await world.submit()) == ["failed"]
    found = verdict(provider)
    found.assert_ok()
    assert found.attempts == 1


async def test_an_outage_is_not_made_worse(world: World, process: Process, provider: LLMockServer) -> None:
    provider.state.scenarios.add(Fail(503, times=None))
    ids = [
        await world.submit(context={"description": f"Write function number {number}."})
        for number in range(OFFERED)
    ]
    for _ in range(5):
        await asyncio.gather(*(work(process, task_id) for task_id in ids))
        await world.rows("UPDATE tasks SET run_at = clock_timestamp() WHERE status = 'queued'")
        await wake(world.parts, ghosts_older_than=60)
    found = verdict(provider)
    found.assert_ok()
    assert found.attempts <= 1.2 * OFFERED + 1
    assert {await world.status(task_id) for task_id in ids} == {"queued"}


async def test_a_quota_is_met_once_and_then_kept_away_from(
    world: World, process: Process, provider: LLMockServer
) -> None:
    provider.state.limiter.configure(LimitSettings(rpm=3))
    ids = [
        await world.submit(context={"description": f"Write function number {number}."})
        for number in range(OFFERED)
    ]
    for _ in range(2):
        for task_id in ids:
            await work(process, task_id)
    found = verdict(provider)
    found.assert_ok()
    assert (found.attempts, found.faults) == (4, 1)
    seen = [await views.state(world.parts.db, world.tenant_id, task_id) for task_id in ids]
    reasons = [each.status_reason for each in seen if each is not None and each.status == "queued"]
    assert reasons == ["rate_limited"] * (OFFERED - 3)
