"""Webhooks: told once the task ends, signed as Standard Webhooks asks, tried again while it makes sense."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from orchestrator import clock
from orchestrator.broker import CHORE
from orchestrator.flow.cancel import cancel
from orchestrator.flow.chores import chores
from orchestrator.flow.notify import notify
from orchestrator.wiring import Parts
from schemas.errors import Category
from tests.integration.flow.receiver import Receiver, receiving
from tests.integration.flow.world import World
from workers.deliver import deliver

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Paper:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    def publish(self, celery_task: str, nudges: Iterable[tuple[str, str]]) -> None:
        assert celery_task == CHORE
        self.published += nudges


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def ended(world: World, url: str) -> UUID:
    """A task with a webhook that has just been cancelled."""
    task_id = await world.submit(preferences={"webhook": {"url": url, "secret": SECRET}})
    await cancel(world.parts, world.tenant_id, task_id)
    return task_id


async def send_due(world: World, parts: Parts | None = None) -> int:
    """Do every chore that is nudged now."""
    paper = Paper()
    await chores(world.parts, paper)  # type: ignore[arg-type]
    assert {queue for _, queue in paper.published} <= {"chores"}
    for chore_id, _ in paper.published:
        assert await notify(world.parts, UUID(chore_id), partial(deliver, parts or world.parts))
    return len(paper.published)


async def delivery(world: World) -> Any:
    return (await world.rows("SELECT * FROM deliveries"))[0]


async def chore(world: World) -> Any:
    query = "SELECT *, extract(epoch FROM run_at - clock_timestamp()) AS waits FROM chores"
    return (await world.rows(query))[0]


async def test_a_receiver_can_verify_what_it_is_told(world: World, receiver: Receiver) -> None:
    task_id = await ended(world, receiver.url)
    assert await send_due(world) == 1
    ((headers, body),) = receiver.received
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 10
    assert headers["content-type"] == "application/json"
    assert headers["host"] == receiver.url.split("/")[2]
    told = json.loads(body)
    assert told["type"] == "task.canceled"
    assert told["data"]["task_id"] == str(task_id)
    assert told["data"]["status"] == "canceled"
    assert SECRET not in body.decode()
    row = await delivery(world)
    assert (row.status, row.http_status, str(row.id)) == ("delivered", 200, headers["webhook-id"])
    assert (await chore(world)).status == "done"
    assert await send_due(world) == 0


async def test_a_success_is_told_with_its_move(world: World, receiver: Receiver) -> None:
    lease = await world.running(preferences={"webhook": {"url": receiver.url, "secret": SECRET}})
    assert await world.succeed(lease, await world.called(lease)) == "succeeded"
    await send_due(world)
    assert json.loads(receiver.received[0][1])["type"] == "task.succeeded"


async def test_a_failure_is_told_with_its_error(world: World, receiver: Receiver) -> None:
    lease = await world.running(preferences={"webhook": {"url": receiver.url, "secret": SECRET}})
    await world.fail(lease, Category.BAD_REQUEST)
    await send_due(world)
    told = json.loads(receiver.received[0][1])
    assert told["data"]["error"]["code"] == "provider_bad_request"


async def test_a_task_without_a_webhook_leaves_no_delivery(world: World) -> None:
    await cancel(world.parts, world.tenant_id, await world.submit())
    assert await world.value("SELECT count(*) FROM chores") == 0


@pytest.mark.parametrize("status", [500, 429, 302, 404])
async def test_a_receiver_that_refuses_is_asked_again_later_under_the_same_id(
    world: World, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    await ended(world, receiver.url)
    await send_due(world)
    row = await chore(world)
    assert (row.status, row.attempt) == ("queued", 1)
    assert 0 < float(row.waits) <= 10
    assert (await delivery(world)).status == "pending"
    assert await send_due(world) == 0
    await world.rows("UPDATE chores SET run_at = clock_timestamp()")
    assert await send_due(world) == 1
    assert (await delivery(world)).status == "delivered"
    first, second = receiver.received
    assert first[0]["webhook-id"] == second[0]["webhook-id"]


async def test_a_receiver_that_is_gone_is_never_asked_again(world: World, receiver: Receiver) -> None:
    receiver.statuses = [410]
    await ended(world, receiver.url)
    await send_due(world)
    assert (await chore(world)).status == "failed"
    assert (await delivery(world)).status == "failed"
    assert len(receiver.received) == 1


async def test_the_last_try_of_a_delivery_is_the_last(world: World) -> None:
    await ended(world, "http://127.0.0.1:9/hook")
    await world.rows("UPDATE chores SET attempt = max_attempts - 1")
    await send_due(world)
    row = await chore(world)
    assert row.status == "failed"
    assert "Connect" in row.message
    assert (await delivery(world)).status == "failed"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:1/",
        "http://0x7f000001:1/",
        "http://[::1/",
        "http://example.com:99999/",
        "http:///path",
    ],
)
async def test_an_address_that_a_stranger_must_not_reach_is_refused_for_good(world: World, url: str) -> None:
    await ended(world, "http://example.com/hook")
    await world.rows("UPDATE deliveries SET url = :url", url=url)
    careful = world.parts.config.model_copy(update={"allow_private_webhooks": False})
    await send_due(world, replace(world.parts, config=careful))
    row = await chore(world)
    assert row.status == "failed", row.message
    assert (await delivery(world)).http_status is None


async def test_a_host_without_an_address_may_have_one_later(world: World) -> None:
    await ended(world, "http://no.such.host.invalid/")
    await send_due(world)
    assert (await chore(world)).status == "queued"


async def test_a_doubled_nudge_of_a_chore_finds_nothing_to_do(world: World, receiver: Receiver) -> None:
    await ended(world, receiver.url)
    chore_id = await world.value("SELECT id FROM chores")
    send = partial(deliver, world.parts)
    done = await asyncio.gather(*(notify(world.parts, chore_id, send) for _ in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    assert len(receiver.received) == 1


async def test_a_chore_of_a_dead_worker_is_taken_back(world: World, receiver: Receiver) -> None:
    await ended(world, receiver.url)
    lost = "status = 'running', attempt = 1, lease_token = gen_random_uuid()"
    await world.rows(f"UPDATE chores SET {lost}, lease_until = clock_timestamp() - interval '1 second'")
    assert await send_due(world) == 1
    assert (await delivery(world)).status == "delivered"
