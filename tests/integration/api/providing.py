"""What tests of a tenant's providers ask: requests to their doors, and a look at what is kept."""

from typing import Any

import httpx

from orchestrator.store import views
from schemas.api import Problem
from schemas.configured import CheckView, ProviderMade, ProviderView
from schemas.providers import Provider
from tests.integration.api.endpoint import KEY
from tests.integration.api.visitor import Visitor

PROVIDERS = "/api/v1/providers"
PLAIN: dict[str, Any] = {"base_url": "https://api.example.org/v1", "credential": KEY, "model": "m"}


async def sent(caller: Visitor, method: str, path: str, json: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {caller.key}"}
    return await caller.http.request(method, f"{PROVIDERS}{path}", json=json, headers=headers)


async def made(caller: Visitor, **fields: Any) -> ProviderView:
    response = await sent(caller, "POST", "", PLAIN | fields)
    assert response.status_code == 201, response.text
    return ProviderMade.model_validate_json(response.content)


async def shown(caller: Visitor, name: str) -> ProviderView:
    return ProviderView.model_validate_json((await sent(caller, "GET", f"/{name}")).content)


async def kept(caller: Visitor, name: str) -> Provider:
    views.forget_providers(caller.tenant_id)
    found = await views.providers(caller.parts.db, caller.tenant_id)
    return next(provider for provider, _, _ in found if provider.name == name)


def refusal(response: httpx.Response) -> tuple[int, str]:
    problem = Problem.model_validate_json(response.content)
    return response.status_code, problem.errors[0].field


async def tried(caller: Visitor, path: str, body: Any = None) -> Any:
    response = await sent(caller, "POST", path, body)
    assert response.status_code == 200, response.text
    return CheckView.model_validate_json(response.content).result
