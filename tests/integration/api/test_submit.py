"""Submitting over HTTP: what 202 promises, idempotency, waiting, the dry run, servers that are away."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from orchestrator import clock
from orchestrator.api.app import create_app
from orchestrator.config import Config
from orchestrator.flow.watch import watch
from orchestrator.limits.breakers import Breakers
from orchestrator.store import views
from orchestrator.wiring import open_parts
from schemas.api import Problem, TaskView, Validated
from schemas.tasks import TaskStatus
from tests.integration.api.visitor import BODY, DIFF, TASKS, Visitor, until

NOWHERE = "postgresql://nobody:secret@127.0.0.1:9/none"
NO_BROKER = "redis://127.0.0.1:9/0"


async def test_a_stored_task_is_answered_whole_with_where_to_look_and_when(caller: Visitor) -> None:
    response = await caller.post(json=BODY | {"labels": ["b", "a", "b"], "metadata": {"pr": "12"}})
    task = TaskView.model_validate_json(response.content)
    assert response.status_code == 202
    assert response.headers["location"] == task.links.self == f"{TASKS}/{task.id}"
    assert response.headers["retry-after"] == "1"
    assert response.headers["etag"]
    assert (task.status, task.labels, task.metadata) == (TaskStatus.QUEUED, ["a", "b"], {"pr": "12"})
    assert (task.provider, task.simulated, task.cost.usd) == ("sim", True, "0.00")
    assert await caller.stored() == 1


async def test_what_submit_answers_is_what_get_answers(caller: Visitor) -> None:
    submitted = (
        await caller.post(json=BODY | {"priority": "high", "user_id": "u", "session_id": "s"})
    ).json()
    assert (await caller.get(f"/{submitted['id']}")).status_code == 404
    assert (await caller.get(f"{TASKS}/{submitted['id']}")).json() == submitted


@pytest.mark.parametrize(
    ("address", "context"),
    [
        ("generate-code", {"description": "add"}),
        ("fix-bug", {"description": "mend", "files": [{"path": "a.py", "content": "x"}]}),
        ("review-code", {"diff": DIFF}),
        ("implement-feature", {"description": "add"}),
        ("refactor", {"description": "split", "files": [{"path": "a.py", "content": "x"}]}),
        ("write-tests", {"files": [{"path": "a.py", "content": "x"}]}),
        ("document", {"files": [{"path": "a.py", "content": "x"}]}),
    ],
)
async def test_a_shortcut_needs_no_kind(caller: Visitor, address: str, context: dict[str, Any]) -> None:
    response = await caller.post(f"/{address}".replace("/", f"{TASKS}/", 1), json={"context": context})
    assert response.status_code == 202
    assert response.json()["kind"] == address.replace("-", "_")


async def test_a_task_for_later_is_scheduled_and_says_when(caller: Visitor) -> None:
    later = clock.now() + timedelta(hours=1)
    response = await caller.post(json=BODY | {"run_at": later.isoformat()})
    task = TaskView.model_validate_json(response.content)
    assert (task.status, task.next_attempt_at) == (TaskStatus.SCHEDULED, later)
    assert response.headers["retry-after"] == "300"


async def test_a_time_to_run_that_has_passed_means_now(caller: Visitor) -> None:
    task = await caller.submit(run_at="0001-01-01T00:00:00+14:00")
    assert task.status is TaskStatus.QUEUED
    assert task.run_at == task.created_at


async def test_the_same_key_and_body_bring_the_same_task_back(caller: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    first = await caller.post(json=BODY, **key)
    again = await caller.post(json=BODY, **key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await caller.stored() == 1


async def test_a_key_replays_even_when_the_request_would_not_be_accepted_today(caller: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    first = await caller.post(json=BODY, **key)
    await caller.change("UPDATE providers SET paused = true WHERE tenant_id = :tenant")
    views.forget_providers(caller.tenant_id)
    again = await caller.post(json=BODY, **key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert (await caller.post(json=BODY)).json()["code"] == "no_provider"


async def test_the_same_key_with_another_body_is_refused(caller: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    await caller.post(json=BODY, **key)
    response = await caller.post(json=BODY | {"priority": "high"}, **key)
    assert response.status_code == 422
    assert Problem.model_validate_json(response.content).code == "idempotency_key_reused"
    assert await caller.stored() == 1


async def test_twenty_at_once_with_one_key_make_one_task(caller: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    responses = await asyncio.gather(*(caller.post(json=BODY, **key) for _ in range(20)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1
    assert sum("idempotent-replayed" not in response.headers for response in responses) == 1
    assert await caller.stored() == 1


async def test_keys_of_two_tenants_do_not_meet(caller: Visitor, stranger: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    mine, theirs = await caller.post(json=BODY, **key), await stranger.post(json=BODY, **key)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_waiting_on_submit_answers_when_the_task_ends(caller: Visitor) -> None:
    waiting = asyncio.create_task(caller.post(f"{TASKS}?include=result", json=BODY, Prefer="wait=30"))
    await until(caller.stored)
    listed = (await caller.get("")).json()["data"]
    await caller.succeed(listed[0]["id"])
    response = await waiting
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=30"
    assert response.json()["status"] == "succeeded"
    assert response.json()["result"]["explanation"] == "done"


async def test_a_wait_that_runs_out_answers_as_things_stand(caller: Visitor) -> None:
    response = await caller.post(json=BODY, Prefer="respond-async, wait=0")
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert response.headers["preference-applied"] == "wait=0"


async def test_a_dry_run_says_where_it_would_go_and_stores_nothing(caller: Visitor) -> None:
    response = await caller.post(f"{TASKS}?validate_only=true", json=BODY)
    answer = Validated.model_validate_json(response.content)
    assert response.status_code == 200
    assert [candidate.provider for candidate in answer.candidates] == ["sim"]
    assert answer.estimate.input_tokens > 0
    assert float(answer.estimate.max_cost_usd) > 0
    assert await caller.stored() == 0


async def test_a_dry_run_finds_what_submit_would_refuse(caller: Visitor) -> None:
    body = BODY | {"preferences": {"providers": ["nobody"]}}
    response = await caller.post(f"{TASKS}?validate_only=true", json=body)
    assert response.status_code == 422
    assert Problem.model_validate_json(response.content).errors[0].field == "preferences.providers"


async def test_a_broker_that_is_away_does_not_matter(
    caller: Visitor, database_url: str, breakers: Breakers
) -> None:
    settings = Config(database_url=database_url, broker_url=NO_BROKER)
    async with open_parts(settings, "test") as parts, watch(parts) as watcher:
        transport = httpx.ASGITransport(app=create_app(parts, watcher, breakers))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
            visitor = Visitor(parts, http, caller.tenant_id, caller.key)
            response = await visitor.post(json=BODY)
            ready = await visitor.get("/readyz?verbose")
    assert response.status_code == 202
    assert await caller.stored() == 1
    assert ready.status_code == 200
    assert [check["status"] for check in ready.json()["checks"]] == ["ok", "ok", "failing"]


async def test_a_database_that_is_away_is_a_503_that_says_when_to_try_again(
    caller: Visitor, breakers: Breakers
) -> None:
    settings = Config(database_url=NOWHERE, broker_url=NO_BROKER)
    async with open_parts(settings, "test") as parts, watch(parts) as watcher:
        transport = httpx.ASGITransport(app=create_app(parts, watcher, breakers))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
            visitor = Visitor(parts, http, caller.tenant_id, caller.key)
            response = await visitor.post(json=BODY)
            ready, live = await visitor.get("/readyz"), await visitor.get("/livez")
            figures = await visitor.get("/metrics")
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code, problem.retryable) == (503, "store_unavailable", True)
    assert int(response.headers["retry-after"]) >= 1
    assert (ready.status_code, live.status_code) == (503, 200)
    assert "orchestrator_database_up 0" in figures.text
    assert "secret" not in response.text
