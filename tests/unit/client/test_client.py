"""The SDK: what it sends, what it repeats, what it raises, how it waits."""

import json

import httpx
import pytest

from orchestrator import client as sdk
from schemas.contexts import GenerateCodeContext
from schemas.tasks import GenerateCodeRequest, TaskKind, TaskStatus
from tests.unit.client.scripted import TASK_ID, api, ok, problem, task

REQUEST = {"kind": "generate_code", "context": {"description": "a parser"}}


def test_a_submit_carries_the_key_and_an_idempotency_key_of_its_own() -> None:
    server = api(ok(status=202), ok(status=202))
    with server.client() as client:
        submitted = client.submit(REQUEST)
        client.submit(REQUEST)
    first, second = server.requests
    assert submitted.status is TaskStatus.QUEUED
    assert first.headers["Authorization"] == "Bearer orc_live_test"
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert json.loads(first.content) == REQUEST


def test_a_typed_request_sends_only_what_was_given() -> None:
    server = api(ok(status=202))
    request = GenerateCodeRequest(
        kind=TaskKind.GENERATE_CODE, context=GenerateCodeContext(description="a parser")
    )
    server.client().submit(request)
    assert json.loads(server.requests[0].content) == REQUEST


def test_a_submit_is_repeated_with_the_same_idempotency_key() -> None:
    server = api(problem(503, "store_unavailable", retry_after=2), httpx.ReadError("reset"), ok(status=202))
    server.client().submit(REQUEST, idempotency_key="mine")
    assert [request.headers["Idempotency-Key"] for request in server.requests] == ["mine"] * 3
    assert server.slept[0] >= 2


def test_validating_asks_the_api_to_store_nothing() -> None:
    server = api(ok({"valid": True}))
    assert server.client().validate(REQUEST).body == {"valid": True}
    assert server.paths == ["POST /api/v1/tasks?validate_only=true"]


def test_a_limit_is_waited_out_for_as_long_as_the_server_says() -> None:
    server = api(problem(429, "rate_limited", retry_after=7), ok())
    server.client().get(TASK_ID)
    assert server.slept[0] >= 7


def test_a_limit_beyond_the_patience_is_raised_with_its_time() -> None:
    server = api(problem(429, "rate_limited", retry_after=3600))
    with pytest.raises(sdk.RateLimited) as raised:
        server.client().get(TASK_ID)
    assert raised.value.retry_after == 3600
    assert len(server.requests) == 1


def test_an_api_that_is_away_is_said_after_some_tries() -> None:
    server = api(httpx.ConnectError("connection refused"))
    with pytest.raises(sdk.Unreachable, match=r"http://api.test does not answer: connection refused"):
        server.client(tries=3).get(TASK_ID)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, sdk.Unauthenticated),
        (402, sdk.BudgetReached),
        (403, sdk.PermissionRefused),
        (404, sdk.NotFound),
        (409, sdk.Conflict),
        (410, sdk.NotFound),
        (413, sdk.RequestRefused),
        (422, sdk.RequestRefused),
        (500, sdk.ApiError),
    ],
)
def test_each_refusal_has_its_type_and_is_not_repeated(status: int, error: type[sdk.ApiError]) -> None:
    server = api(problem(status, "some_code", retryable=True))
    with pytest.raises(error) as raised:
        server.client().get(TASK_ID)
    assert type(raised.value) is error
    assert (raised.value.status, raised.value.code, raised.value.request_id) == (status, "some_code", "r-1")
    assert raised.value.retryable
    assert len(server.requests) == 1


def test_a_refusal_names_the_fields_at_fault() -> None:
    faults = [{"field": "context.diff", "message": "must not be empty", "code": "value_error"}]
    server = api(problem(422, "invalid_request", errors=faults))
    with pytest.raises(sdk.RequestRefused) as raised:
        server.client().submit(REQUEST)
    assert [(fault.field, fault.message) for fault in raised.value.errors] == [
        ("context.diff", "must not be empty")
    ]


def test_a_page_of_a_proxy_is_no_problem_body_and_still_an_error() -> None:
    server = api(httpx.Response(502, text="<html>Bad Gateway</html>"))
    with pytest.raises(sdk.Unavailable) as raised:
        server.client(tries=2).get(TASK_ID)
    assert raised.value.code == "http_502"
    assert len(server.requests) == 2


def test_a_retry_whose_answer_was_lost_is_sent_again_under_the_same_key() -> None:
    server = api(httpx.ReadError("reset"))
    with pytest.raises(sdk.Unreachable):
        server.client().retry(TASK_ID)
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1


def test_a_retry_that_never_left_is_sent_again() -> None:
    server = api(httpx.ConnectError("refused"), ok(status=202))
    server.client().retry(TASK_ID)
    assert server.paths == [f"POST /api/v1/tasks/{TASK_ID}/retry"] * 2


def test_waiting_holds_the_request_open_and_asks_for_changes_only() -> None:
    server = api(
        ok(task("queued"), ETag='"1"'),
        httpx.Response(304),
        ok(task("running"), ETag='"2"'),
        ok(task("succeeded"), ETag='"3"'),
    )
    ended = server.client().wait(TASK_ID, timeout=600)
    assert ended.succeeded
    assert [request.headers.get("If-None-Match") for request in server.requests] == [
        None,
        '"1"',
        '"1"',
        '"2"',
    ]
    assert [request.headers.get("Prefer") for request in server.requests] == [None, *["wait=30"] * 3]


def test_a_wait_that_runs_out_says_how_the_task_stood() -> None:
    server = api(ok(task("running"), ETag='"1"'))
    with pytest.raises(sdk.WaitTimeout, match="is still running after 0 s") as raised:
        server.client().wait(TASK_ID, timeout=0)
    assert str(raised.value.task.id) == TASK_ID


def test_a_wait_sits_through_a_restart_of_the_api() -> None:
    away = [httpx.ConnectError("refused")] * 5
    server = api(ok(task("running")), *away, problem(503, "store_unavailable"), ok(task("failed")))
    assert server.client(tries=2).wait(TASK_ID).status is TaskStatus.FAILED


def test_a_wait_for_nothing_is_said_at_once() -> None:
    server = api(problem(404, "not_found"))
    with pytest.raises(sdk.NotFound):
        server.client().wait(TASK_ID)


def test_watching_tells_every_change_once() -> None:
    server = api(ok(task("queued"), ETag='"1"'), ok(task("running"), ETag='"2"'), ok(task("canceled")))
    assert [seen.status for seen in server.client().watch(TASK_ID)] == ["queued", "running", "canceled"]


def test_a_list_goes_on_to_the_last_page() -> None:
    pages = [
        {"data": [task(), task()], "has_more": True, "next_cursor": "c2"},
        {"data": [task("failed")], "has_more": False, "next_cursor": None},
    ]
    server = api(*(ok(page) for page in pages))
    found = list(server.client().list_all(status=["queued", "failed"], label=None))
    assert len(found) == 3
    assert server.paths == [
        "GET /api/v1/tasks?status=queued&status=failed",
        "GET /api/v1/tasks?cursor=c2&status=queued&status=failed",
    ]


def test_events_come_page_by_page_after_the_last_one() -> None:
    def event(number: int) -> dict[str, object]:
        return {"id": number, "name": "task.queued", "at": "2026-01-01T00:00:00Z", "data": {}}

    server = api(
        ok({"data": [event(3)], "has_more": True, "next_cursor": "3"}),
        ok({"data": [event(4)], "has_more": False, "next_cursor": None}),
    )
    assert [event.id for event in server.client().events(TASK_ID, after=2)] == [3, 4]
    assert [request.url.params["after"] for request in server.requests] == ["2", "3"]


def test_a_broken_stream_is_taken_up_where_it_broke() -> None:
    def sent(*numbers: int) -> httpx.Response:
        events = [{"id": number, "name": "x", "at": "2026-01-01T00:00:00Z", "data": {}} for number in numbers]
        lines = [f"id: {event['id']}\nevent: x\ndata: {json.dumps(event)}\n\n" for event in events]
        return httpx.Response(200, text=": hello\n\n" + "".join(lines))

    server = api(sent(1, 2), httpx.ReadError("reset"), sent(3), httpx.Response(204))
    assert [event.id for event in server.client().stream(TASK_ID)] == [1, 2, 3]
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, "2", "2", "3"]


def test_a_stream_of_nothing_is_an_error() -> None:
    server = api(problem(404, "not_found"))
    with pytest.raises(sdk.NotFound):
        list(server.client().stream(TASK_ID))


def test_fields_of_a_newer_server_are_kept() -> None:
    server = api(ok(task("succeeded", shape="round")))
    found = server.client().get(TASK_ID, include="result")
    assert found.body["shape"] == "round"
    assert server.paths == [f"GET /api/v1/tasks/{TASK_ID}?include=result"]
