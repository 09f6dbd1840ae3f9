"""Two tenants, every route: what is not yours is not there; without a key there is nothing."""

import re
from typing import Any

import httpx
import pytest

from orchestrator.api.app import openapi_document
from schemas.api import Problem
from tests.integration.api.visitor import BODY, Visitor

ROUTES = sorted(
    (method, path)
    for path, methods in openapi_document()["paths"].items()
    for method in methods
    if path.startswith("/api/v1/")
)
OF_ONE_TASK = [(method, path) for method, path in ROUTES if "{task_id}" in path]
NOBODY = "00000000-0000-7000-8000-000000000000"


async def ask(caller: Visitor, method: str, path: str) -> httpx.Response:
    body: Any = BODY if method == "post" and path == "/api/v1/tasks" else None
    if path.endswith("/feedback"):
        body = {"rating": 1}
    return await (caller.get(path) if method == "get" else caller.post(path, json=body, Prefer="wait=1"))


@pytest.mark.parametrize(("method", "path"), OF_ONE_TASK)
async def test_another_tenants_task_is_not_there(
    caller: Visitor, stranger: Visitor, method: str, path: str
) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    before = (await caller.get(task.links.self)).json()
    response = await ask(stranger, method, path.format(task_id=task.id))
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert (await caller.get(task.links.self)).json() == before
    assert await stranger.stored() == 0


async def test_lists_and_counts_hold_ones_own_tasks_alone(caller: Visitor, stranger: Visitor) -> None:
    mine, theirs = await caller.submit(labels=["x"]), await stranger.submit(labels=["x"])
    for query in ("", "?label=x", f"?ids={mine.id},{theirs.id}", "?status=queued"):
        page = (await caller.get(f"/api/v1/tasks{query}")).json()
        assert [task["id"] for task in page["data"]] == [str(mine.id)]
    assert (await caller.get("/api/v1/tasks/stats")).json()["by_status"]["queued"] == 1


async def test_a_cursor_of_another_tenant_opens_nothing(caller: Visitor, stranger: Visitor) -> None:
    for _ in range(2):
        await stranger.submit()
    cursor = (await stranger.get("/api/v1/tasks?limit=1")).json()["next_cursor"]
    assert (await caller.get(f"/api/v1/tasks?cursor={cursor}")).json()["data"] == []


async def test_another_tenants_provider_is_not_a_choice(caller: Visitor, stranger: Visitor) -> None:
    await stranger.change("UPDATE providers SET name = 'theirs' WHERE tenant_id = :tenant")
    response = await caller.post(json=BODY | {"preferences": {"providers": ["theirs"]}})
    assert response.status_code == 422


@pytest.mark.parametrize("header", [None, "Basic eDp5", "Bearer", "Bearer orc_live_x", "Bearer " + "x" * 64])
async def test_without_a_key_there_is_nothing(http: httpx.AsyncClient, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for method, path in ROUTES:
        response = await http.request(method, re.sub(r"{\w+}", NOBODY, path), headers=headers)
        problem = Problem.model_validate_json(response.content)
        assert (response.status_code, problem.code) == (401, "unauthenticated"), (method, path)
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_no_route_returns_a_secret(caller: Visitor) -> None:
    secret = "whsec_" + "B" * 32
    webhook = {"webhook": {"url": "https://example.org/hook", "secret": secret}}
    task = await caller.submit(preferences=webhook)
    await caller.succeed(task.id)
    for method, path in ROUTES:
        address = path.format(
            task_id=task.id, kind="fix_bug", budget_id=NOBODY, check_id=NOBODY, gate_id="circuit.sim",
            name="fix_bug" if "/prompts/" in path else "sim", template="openai",
        )  # fmt: skip
        query = "?include=request,result" if path in ("/api/v1/tasks", "/api/v1/tasks/{task_id}") else ""
        response = await ask(caller, method, address + query)
        own = () if "provider" in path else ("base_url",)
        for hidden in (secret, "THE_SECRET_NAME", caller.key, *own):
            assert hidden not in response.text, (method, path)
