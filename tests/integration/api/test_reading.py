"""Reading tasks over HTTP: polls, results, lists, counts; every body fits its published shape."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from orchestrator import clock
from orchestrator.flow.configure import configure
from orchestrator.flow.watch import Watch
from schemas.api import (
    CallPage,
    KindPage,
    KindSchema,
    Problem,
    ResultView,
    StatsView,
    StatusView,
    TaskPage,
    TaskView,
)
from schemas.errors import Category
from schemas.results import Finding, ReviewResult, Severity, Side, Verification, VerificationLevel
from schemas.tasks import StatusReason, TaskKind, TaskStatus
from tests.integration.api.visitor import BODY, DIFF, TASKS, Visitor, setting, until


async def whole(caller: Visitor, task: TaskView, query: str = "") -> TaskView:
    return TaskView.model_validate_json((await caller.get(f"{task.links.self}{query}")).content)


async def test_a_poll_that_has_the_newest_version_gets_304(caller: Visitor) -> None:
    task = await caller.submit()
    for path in (task.links.self, task.links.status, f"{task.links.self}?include=result"):
        first = await caller.get(path)
        tag = first.headers["etag"]
        again = await caller.get(path, If_None_Match=f'"other", W/{tag}')
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["retry-after"] == "1"


async def test_a_changed_task_has_another_version(caller: Visitor) -> None:
    task = await caller.submit()
    tag = (await caller.get(task.links.self)).headers["etag"]
    await caller.start(task.id)
    response = await caller.get(task.links.self, If_None_Match=tag)
    assert (response.status_code, response.json()["status"]) == (200, "running")


async def test_a_version_without_the_result_is_not_one_with_it(caller: Visitor) -> None:
    task = await caller.submit()
    tag = (await caller.get(task.links.self)).headers["etag"]
    assert (await caller.get(f"{task.links.self}?include=result", If_None_Match=tag)).status_code == 200


async def test_the_status_is_the_small_part_of_the_task(caller: Visitor) -> None:
    task = await caller.submit()
    response = await caller.get(task.links.status)
    status = StatusView.model_validate_json(response.content)
    assert (status.id, status.status, status.last_event_id) == (task.id, TaskStatus.QUEUED, 1)
    assert status.status_reason is StatusReason.WAITING_FOR_WORKER


async def test_a_pause_shows_as_the_reason_and_as_a_new_version(caller: Visitor) -> None:
    task = await caller.submit()
    tag = (await caller.get(task.links.status)).headers["etag"]
    await caller.change("UPDATE providers SET paused = true WHERE tenant_id = :tenant")
    response = await caller.get(task.links.status, If_None_Match=tag)
    assert (response.status_code, response.json()["status_reason"]) == (200, "queue_paused")
    assert (await whole(caller, task)).status_reason is StatusReason.QUEUE_PAUSED
    await caller.change("UPDATE providers SET paused = false WHERE tenant_id = :tenant")
    await caller.change("UPDATE tenants SET paused = true WHERE id = :tenant")
    assert (await whole(caller, task)).status_reason is StatusReason.QUEUE_PAUSED


async def test_a_retry_to_come_says_when(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.change(
        "UPDATE tasks SET ready = false, status_reason = 'retry_backoff',"
        " run_at = clock_timestamp() + interval '90 seconds' WHERE id = :id",
        id=task.id,
    )
    response = await caller.get(task.links.status)
    status = StatusView.model_validate_json(response.content)
    assert status.next_attempt_at is not None
    assert status.next_attempt_at > clock.now() + timedelta(seconds=80)
    assert 80 < int(response.headers["retry-after"]) <= 90


async def test_an_endless_wait_has_no_next_time(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.change("UPDATE tasks SET ready = false, run_at = 'infinity' WHERE id = :id", id=task.id)
    assert (await whole(caller, task)).next_attempt_at is None


async def test_an_old_task_is_asked_for_seldom(caller: Visitor) -> None:
    task = await caller.submit()
    age = "UPDATE tasks SET queued_at = queued_at - interval '2 minutes' WHERE id = :id"
    await caller.change(age, id=task.id)
    assert (await caller.get(task.links.status)).headers["retry-after"] in ("12", "13")
    await caller.change(age.replace("2 minutes", "2 days"), id=task.id)
    assert (await caller.get(task.links.status)).headers["retry-after"] == "30"


async def test_the_cost_is_the_sum_of_the_calls(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    ended = await whole(caller, task, "?include=calls")
    assert (ended.cost.usd, ended.cost.estimated, ended.cost.calls) == ("0.001234567", False, 1)
    assert ended.usage.model_dump() == {
        "input_tokens": 100,
        "cached_tokens": 40,
        "output_tokens": 20,
        "reasoning_tokens": 5,
        "served_tokens": 0,
    }
    assert ended.calls is not None
    calls = CallPage.model_validate_json((await caller.get(task.links.calls)).content)
    assert calls.data == ended.calls
    assert (calls.data[0].cost_usd, calls.data[0].provider_request_id) == ("0.001234567", "req-1")


async def test_an_open_call_counts_at_its_hold(caller: Visitor) -> None:
    task = await caller.submit()
    lease = await caller.start(task.id)
    await caller.intend(lease)
    standing = await whole(caller, task)
    assert standing.quality is None
    assert (standing.cost.usd, standing.cost.estimated, standing.cost.calls) == ("0.005", True, 1)


async def test_a_good_end_has_a_result_and_nothing_to_wait_for(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    response = await caller.get(task.links.result)
    result = ResultView.model_validate_json(response.content)
    assert (response.status_code, result.status, result.error) == (200, TaskStatus.SUCCEEDED, None)
    assert result.result is not None
    ended = await whole(caller, task, "?include=result")
    assert ended.result == result.result
    assert ended.quality == result.quality == 80
    poll = await caller.get(task.links.self)
    assert "retry-after" not in poll.headers
    assert "result" not in poll.json()


async def test_a_bad_end_is_a_200_with_an_error(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.fail(task.id)
    for path in (task.links.self, task.links.result):
        response = await caller.get(path)
        error = response.json()["error"]
        assert (response.status_code, response.json()["status"]) == (200, "failed")
        assert (error["category"], error["provider"], error["retryable"]) == (
            Category.BAD_REQUEST,
            "sim",
            False,
        )


async def test_a_result_too_early_is_a_409_that_says_when(caller: Visitor) -> None:
    task = await caller.submit()
    response = await caller.get(task.links.result)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code, problem.retryable) == (409, "task_not_finished", True)
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["", "/status"])
async def test_a_get_may_wait_for_the_end(caller: Visitor, path: str) -> None:
    task = await caller.submit()
    waiting = asyncio.create_task(caller.get(f"{task.links.self}{path}", Prefer="wait=30"))
    await caller.succeed(task.id)
    response = await waiting
    assert (response.json()["status"], response.headers["preference-applied"]) == ("succeeded", "wait=30")


async def test_the_request_comes_back_without_its_secret(caller: Visitor) -> None:
    secret = "whsec_" + "A" * 32
    task = await caller.submit(preferences={"webhook": {"url": "https://example.org/x", "secret": secret}})
    everything = await caller.get(f"{task.links.self}?include=request,result,calls")
    listed = await caller.get(f"{TASKS}?include=request,result")
    for response in (everything, listed):
        assert secret not in response.text
        assert "https://example.org/x" in response.text
    request = everything.json()["request"]
    assert request["context"]["description"] == BODY["context"]["description"]


async def test_pages_follow_each_other_without_a_gap(caller: Visitor) -> None:
    tasks = [(await caller.submit()).id for _ in range(5)]
    found: list[UUID] = []
    query = "limit=2"
    while True:
        page = TaskPage.model_validate_json((await caller.get(f"{TASKS}?{query}")).content)
        assert page.has_more is (page.next_cursor is not None)
        found.extend(task.id for task in page.data)
        if page.next_cursor is None:
            break
        await caller.submit()
        query = f"limit=2&cursor={page.next_cursor}"
    assert found == tasks[::-1]


@pytest.mark.parametrize(("limit", "size"), [("0", 1), ("-5", 1), ("3", 3), ("100000", 4)])
async def test_a_limit_is_taken_into_what_a_page_holds(caller: Visitor, limit: str, size: int) -> None:
    for _ in range(4):
        await caller.submit()
    assert len((await caller.get(f"{TASKS}?limit={limit}")).json()["data"]) == size


async def test_filters_narrow_the_list(caller: Visitor) -> None:
    old = await caller.submit(labels=["ci", "nightly"], user_id="u1", session_id="s1")
    review = await caller.submit(kind="review_code", context={"diff": DIFF}, labels=["ci"], user_id="u2")
    await caller.succeed(old.id)
    between = review.created_at.isoformat().replace("+", "%2B")
    expected = {
        "status=succeeded": [old.id],
        "status=queued&status=succeeded": [review.id, old.id],
        "kind=review_code": [review.id],
        "label=ci": [review.id, old.id],
        "label=ci&label=nightly": [old.id],
        "user_id=u2": [review.id],
        "session_id=s1": [old.id],
        f"created_before={between}": [old.id],
        f"created_after={old.created_at.isoformat().replace('+', '%2B')}": [review.id],
        f"ids={old.id},{review.id}": [review.id, old.id],
        f"ids={old.id}&status=failed": [],
    }
    for query, ids in expected.items():
        page = TaskPage.model_validate_json((await caller.get(f"{TASKS}?{query}")).content)
        assert [task.id for task in page.data] == ids, query


async def test_counts_name_every_state(caller: Visitor) -> None:
    await caller.succeed((await caller.submit()).id)
    await caller.submit()
    stats = StatsView.model_validate_json((await caller.get(f"{TASKS}/stats")).content)
    assert set(stats.by_status) == set(TaskStatus)
    assert (stats.by_status[TaskStatus.SUCCEEDED], stats.by_status[TaskStatus.QUEUED]) == (1, 1)
    assert stats.waiting_by_queue == {"provider.openai": 1}
    assert stats.oldest_queued_seconds > 0


async def test_kinds_are_listed_with_their_schemas(caller: Visitor) -> None:
    page = KindPage.model_validate_json((await caller.get("/api/v1/task-kinds")).content)
    assert {kind.kind for kind in page.data} == set(TaskKind)
    for kind in page.data:
        schema = KindSchema.model_validate_json((await caller.get(kind.json_schema)).content)
        assert "properties" in schema.context
        assert "properties" in schema.result
    assert (await caller.get("/api/v1/task-kinds/dance/schema")).status_code == 404


async def test_a_task_goes_where_the_route_says_after_a_switch_of_providers(caller: Visitor) -> None:
    await configure(caller.parts, await tenant_name(caller), (setting("real", simulated=False),))
    task = await caller.submit()
    assert (task.provider, task.simulated) == ("real", False)
    await configure(caller.parts, await tenant_name(caller), (setting("sim"),))
    assert (await caller.submit()).provider == "sim"


async def tenant_name(caller: Visitor) -> str:
    return str(await caller.value("SELECT name FROM tenants WHERE id = :tenant"))


async def test_waiting_sees_an_end_without_any_hint(caller: Visitor, watcher: Watch) -> None:
    task = await caller.submit()
    waiting = asyncio.create_task(caller.get(task.links.status, Prefer="wait=30"))
    await until(lambda: asyncio.sleep(0, watcher.is_waited_for(task.id)))
    await caller.change(
        "UPDATE tasks SET status = 'canceled', status_reason = NULL, ready = false,"
        " finished_at = clock_timestamp() WHERE id = :id",
        id=task.id,
    )
    assert (await waiting).json()["status"] == "canceled"


async def test_a_review_can_be_had_as_sarif_and_as_rdjson(caller: Visitor) -> None:
    task = await caller.submit()
    level = Verification(level=VerificationLevel.ANCHORED)
    found = Finding(
        file="a.py", side=Side.NEW, start_line=2, end_line=2, quote="x", category="bug",
        severity=Severity.HIGH, title="T", body="B",
    )  # fmt: skip
    await caller.succeed(task.id, ReviewResult(summary="S", findings=[found], verification=level))
    by_query = await caller.get(f"{task.links.result}?format=sarif")
    by_header = await caller.get(task.links.result, Accept="application/sarif+json;q=0.9, text/html")
    assert by_query.headers["content-type"] == by_header.headers["content-type"] == "application/sarif+json"
    assert by_query.json() == by_header.json()
    assert by_query.json()["runs"][0]["results"][0]["ruleId"] == "bug"
    diagnostics = (await caller.get(f"{task.links.result}?format=rdjson")).json()["diagnostics"]
    assert diagnostics[0]["location"]["range"]["start"] == {"line": 2}
    plain = await caller.get(task.links.result, Accept="application/json")
    assert ResultView.model_validate_json(plain.content).result is not None


async def test_only_reviews_are_exported_and_only_in_known_formats(caller: Visitor) -> None:
    done, failed, fresh = [await caller.submit() for _ in range(3)]
    await caller.succeed(done.id)
    await caller.fail(failed.id)
    for task, status, code in (
        (done, 406, "not_exportable"),
        (failed, 406, "not_exportable"),
        (fresh, 409, None),
    ):
        response = await caller.get(f"{task.links.result}?format=sarif")
        told = Problem.model_validate_json(response.content)
        assert response.status_code == status
        assert code in (None, told.code)
    unknown = await caller.get(f"{done.links.result}?format=xml")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "format")
