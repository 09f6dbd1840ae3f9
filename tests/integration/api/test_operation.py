"""Probes, figures, the reference; and what every answer carries."""

import os
import signal
from uuid import UUID

import httpx
import pytest

from orchestrator import clock
from orchestrator.flow.watch import Watch
from orchestrator.store import migrate, views
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.api import Live, Problem, Ready, Version
from tests.integration.api.visitor import BODY, TASKS, Visitor


async def test_a_living_process_says_so(http: httpx.AsyncClient) -> None:
    assert Live.model_validate_json((await http.get("/livez")).content).status == "ok"


async def test_a_ready_process_says_so_and_in_detail_why(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).json() == {"status": "ok"}
    ready = Ready.model_validate_json((await http.get("/readyz?verbose")).content)
    assert [check.name for check in ready.checks or ()] == ["database", "schema", "broker"]
    assert {check.status for check in ready.checks or ()} == {"ok"}


async def test_a_database_behind_this_release_is_not_ready(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "expected_revision", lambda: "9999")
    response = await http.get("/readyz?verbose")
    assert response.status_code == 503
    assert "orchestrator db migrate" in response.text


BACKENDS = text(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'orchestrator-test'"
    " AND datname = current_database()"
)


async def test_a_database_that_hangs_is_not_ready_within_the_patience_of_a_probe(
    http: httpx.AsyncClient, parts: Parts
) -> None:
    backends = [row.pid for row in await parts.db.run(BACKENDS)]
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = clock.monotonic()
        response = await http.get("/readyz?verbose")
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
    assert response.status_code == 503
    assert "does not answer" in response.text
    assert clock.monotonic() - began < 3


def test_the_expected_revision_is_the_newest_migration() -> None:
    assert views.expected_revision() == migrate.head()


async def test_the_version_is_told(http: httpx.AsyncClient) -> None:
    assert Version.model_validate_json((await http.get("/version")).content).name == "orchestrator"


async def test_figures_tell_depth_age_and_requests_by_route(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.get(task.links.status)
    figures = (await caller.get("/metrics")).text
    assert 'orchestrator_queue_depth{queue="provider.openai",state="ready"}' in figures
    assert "orchestrator_oldest_queued_age_seconds{" in figures
    assert "orchestrator_workers_live 0" in figures
    assert "orchestrator_slots 0" in figures
    assert 'route="/api/v1/tasks/{task_id}/status"' in figures
    assert str(task.id) not in figures


async def test_figures_tell_leases_and_the_window(caller: Visitor, parts: Parts) -> None:
    running, nudged = await caller.submit(), await caller.submit()
    await caller.start(running.id)
    await caller.change("UPDATE tasks SET nudged_at = clock_timestamp() WHERE id = :id", id=nudged.id)
    levels = await views.levels(parts.db, 45)
    assert levels.leases["provider.openai"] >= 1
    assert levels.depth["provider.openai", "nudged"] >= 1


@pytest.mark.parametrize("path", ["/livez", TASKS, "/nowhere", "/docs"])
async def test_every_answer_has_a_request_id_and_safe_headers(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert UUID(response.headers["x-request-id"]).version == 7
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_a_sane_request_id_is_kept_and_a_strange_one_replaced(http: httpx.AsyncClient) -> None:
    kept = await http.get("/nowhere", headers={"X-Request-Id": "build-17.3"})
    assert kept.headers["x-request-id"] == kept.json()["request_id"] == "build-17.3"
    replaced = await http.get("/livez", headers={"X-Request-Id": "a b<script>"})
    assert UUID(replaced.headers["x-request-id"]).version == 7


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("GET", "/api/v1/tasks/", 404, "not_found"),
        ("DELETE", "/api/v1/tasks", 405, "method_not_allowed"),
        ("PUT", "/livez", 405, "method_not_allowed"),
    ],
)
async def test_an_address_that_is_not_there_is_a_problem_too(
    caller: Visitor, method: str, path: str, status: int, code: str
) -> None:
    response = await caller.http.request(method, path, headers={"Authorization": f"Bearer {caller.key}"})
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code, problem.instance) == (status, code, path)
    assert status != 405 or response.headers["allow"]


async def test_a_fault_is_a_problem_that_tells_nothing(
    caller: Visitor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("an inner detail")

    monkeypatch.setattr(views, "stats", broken)
    response = await caller.get(f"{TASKS}/stats")
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (500, "internal_error")
    assert "inner detail" not in response.text
    printed = capfd.readouterr()
    assert "an inner detail" in printed.err + printed.out


async def test_a_key_without_the_scope_may_not(caller: Visitor, watcher: Watch) -> None:
    await caller.change("UPDATE api_keys SET scopes = '{tasks:read}' WHERE tenant_id = :tenant")
    refused = await caller.post(json=BODY)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await caller.get("")).status_code == 200
    assert not watcher.stopped


async def test_the_reference_is_served_without_a_foreign_asset(http: httpx.AsyncClient) -> None:
    root = await http.get("/")
    assert (root.status_code, root.headers["location"]) == (307, "/docs")
    page = await http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "/api/v1/tasks/{task_id}/result" in page.text
    document = await http.get("/openapi.json")
    assert document.json()["openapi"].startswith("3.1")
