"""GitHub Copilot as a tenant's provider: what is refused, made and found by a test of it."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.config import Config
from orchestrator.wiring import Parts
from tests.integration.api.endpoint import examining
from tests.integration.api.providing import kept, made, refusal, sent, tried
from tests.integration.api.visitor import Visitor
from tests.integration.conftest import Servers
from tests.integration.workers.copilot.github import REPOSITORY, TOKEN, GitHubDouble
from tests.integration.workers.copilot.github import github as github_double

COPILOT = {"repository": REPOSITORY}


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str) -> Config:
    """An installation with a master key, whose operator trusts his tenants with private addresses."""
    return Config.model_validate(
        {
            "database_url": database_url,
            "broker_url": servers.broker_url,
            "master_key": base64.b64encode(bytes(range(32))).decode(),
            "allow_private_providers": True,
        }
    )


@pytest_asyncio.fixture(loop_scope="session")
async def github(parts: Parts) -> AsyncIterator[GitHubDouble]:
    """GitHub's double, and somebody who does the checks."""
    async with github_double() as double, examining(parts):
        yield double


def given(github: GitHubDouble, **fields: Any) -> dict[str, Any]:
    return {
        "name": "mine",
        "vendor": "copilot",
        "base_url": github.url,
        "credential": TOKEN,
        "options": {"copilot": COPILOT},
    } | fields


async def test_an_address_a_token_and_a_repository_are_enough(caller: Visitor, github: GitHubDouble) -> None:
    view = await made(caller, **given(github, model=None))
    assert (view.wire, view.model) == ("copilot", "auto")
    options = (await kept(caller, "mine")).options.copilot
    assert options is not None
    assert (options.repository, options.branch, options.workflow) == (
        REPOSITORY, "ai-automation", "copilot-generation.yml",
    )  # fmt: skip


async def test_the_template_makes_it(caller: Visitor) -> None:
    headers = {"Authorization": f"Bearer {caller.key}"}
    path = "/api/v1/provider-templates/copilot/create"
    body = {"name": "mine", "variables": {"REPOSITORY": REPOSITORY, "API_KEY": TOKEN}}
    response = await caller.http.post(path, json=body, headers=headers)
    assert response.status_code == 201, response.text
    provider = await kept(caller, "mine")
    assert (provider.vendor, provider.wire, provider.model) == ("copilot", "copilot", "auto")
    assert provider.base_url == "https://api.github.com"
    assert provider.options.copilot is not None
    assert provider.options.copilot.branch == "ai-automation"
    assert TOKEN not in response.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"options": {}}, "options.copilot"),
        ({"options": {"copilot": {"repository": "shop"}}}, "options.copilot.repository"),
        ({"options": {"copilot": COPILOT | {"branch": "../main"}}}, "options.copilot.branch"),
        ({"options": {"copilot": COPILOT | {"workflow": "a/b.yml"}}}, "options.copilot.workflow"),
        ({"options": {"copilot": COPILOT | {"way": "email"}}}, "options.copilot.way"),
        ({"wire": "openai_chat"}, "wire"),
        ({"vendor": "openai", "wire": "copilot"}, "options.copilot"),
        ({"vendor": "openai", "wire": "copilot", "options": {}}, "wire"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    caller: Visitor, github: GitHubDouble, fields: dict[str, Any], field: str
) -> None:
    response = await sent(caller, "POST", "", given(github, model="auto") | fields)
    assert refusal(response) == (422, field)


async def test_a_test_asks_for_the_workflow_and_starts_nothing(caller: Visitor, github: GitHubDouble) -> None:
    await made(caller, **given(github, model="auto"))
    found = await tried(caller, "/mine/test")
    assert (found.ok, found.credential, found.models) == (True, "accepted", ["auto"])
    assert github.asked("POST", "") == 0
    assert github.asked("GET", "/actions/workflows/copilot-generation.yml") == 1


async def test_a_test_says_what_is_wrong_at_github(caller: Visitor, github: GitHubDouble) -> None:
    await made(caller, **given(github, model="auto"))
    bad = await tried(caller, "/mine/test", {"credential": "ghp_wrong"})
    assert (bad.ok, bad.credential, bad.http_status) == (False, "refused", 401)
    github.refuse("/actions/workflows/", 404)
    hidden = await tried(caller, "/mine/test")
    assert (hidden.ok, hidden.reachable) == (False, True)
    assert "options.copilot.workflow" in hidden.message
    github.workflow_state = "disabled_manually"
    assert "disabled_manually" in (await tried(caller, "/mine/test")).message
    agents = {"options": {"copilot": COPILOT | {"way": "agent_task"}}}
    assert (await tried(caller, "/mine/test", agents)).ok


async def test_reviews_are_not_routed_to_it_and_an_estimate_tells_its_price(
    caller: Visitor, github: GitHubDouble
) -> None:
    await made(caller, **given(github, model="auto"))
    headers = {"Authorization": f"Bearer {caller.key}"}
    path = "/api/v1/tasks?validate_only=true"
    code = {
        "kind": "generate_code",
        "context": {"description": "Add."},
        "preferences": {"providers": ["mine"]},
    }
    flat = (await caller.http.post(path, json=code, headers=headers)).json()
    assert (flat["estimate"]["max_cost_usd"], flat["route"]["candidates"][0]["free"]) == ("0.00", True)
    billed = {"options": {"copilot": COPILOT | {"billing": "credits", "max_credits": 150}}}
    assert (await sent(caller, "PATCH", "/mine", billed)).status_code == 200
    dear = (await caller.http.post(path, json=code, headers=headers)).json()
    assert dear["estimate"] | {"max_cost_usd": "1.50", "likely_cost_usd": "1.50"} == dear["estimate"]
    assert dear["route"]["candidates"][0]["free"] is False
    for kind, context in (
        ("review_code", {"diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}),
        ("chat", {"prompt": "What is a lease?"}),
    ):
        asked = {"kind": kind, "context": context, "preferences": {"providers": ["mine"]}}
        response = await caller.http.post(path, json=asked, headers=headers)
        assert refusal(response) == (422, "kind"), response.text
