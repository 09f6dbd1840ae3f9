"""Cancel and retry over HTTP."""

from datetime import timedelta
from uuid import uuid4

from orchestrator import clock
from schemas.api import Problem, TaskView
from schemas.tasks import TaskStatus
from tests.integration.api.visitor import BODY, TASKS, Visitor


async def test_a_queued_task_is_cancelled_at_once(caller: Visitor) -> None:
    task = await caller.submit()
    response = await caller.post(task.links.cancel)
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    assert (await caller.get(task.links.result)).json()["status"] == "canceled"


async def test_a_scheduled_task_is_cancelled_at_once(caller: Visitor) -> None:
    task = await caller.submit(run_at=(clock.now() + timedelta(days=1)).isoformat())
    assert task.status is TaskStatus.SCHEDULED
    assert (await caller.post(task.links.cancel)).json()["status"] == "canceled"


async def test_a_running_task_is_asked_to_stop(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.start(task.id)
    response = await caller.post(task.links.cancel)
    assert (response.status_code, response.json()["status"]) == (202, "canceling")
    assert response.json()["canceling_at"]


async def test_cancelling_again_changes_nothing(caller: Visitor) -> None:
    task = await caller.submit()
    first = await caller.post(task.links.cancel)
    assert (await caller.post(task.links.cancel)).json() == first.json()


async def test_an_ended_task_is_not_cancelled(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    response = await caller.post(task.links.cancel)
    assert (response.status_code, response.json()["code"]) == (409, "task_finished")


async def test_a_retry_is_a_new_task_that_names_the_old(caller: Visitor) -> None:
    task = await caller.submit(labels=["ci"], metadata={"a": "b"})
    await caller.fail(task.id)
    response = await caller.post(f"{task.links.self}/retry")
    again = TaskView.model_validate_json(response.content)
    assert response.status_code == 202
    assert response.headers["location"] == again.links.self
    assert (again.retry_of, again.status, again.labels) == (task.id, TaskStatus.QUEUED, ["ci"])
    assert again.metadata == {"a": "b"}
    assert (await caller.get(task.links.self)).json()["status"] == "failed"


async def test_a_retry_counts_against_the_key_that_asks_for_it(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.fail(task.id)
    again = (await caller.post(f"{task.links.self}/retry")).json()
    assert again["retry_of"] == str(task.id)
    query = "SELECT count(DISTINCT api_key_id) FROM tasks WHERE id IN (:first, :again)"
    assert await caller.value(query, first=task.id, again=again["id"]) == 1
    assert await caller.value("SELECT api_key_id FROM tasks WHERE id = :id", id=again["id"])


async def test_a_retry_keeps_the_webhook(caller: Visitor) -> None:
    webhook = {"url": "https://example.org/x", "secret": "whsec_" + "A" * 32}
    task = await caller.submit(preferences={"webhook": webhook})
    await caller.fail(task.id)
    again = (await caller.post(f"{task.links.self}/retry")).json()
    url = await caller.value("SELECT webhook_url FROM tasks WHERE id = :id", id=again["id"])
    assert url == webhook["url"]


async def test_a_retry_with_a_key_is_made_once(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.fail(task.id)
    key = {"Idempotency_Key": str(uuid4())}
    first = await caller.post(f"{task.links.self}/retry", **key)
    again = await caller.post(f"{task.links.self}/retry", **key)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_of_a_submit_is_not_one_of_a_retry(caller: Visitor) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    task = TaskView.model_validate_json((await caller.post(json=BODY, **key)).content)
    await caller.fail(task.id)
    response = await caller.post(f"{task.links.self}/retry", **key)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_living_task_is_not_retried(caller: Visitor) -> None:
    task = await caller.submit()
    response = await caller.post(f"{task.links.self}/retry")
    assert (response.status_code, Problem.model_validate_json(response.content).code) == (
        409,
        "task_not_finished",
    )
    assert await caller.stored() == 1


async def test_what_is_not_there_is_neither_cancelled_nor_retried(caller: Visitor) -> None:
    for verb in ("cancel", "retry"):
        response = await caller.post(f"{TASKS}/{uuid4()}/{verb}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
