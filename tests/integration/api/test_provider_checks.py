"""The doors that look at providers, and what must never come out of any of them."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from orchestrator.api.app import create_app
from orchestrator.config import Config
from orchestrator.flow.watch import Watch
from orchestrator.limits import gates
from orchestrator.limits.breakers import Breakers
from orchestrator.secrets import KeyRing
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.configured import ProviderHealth, ProviderMade, ProviderUsage
from schemas.errors import Category, Failure
from tests.conformance.declared import OPENAI_CHAT
from tests.integration.api.endpoint import KEY, Endpoint, answering, examining
from tests.integration.api.providing import PROVIDERS, kept, made, refusal, sent, tried
from tests.integration.api.visitor import Visitor
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


async def test_what_is_declared_is_asked_where_it_says_and_refused_by_field(
    caller: Visitor, endpoint: Endpoint
) -> None:
    declared = OPENAI_CHAT.model_dump(mode="json", exclude_none=True)
    given = {"base_url": endpoint.base_url, "credential": KEY, "options": {"custom": declared}}
    provider = ProviderMade.model_validate_json((await sent(caller, "POST", "", given)).content)
    assert (provider.vendor, provider.wire, provider.model) == ("custom", "custom", "tiny-chat")
    assert provider.options.custom == OPENAI_CHAT
    assert (await tried(caller, f"/{provider.name}/test")).credential == "accepted"
    silent = declared | {"paths": {"completion": "/x"}}
    found = await tried(caller, f"/{provider.name}/test", {"options": {"custom": silent}})
    assert (found.ok, "names neither models nor health" in found.message) == (False, True)
    for body, field in (
        ({"options": {"custom": declared | {"body": {"ask": "{{prompt}}"}}}}, "options.custom.body"),
        ({"options": {"custom": declared}, "wire": "openai_chat"}, "options.custom"),
        ({"wire": "custom"}, "options.custom"),
    ):
        assert refusal(await sent(caller, "POST", "", given | {"options": {}, "model": "m"} | body)) == (
            422,
            field,
        )


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
    provider = ProviderMade.model_validate_json(response.content)
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
