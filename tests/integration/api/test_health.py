"""Health: what real calls and active checks say of providers, and what a failed check does to tasks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
import pytest_asyncio

from orchestrator.config import Config
from orchestrator.flow.check_up import _is_there, check_up
from orchestrator.flow.claim import claim
from orchestrator.flow.monitor import monitor
from orchestrator.limits.gates import closed
from orchestrator.store import views
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.configured import CredentialVerdict, HealthOverview, Probe, ProviderHealth
from schemas.errors import Category
from tests.integration.api.endpoint import Endpoint, answering
from tests.integration.api.providing import kept, made, refusal, sent
from tests.integration.api.visitor import TASKS, Visitor
from tests.integration.conftest import Servers
from workers.probe import probe

HEALTH = "/api/v1/health"


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str) -> Config:
    """An installation that checks its providers, and whose tenants may have private ones."""
    return Config.model_validate(
        {
            "database_url": database_url,
            "broker_url": servers.broker_url,
            "allow_private_providers": True,
            "health_check_seconds": 60,
        }
    )


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint that takes no key."""
    async with answering() as endpoint:
        endpoint.key = None
        yield endpoint


async def checked(caller: Visitor, name: str, parts: Parts | None = None) -> bool:
    """Whether the provider's standing chore, due at once, was there to do."""
    provider = (await kept(caller, name)).id
    due = text(
        "UPDATE chores SET run_at = clock_timestamp()"
        " WHERE subject_id = :id AND status = 'queued' RETURNING id"
    )
    rows = await caller.parts.db.run(due, id=provider)
    use = parts or caller.parts
    return bool(rows) and await check_up(use, rows[0].id, partial(probe, use))


async def planned(caller: Visitor, endpoint: Endpoint, **fields: object) -> UUID:
    await made(caller, name="mine", base_url=endpoint.base_url, credential=None, model="tiny-chat", **fields)
    await monitor(caller.parts)
    return (await kept(caller, "mine")).id


async def health(caller: Visitor, name: str = "mine") -> ProviderHealth:
    return ProviderHealth.model_validate_json((await caller.get(f"{HEALTH}/{name}")).content)


async def gated(caller: Visitor, provider: UUID) -> str | None:
    gate = (await closed(caller.parts.db)).get(provider)
    return gate.reason if gate else None


async def test_all_providers_are_told_of_at_once(caller: Visitor) -> None:
    await caller.succeed((await caller.submit()).id)
    await made(caller, name="other", model="m", credential=None)
    found = HealthOverview.model_validate_json((await caller.get(HEALTH)).content)
    assert (found.status, found.healthy, found.down) == ("healthy", 2, 0)
    sim = next(each for each in found.data if each.provider == "sim")
    assert (sim.calls, sim.availability, sim.check) == (1, 1.0, None)
    assert sim.latency_ewma_ms is not None
    assert await health(caller, "sim") == sim
    assert (await caller.get(f"{HEALTH}/nobody")).status_code == 404


async def test_providers_are_listed_by_health(caller: Visitor) -> None:
    await made(caller, name="other", model="m", credential=None)
    await caller.change(
        "INSERT INTO gates (kind, subject, state, closed_until, reason)"
        " SELECT 'credential', account, 'open', now() + interval '1 day', 'misconfigured' FROM providers"
        " WHERE tenant_id = :tenant AND name = 'other'"
    )
    for asked, names in (("true", ["sim"]), ("false", ["other"])):
        found = (await sent(caller, "GET", f"?healthy={asked}")).json()["data"]
        assert [each["name"] for each in found] == names
    assert refusal(await sent(caller, "GET", "?healthy=perhaps")) == (422, "healthy")


async def test_a_check_finds_an_endpoint_and_comes_again(caller: Visitor, endpoint: Endpoint) -> None:
    provider = await planned(caller, endpoint)
    assert await checked(caller, "mine")
    found = await health(caller)
    assert found.check is not None
    assert (found.status, found.check.ok, found.check.failures) == ("healthy", True, 0)
    again = await caller.value(
        "SELECT extract(epoch FROM run_at - clock_timestamp()) FROM chores"
        " WHERE subject_id = :id AND status = 'queued'",
        id=provider,
    )
    assert 50 < again < 70
    assert not await caller.value(
        "SELECT count(*) FROM chores WHERE subject_id = :id AND attempt = 0", id=provider
    )


async def test_one_chore_is_enough_for_a_provider(caller: Visitor, endpoint: Endpoint) -> None:
    provider = await planned(caller, endpoint)
    assert await monitor(caller.parts) == 0
    assert await caller.value("SELECT count(*) FROM chores WHERE subject_id = :id", id=provider) == 1


async def test_a_failed_check_is_a_reason_to_wait_and_loses_nothing(
    caller: Visitor, endpoint: Endpoint
) -> None:
    provider = await planned(caller, endpoint)
    await caller.change("UPDATE providers SET paused = true WHERE tenant_id = :tenant AND name = 'sim'")
    views.forget_providers(caller.tenant_id)
    endpoint.status = 503
    await checked(caller, "mine")
    assert (await health(caller)).status == "degraded"
    assert await gated(caller, provider) is None
    await checked(caller, "mine")
    found = await health(caller)
    assert (found.status, found.reasons[0]) == ("down", "health open: check_failed")
    assert await gated(caller, provider) == "check_failed"
    task = await caller.submit()
    assert task.provider == "mine"
    shown = (await caller.get(f"{TASKS}/{task.id}")).json()
    assert (shown["status"], shown["status_reason"]) == ("queued", "circuit_open")
    assert shown["next_attempt_at"] is not None
    lease = await claim(caller.parts, UUID(int=1), ("provider.custom",), task.id)
    assert lease is not None
    assert lease.closed is not None
    assert lease.closed.category is Category.CIRCUIT_OPEN
    endpoint.status = 200
    await checked(caller, "mine")
    assert (await health(caller)).status == "healthy"
    assert await gated(caller, provider) is None


async def test_an_operator_overrules_a_check(caller: Visitor, endpoint: Endpoint) -> None:
    provider = await planned(caller, endpoint, options={"health": {"failed_checks": 1}})
    endpoint.status = 500
    await checked(caller, "mine")
    assert await gated(caller, provider) == "check_failed"
    assert (await caller.post("/api/v1/circuit-breakers/health.mine/reset")).status_code == 204
    assert await gated(caller, provider) is None


async def test_what_real_calls_say_comes_before_a_check(caller: Visitor, endpoint: Endpoint) -> None:
    await caller.succeed((await caller.submit()).id)
    provider = await planned(caller, endpoint, options={"health": {"failed_checks": 1}})
    endpoint.status = 500
    await caller.change("UPDATE calls SET provider_id = :id WHERE tenant_id = :tenant", id=provider)
    await checked(caller, "mine")
    assert (await health(caller)).status == "degraded"
    assert await gated(caller, provider) is None


async def test_a_provider_that_is_not_to_be_asked_is_left_alone(caller: Visitor, endpoint: Endpoint) -> None:
    provider = await planned(caller, endpoint, options={"health": {"check": False}})
    count = "SELECT count(*) FROM chores WHERE subject_id = :id AND status = 'queued'"
    assert await caller.value(count, id=provider) == 0
    await sent(caller, "PATCH", "/mine", {"options": {}})
    await monitor(caller.parts)
    assert await caller.value(count, id=provider) == 1
    await sent(caller, "POST", "/mine/pause")
    assert await checked(caller, "mine")
    assert await caller.value(count, id=provider) == 0
    assert endpoint.received == []


async def test_without_the_setting_nothing_is_checked(caller: Visitor, endpoint: Endpoint) -> None:
    off = replace(caller.parts, config=caller.parts.config.model_copy(update={"health_check_seconds": 0}))
    provider = await planned(caller, endpoint)
    assert await monitor(off) == 0
    assert await checked(caller, "mine", off)
    assert endpoint.received == []
    query = "SELECT status FROM chores WHERE subject_id = :id"
    assert await caller.value(query, id=provider) == "done"


@pytest.mark.parametrize(
    ("reachable", "status", "there"),
    [(False, None, False), (True, 200, True), (True, 401, True), (True, 404, True), (True, 503, False)],
)
def test_a_server_that_refuses_is_there(reachable: bool, status: int | None, there: bool) -> None:
    found = Probe(
        ok=False, reachable=reachable, credential=CredentialVerdict.NONE, latency_ms=1.0, http_status=status,
        models=[], model_listed=None, message="",
    )  # fmt: skip
    assert _is_there(found) is there


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"health": {"degraded_error_rate": 0.6}}, "options.health"),
        ({"health": {"down_error_rate": 2}}, "options.health.down_error_rate"),
        ({"retry": {"failures": 0}}, "options.retry.failures"),
        ({"retry": {"base_seconds": 50, "cap_seconds": 10}}, "options.retry"),
        ({"timeouts": {"total_seconds": 0}}, "options.timeouts.total_seconds"),
        ({"timeouts": {"whole": 5}}, "options.timeouts.whole"),
    ],
)
async def test_manners_that_can_not_be_are_refused_by_field(
    caller: Visitor, options: dict[str, object], field: str
) -> None:
    given = {"base_url": "https://api.example.org/v1", "model": "m", "options": options}
    assert refusal(await sent(caller, "POST", "", given)) == (422, field)
