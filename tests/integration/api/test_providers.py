"""The doors of a tenant's providers: made, shown, changed, tried, removed; and no credential comes out."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.config import Config
from orchestrator.flow.configure import configure
from orchestrator.flow.divert import divert
from orchestrator.flow.shares import Lane
from orchestrator.limits import gates
from orchestrator.limits.credentials import opened
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.configured import ProviderMade, ProviderView
from schemas.errors import Category, CredentialMissing, Failure
from tests.integration.api.endpoint import KEY, Endpoint, answering, examining
from tests.integration.api.providing import PLAIN, kept, made, refusal, sent, shown
from tests.integration.api.visitor import BODY, Visitor, setting
from tests.integration.conftest import Servers

MASTER = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str) -> Config:
    """An installation with a master key, whose operator trusts his tenants with private addresses."""
    return Config.model_validate(
        {
            "database_url": database_url,
            "broker_url": servers.broker_url,
            "master_key": MASTER,
            "allow_private_providers": True,
        }
    )


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint(parts: Parts) -> AsyncIterator[Endpoint]:
    """An endpoint, and somebody who does the checks."""
    async with answering() as endpoint, examining(parts):
        yield endpoint


async def test_an_address_and_a_token_are_enough(caller: Visitor, endpoint: Endpoint) -> None:
    response = await sent(caller, "POST", "", {"base_url": endpoint.base_url, "credential": KEY})
    provider = ProviderMade.model_validate_json(response.content)
    assert (provider.name, provider.vendor, provider.wire) == ("127-0-0-1", "custom", "openai_chat")
    assert (provider.model, provider.credential.kind) == ("tiny-chat", "sealed")
    assert provider.credential.host == endpoint.origin
    assert await opened(caller.parts, caller.tenant_id, await kept(caller, provider.name)) == KEY
    second = await sent(caller, "POST", "", {"base_url": endpoint.base_url, "credential": KEY})
    assert second.json()["name"] == "127-0-0-1-2"


async def test_a_model_that_nobody_names_nor_lists_is_asked_for_by_its_field(
    caller: Visitor, endpoint: Endpoint
) -> None:
    endpoint.models = ["text-embedding-3"]
    response = await sent(caller, "POST", "", {"base_url": endpoint.base_url, "credential": KEY})
    assert refusal(response) == (422, "model")
    response = await sent(caller, "POST", "", {"base_url": endpoint.base_url, "credential": "sk-wrong"})
    assert refusal(response) == (422, "model")
    assert "refused the credential" in response.json()["detail"]


async def test_the_first_real_provider_takes_over_from_the_simulator(caller: Visitor) -> None:
    first = await sent(caller, "POST", "", PLAIN | {"name": "mine"})
    assert first.json()["took_over_from"] == ["sim"]
    assert (await shown(caller, "sim")).paused
    second = await sent(caller, "POST", "", PLAIN | {"name": "other"})
    assert second.json()["took_over_from"] == []
    task = await caller.submit()
    assert task.provider == "mine"


async def test_another_real_provider_pauses_nobody_and_stands_behind(caller: Visitor) -> None:
    await made(caller, name="one")
    await sent(caller, "POST", "/sim/resume")
    await made(caller, name="two")
    page = (await sent(caller, "GET", "")).json()["data"]
    assert [each["name"] for each in page if not each["paused"]] == ["one", "two", "sim"]


async def test_a_name_is_taken_once(caller: Visitor, stranger: Visitor) -> None:
    await made(caller, name="mine")
    response = await sent(caller, "POST", "", {"name": "mine", "base_url": "https://x.org", "model": "m"})
    assert (response.status_code, response.json()["code"]) == (409, "provider_exists")
    await made(stranger, name="mine")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"base_url": "ftp://x.org"}, "base_url"),
        ({"base_url": "https://user:word@x.org"}, "base_url"),
        ({"base_url": "https://x.org/v1?key=1"}, "base_url"),
        ({"base_url": "https://169.254.169.254/v1"}, "base_url"),
        ({"base_url": "https://[fe80::1]/v1"}, "base_url"),
        ({"base_url": "https://[::ffff:169.254.169.254]/v1"}, "base_url"),
        ({"name": "No Good"}, "name"),
        ({"vendor": "nobody"}, "vendor"),
        ({"wire": "smoke"}, "wire"),
        ({"model": "two words"}, "model"),
        ({"credential": "sk-a b"}, "credential"),
        ({"credential": "sk-\n"}, "credential"),
        ({"credential": ""}, "credential"),
        ({"api_key": "sk"}, "api_key"),
        ({"simulated": True}, "simulated"),
        ({"concurrency_limit": 0}, "concurrency_limit"),
        (
            {"options": {"custom_headers": {"Authorization": "x"}}},
            "options.custom_headers.Authorization.[key]",
        ),
        ({"options": {"custom_headers": {"hOsT": "x"}}}, "options.custom_headers.hOsT.[key]"),
        ({"options": {"custom_headers": {"X": "a\r\nb"}}}, "options.custom_headers.X"),
        ({"options": {"monthly_fee_usd": "-1"}}, "options.monthly_fee_usd"),
        ({"options": {"monthly_fee_usd": "0.0"}}, "options.monthly_fee_usd"),
        ({"options": {"monthly_fee_usd": "1000001"}}, "options.monthly_fee_usd"),
        ({"options": {"monthly_fee_usd": "\u0663"}}, "options.monthly_fee_usd"),
        ({"options": {"anthropic_version": "2023-06-0\u0661"}}, "options.anthropic_version"),
        ({"options": {"circuit": {"minimum_calls": 0}}}, "options.circuit.minimum_calls"),
        ({"options": {"circuit": {"failure_ratio": 2}}}, "options.circuit.failure_ratio"),
        ({"options": {"circuit": {"open_seconds": 9, "open_most_seconds": 8}}}, "options.circuit"),
        ({"options": {"timeouts": {"connect_seconds": 0}}}, "options.timeouts.connect_seconds"),
        ({"options": {"anthropic_version": "2023"}}, "options.anthropic_version"),
        ({"vendor": "openai", "options": {"api_version": "2024-10-21"}}, "options.api_version"),
    ],
)
async def test_bad_configuration_is_refused_by_its_field(
    caller: Visitor, fields: dict[str, Any], field: str
) -> None:
    given = {"base_url": "https://api.example.org/v1", "model": "m"} | fields
    response = await sent(caller, "POST", "", given)
    assert refusal(response) == (422, field)
    assert "sk-a b" not in response.text


async def test_a_credential_stays_with_the_host_it_was_given_for(caller: Visitor) -> None:
    await made(caller, name="mine")
    for elsewhere in (
        "https://evil.example/v1",
        "https://api.example.org:8443/v1",
        "http://api.example.org/v1",
        "https://api.example.org.evil.example/v1",
    ):
        response = await sent(caller, "PATCH", "/mine", {"base_url": elsewhere})
        assert refusal(response) == (422, "credential")
    same = await sent(caller, "PATCH", "/mine", {"base_url": "https://API.example.org:443/v2"})
    assert same.status_code == 200
    assert await opened(caller.parts, caller.tenant_id, await kept(caller, "mine")) == KEY
    again = {"base_url": "https://other.example/v1", "credential": "sk-other"}
    response = await sent(caller, "PATCH", "/mine", again)
    assert response.json()["credential"]["host"] == "https://other.example:443"
    assert await opened(caller.parts, caller.tenant_id, await kept(caller, "mine")) == "sk-other"
    away = {"base_url": "https://third.example/v1", "credential": None}
    assert (await sent(caller, "PATCH", "/mine", away)).json()["credential"]["kind"] == "none"
    assert await caller.value("SELECT count(*) FROM credentials WHERE tenant_id = :tenant") == 0


async def test_the_operators_own_credential_is_not_taken_along_either(caller: Visitor) -> None:
    await made(caller, name="other", credential=None)
    response = await sent(caller, "PATCH", "/sim", {"base_url": "https://evil.example/v1"})
    assert refusal(response) == (422, "base_url")
    await caller.change("UPDATE providers SET simulated = false WHERE tenant_id = :tenant AND name = 'sim'")
    response = await sent(caller, "PATCH", "/sim", {"base_url": "https://evil.example/v1"})
    assert refusal(response) == (422, "credential")
    response = await sent(caller, "POST", "/sim/test", {"base_url": "https://evil.example/v1"})
    assert refusal(response) == (422, "credential")


async def test_a_row_that_was_moved_to_another_host_does_not_open(caller: Visitor, stranger: Visitor) -> None:
    await made(caller, name="mine")
    await made(stranger, name="mine", credential="sk-theirs")
    provider = await kept(caller, "mine")
    moved = provider.model_copy(update={"base_url": "https://evil.example/v1"})
    with pytest.raises(CredentialMissing, match=r"is not sent to https://evil\.example:443"):
        await opened(caller.parts, caller.tenant_id, moved)
    with pytest.raises(CredentialMissing):
        await opened(caller.parts, stranger.tenant_id, provider)
    with pytest.raises(CredentialMissing):
        await opened(caller.parts, caller.tenant_id, provider.model_copy(update={"name": "yours"}))


async def test_the_same_secret_is_the_same_account_and_another_is_not(caller: Visitor) -> None:
    for name, secret in (("one", KEY), ("two", KEY), ("three", "sk-other")):
        await made(caller, name=name, credential=secret)
    query = text("SELECT name, account FROM providers WHERE tenant_id = :tenant")
    accounts = {row.name: row.account for row in await caller.parts.db.run(query, tenant=caller.tenant_id)}
    assert accounts["one"] == accounts["two"] != accounts["three"]


async def test_a_new_credential_opens_the_gate_that_the_old_one_closed(caller: Visitor) -> None:
    await made(caller, name="mine")
    old = await kept(caller, "mine")
    refused = Failure(category=Category.UNAUTHORIZED, message="no", http_status=401)
    await gates.close_after(caller.parts.db, old.id, refused, old.credential)
    assert old.id in await gates.closed(caller.parts.db)
    await sent(caller, "PATCH", "/mine", {"credential": KEY})
    assert old.id not in await gates.closed(caller.parts.db)
    await sent(caller, "PATCH", "/mine", {"credential": "sk-new"})
    assert await gates.close_after(caller.parts.db, old.id, refused, old.credential) is None


async def test_put_makes_a_provider_and_sets_all_of_it_anew(caller: Visitor) -> None:
    given = {
        "base_url": "https://api.example.org/v1", "credential": KEY, "model": "m", "concurrency_limit": 3,
        "options": {"custom_headers": {"X-Team": "a"}},
    }  # fmt: skip
    assert (await sent(caller, "PUT", "/mine", given)).status_code == 201
    response = await sent(caller, "PUT", "/mine", {"base_url": "https://api.example.org/v1", "model": "n"})
    provider = ProviderView.model_validate_json(response.content)
    assert (response.status_code, provider.model, provider.concurrency_limit) == (200, "n", None)
    assert provider.options.custom_headers == {}
    assert provider.credential.kind == "sealed"
    other = await sent(caller, "PUT", "/mine", {"name": "yours", "base_url": "https://api.example.org/v1"})
    assert refusal(other) == (422, "name")


async def test_another_tenants_provider_is_not_there(caller: Visitor, stranger: Visitor) -> None:
    await made(caller, name="mine")
    for method, path, body in (
        ("GET", "/mine", None), ("PATCH", "/mine", {"model": "x"}), ("DELETE", "/mine", None),
        ("POST", "/mine/pause", None), ("POST", "/mine/resume", None), ("POST", "/mine/test", None),
        ("GET", "/mine/models", None), ("GET", "/mine/usage", None), ("GET", "/mine/health", None),
    ):  # fmt: skip
        assert (await sent(stranger, method, path, body)).status_code == 404, path
    assert (await shown(caller, "mine")).model == "m"


async def test_what_the_simulator_owns_can_not_be_changed(caller: Visitor) -> None:
    assert refusal(await sent(caller, "PATCH", "/sim", {"model": "x"})) == (422, "model")
    assert (await sent(caller, "PATCH", "/sim", {"concurrency_limit": 2})).json()["managed"] is True


async def test_pause_and_resume_say_what_they_did(caller: Visitor) -> None:
    await made(caller, name="mine")
    assert (await sent(caller, "POST", "/mine/pause")).json()["paused"] is True
    response = await caller.post(json=BODY | {"preferences": {"providers": ["mine"]}})
    assert response.status_code == 422
    assert (await sent(caller, "POST", "/mine/resume")).json()["paused"] is False


async def test_tasks_of_a_removed_provider_go_on_or_end_with_the_reason(caller: Visitor) -> None:
    await made(caller, name="one")
    await made(caller, name="two")
    alone = await caller.submit(preferences={"providers": ["one"]})
    both = await caller.submit(preferences={"providers": ["one", "two"]})
    provider = await kept(caller, "one")
    assert (await sent(caller, "DELETE", "/one")).status_code == 204
    assert (await sent(caller, "GET", "/one")).status_code == 404
    lane = Lane("provider.custom", provider.id, caller.tenant_id)
    await divert(caller.parts, [lane], await gates.closed(caller.parts.db))
    ended = (await caller.get(alone.links.self)).json()
    assert (ended["status"], ended["error"]["code"]) == ("failed", "provider_removed")
    assert (await caller.get(both.links.self)).json()["provider"] == "two"
    assert await caller.value("SELECT count(*) FROM credentials WHERE tenant_id = :tenant") == 1
    assert (await made(caller, name="one")).name == "one"


async def test_a_provider_that_a_tenant_made_its_own_survives_the_next_start(caller: Visitor) -> None:
    name = await caller.value("SELECT name FROM tenants WHERE id = :tenant")
    real = setting("real", simulated=False)
    await configure(caller.parts, name, (real,))
    await sent(caller, "PATCH", "/real", {"model": "other"})
    await made(caller, name="mine")
    await configure(caller.parts, name, (setting("sim"),))
    assert not (await shown(caller, "mine")).paused
    await configure(caller.parts, name, (real,))
    assert (await shown(caller, "real")).model == "other"
