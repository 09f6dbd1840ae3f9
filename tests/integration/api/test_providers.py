"""The doors of a tenant's providers: made, shown, changed, tried, removed; and no credential comes out."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from orchestrator.api.app import create_app
from orchestrator.config import Config
from orchestrator.flow.configure import configure
from orchestrator.flow.divert import divert
from orchestrator.flow.shares import Lane
from orchestrator.flow.watch import Watch
from orchestrator.limits import gates
from orchestrator.limits.breakers import Breakers
from orchestrator.limits.credentials import opened
from orchestrator.secrets import KeyRing
from orchestrator.store import views
from orchestrator.wiring import Parts
from schemas.api import Problem
from schemas.configured import CheckView, ProviderHealth, ProviderUsage, ProviderView
from schemas.errors import Category, CredentialMissing, Failure
from schemas.providers import Provider
from tests.integration.api.endpoint import KEY, Endpoint, answering, examining
from tests.integration.api.visitor import BODY, Visitor, setting
from tests.integration.conftest import Servers

PROVIDERS = "/api/v1/providers"
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


async def sent(caller: Visitor, method: str, path: str, json: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {caller.key}"}
    return await caller.http.request(method, f"{PROVIDERS}{path}", json=json, headers=headers)


async def made(caller: Visitor, **fields: Any) -> ProviderView:
    given = {"base_url": "https://api.example.org/v1", "credential": KEY, "model": "m"} | fields
    response = await sent(caller, "POST", "", given)
    assert response.status_code == 201, response.text
    return ProviderView.model_validate_json(response.content)


async def shown(caller: Visitor, name: str) -> ProviderView:
    return ProviderView.model_validate_json((await sent(caller, "GET", f"/{name}")).content)


async def kept(caller: Visitor, name: str) -> Provider:
    views.forget_providers(caller.tenant_id)
    found = await views.providers(caller.parts.db, caller.tenant_id)
    return next(provider for provider, _, _ in found if provider.name == name)


def refusal(response: httpx.Response) -> tuple[int, str]:
    problem = Problem.model_validate_json(response.content)
    return response.status_code, problem.errors[0].field


async def test_an_address_and_a_token_are_enough(caller: Visitor, endpoint: Endpoint) -> None:
    response = await sent(caller, "POST", "", {"base_url": endpoint.base_url, "credential": KEY})
    provider = ProviderView.model_validate_json(response.content)
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
    await made(caller, name="mine")
    assert (await shown(caller, "sim")).paused
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


async def test_a_test_tells_of_connection_credential_and_model(caller: Visitor, endpoint: Endpoint) -> None:
    await made(caller, name="mine", base_url=endpoint.base_url, model="big-chat")
    found = await tried(caller, "/mine/test")
    assert (found.ok, found.credential, found.model_listed) == (True, "accepted", True)
    assert found.latency_ms is not None
    assert found.latency_ms > 0
    bad = await tried(caller, "/mine/test", {"credential": "sk-wrong"})
    assert (bad.ok, bad.reachable, bad.credential, bad.http_status) == (False, True, "refused", 401)
    missing = await tried(caller, "/mine/test", {"model": "gone"})
    assert (missing.ok, missing.model_listed) == (False, False)
    endpoint.key = None
    assert (await tried(caller, "/mine/test")).credential == "unproven"
    models = (await sent(caller, "GET", "/mine/models")).json()
    assert [each["id"] for each in models["data"]] == ["big-chat", "text-embedding-3", "tiny-chat"]
    endpoint.models = ["new-chat"]
    fresh = (await sent(caller, "GET", "/mine/models?live=true")).json()
    assert [(each["id"], each["listed"]) for each in fresh["data"]] == [
        ("big-chat", False),
        ("new-chat", True),
    ]


async def tried(caller: Visitor, path: str, body: Any = None) -> Any:
    response = await sent(caller, "POST", path, body)
    assert response.status_code == 200, response.text
    return CheckView.model_validate_json(response.content).result


async def test_a_credential_is_tried_without_being_kept(caller: Visitor, endpoint: Endpoint) -> None:
    found = await tried(caller, "/new-one/test", {"base_url": endpoint.base_url, "credential": KEY})
    assert (found.ok, found.credential) == (True, "accepted")
    assert await caller.value("SELECT count(*) FROM credentials WHERE tenant_id = :tenant") == 0
    assert (await sent(caller, "GET", "/new-one")).status_code == 404


async def test_a_redirect_is_not_followed(caller: Visitor, endpoint: Endpoint) -> None:
    await made(caller, name="mine", base_url=endpoint.base_url)
    async with answering() as elsewhere:
        endpoint.location = f"{elsewhere.base_url}/models"
        found = await tried(caller, "/mine/test")
        assert (found.ok, found.http_status) == (False, 307)
        assert elsewhere.received == []


async def test_a_test_that_nobody_does_is_pending_and_can_be_asked_for_later(caller: Visitor) -> None:
    await made(caller, name="mine")
    response = await caller.post(f"{PROVIDERS}/mine/test", prefer="wait=0")
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    later = await caller.get(response.headers["location"])
    assert later.json() == response.json()


async def test_a_stranger_can_not_read_a_check(caller: Visitor, stranger: Visitor) -> None:
    await made(caller, name="mine")
    response = await caller.post(f"{PROVIDERS}/mine/test", prefer="wait=0")
    assert (await stranger.get(response.headers["location"])).status_code == 404


async def test_custom_headers_go_along_and_never_in_place_of_the_key(
    caller: Visitor, endpoint: Endpoint
) -> None:
    options = {"organization": "org-1", "custom_headers": {"X-Team": "a"}}
    await made(caller, name="mine", base_url=endpoint.base_url, options=options)
    await tried(caller, "/mine/test")
    assert endpoint.received[0]["x-team"] == "a"
    assert endpoint.received[0]["openai-organization"] == "org-1"
    assert endpoint.received[0]["authorization"] == f"Bearer {KEY}"


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


async def test_usage_and_health_come_from_real_calls(caller: Visitor) -> None:
    await caller.succeed((await caller.submit()).id)
    used = ProviderUsage.model_validate_json((await sent(caller, "GET", "/sim/usage")).content)
    assert (used.calls, used.input_tokens, used.output_tokens, used.cost_usd) == (1, 100, 20, "0.001234567")
    assert [(each.model, each.calls) for each in used.by_model] == [("model-1", 1)]
    none = await sent(caller, "GET", "/sim/usage?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z")
    assert none.json()["calls"] == 0
    assert refusal(await sent(caller, "GET", "/sim/usage?from=2020-01-01T00:00:00Z")) == (422, "from")
    health = ProviderHealth.model_validate_json((await sent(caller, "GET", "/sim/health")).content)
    assert (health.status, health.calls, health.error_rate) == ("healthy", 1, 0.0)
    refused = Failure(category=Category.UNAUTHORIZED, message="no", http_status=401)
    await gates.close_after(caller.parts.db, (await kept(caller, "sim")).id, refused)
    health = ProviderHealth.model_validate_json((await sent(caller, "GET", "/sim/health")).content)
    assert (health.status, health.reasons) == ("down", ["credential open: misconfigured"])


async def test_a_template_is_filled_in(caller: Visitor) -> None:
    listed = (await caller.get("/api/v1/provider-templates")).json()["data"]
    assert {each["name"] for each in listed} >= {
        "openai",
        "anthropic",
        "google",
        "azure",
        "ollama",
        "compatible",
    }
    path = "/api/v1/provider-templates/openai/create"
    response = await caller.post(path, json={"name": "gpt", "variables": {"API_KEY": KEY}})
    provider = ProviderView.model_validate_json(response.content)
    assert (provider.vendor, provider.base_url) == ("openai", "https://api.openai.com/v1")
    assert (provider.name, provider.credential.kind) == ("gpt", "sealed")
    azure = "/api/v1/provider-templates/azure/create"
    assert refusal(await caller.post(azure, json={"variables": {"API_KEY": "k"}})) == (
        422,
        "variables.RESOURCE",
    )
    unknown = await caller.post(path, json={"variables": {"API_KEY": "k", "COLOUR": "red"}})
    assert refusal(unknown) == (422, "variables.COLOUR")


async def test_a_template_of_ones_own_is_kept_without_its_secrets(caller: Visitor, stranger: Visitor) -> None:
    template = {
        "name": "team",
        "variables": {"TEAM": {"description": "which"}, "API_KEY": {"description": "key", "secret": True}},
        "provider": {
            "base_url": "https://{{TEAM}}.example.org/v1", "model": "m", "credential": "{{API_KEY}}",
        },
    }  # fmt: skip
    assert (await caller.post("/api/v1/provider-templates", json=template)).status_code == 201
    path = "/api/v1/provider-templates/team/create"
    response = await caller.post(path, json={"variables": {"TEAM": "red", "API_KEY": KEY}})
    assert response.json()["base_url"] == "https://red.example.org/v1"
    assert (await stranger.post(path, json={"variables": {}})).status_code == 404
    literal = template | {"provider": template["provider"] | {"credential": KEY}}  # type: ignore[operator]
    response = await caller.post("/api/v1/provider-templates", json=literal)
    assert response.status_code == 422
    assert KEY not in response.text


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


async def test_no_credential_comes_out_anywhere(
    caller: Visitor, endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "sk-canary-7c1e88"
    endpoint.key = secret
    seen = []
    for method, path, body in (
        ("POST", "", {"name": "mine", "base_url": endpoint.base_url, "credential": secret}),
        ("POST", "", {"name": "mine", "base_url": endpoint.base_url, "credential": secret, "model": 1}),
        ("PATCH", "/mine", {"credential": secret, "position": 99999}),
        ("PATCH", "/mine", {"credential": secret}),
        ("PUT", "/mine", {"base_url": endpoint.base_url, "credential": secret, "nope": 1}),
        ("POST", "/mine/test", {"credential": secret}),
        ("POST", "/mine/test", None),
        ("GET", "/mine", None),
        ("GET", "", None),
        ("GET", "/mine/models?live=true", None),
        ("GET", "/mine/health", None),
        ("GET", "/mine/usage", None),
        ("DELETE", "/mine", None),
    ):
        seen.append((await sent(caller, method, path, body)).text)
    seen.append((await caller.get("/metrics")).text)
    seen += [*capfd.readouterr()]
    for table in ("credentials", "providers", "provider_checks", "chores", "events", "provider_templates"):
        rows = await caller.parts.db.run(text(f"SELECT CAST(t.* AS text) AS row FROM {table} AS t"))
        seen += [row.row for row in rows]
    assert any(secret in str(headers) for headers in endpoint.received)
    assert not [told for told in seen if secret in told]


async def test_a_tenant_of_an_untrusting_operator_gets_no_private_address(
    parts: Parts, watcher: Watch, breakers: Breakers, caller: Visitor
) -> None:
    strict = replace(parts, config=parts.config.model_copy(update={"allow_private_providers": False}))
    transport = httpx.ASGITransport(app=create_app(strict, watcher, breakers))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        visitor = Visitor(strict, client, caller.tenant_id, caller.key)
        for url in (
            "http://127.0.0.1:9/v1", "https://127.0.0.1/v1", "https://localhost/v1", "https://10.0.0.1/v1",
            "https://[::1]/v1", "https://2130706433/v1", "https://0x7f000001/v1", "https://127.1/v1",
            "https://metadata.google.internal/v1", "https://[::ffff:10.0.0.1]/v1", "http://api.example.org/v1",
        ):  # fmt: skip
            response = await sent(visitor, "POST", "", {"base_url": url, "model": "m"})
            assert refusal(response) == (422, "base_url"), url


async def test_without_a_master_key_no_credential_is_taken(
    parts: Parts, watcher: Watch, breakers: Breakers, caller: Visitor, tmp_path: Any
) -> None:
    config = parts.config.model_copy(update={"master_key": None, "data_dir": tmp_path})
    bare = replace(parts, config=config, keys=KeyRing(config))
    transport = httpx.ASGITransport(app=create_app(bare, watcher, breakers))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        visitor = Visitor(bare, client, caller.tenant_id, caller.key)
        given = {"base_url": "https://api.example.org/v1", "model": "m"}
        response = await sent(visitor, "POST", "", given | {"credential": KEY})
        assert (response.status_code, response.json()["code"]) == (503, "master_key_missing")
        assert "ORCHESTRATOR_MASTER_KEY" in response.json()["detail"]
        assert (await sent(visitor, "POST", "", given)).status_code == 201
