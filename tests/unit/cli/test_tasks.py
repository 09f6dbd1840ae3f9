"""What the task commands print."""

import json
from collections.abc import Callable

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Api, ok, task

Serve = Callable[..., Api]
EVENT = {"id": 4, "name": "call.started", "at": "2026-01-02T03:04:05.678Z", "data": {"model": "m", "n": 1}}


def test_a_list_is_a_table_without_trailing_spaces(command: Command, serve: Serve) -> None:
    failed = task("failed", provider="p", error={"code": "answer_rejected", "message": "No."})
    fresh = task("queued", provider="p", cost={"usd": "0.01", "estimated": False, "calls": 1})
    server = serve(ok({"data": [failed, fresh], "has_more": True, "next_cursor": "c2"}))
    done = command("task", "list", "--status", "failed", "--status", "queued", "-n", "2")
    assert server.paths == ["GET /api/v1/tasks?limit=2&status=failed&status=queued"]
    header, first, second = done.out.splitlines()
    assert header.split() == ["id", "kind", "status", "provider", "cost", "created", "error"]
    assert first.split() == [TASK_ID, "generate_code", "failed", "p", "$0.00", "answer_rejected"]
    assert second.endswith("$0.01")
    assert "--cursor c2" in done.err


def test_a_list_as_lines_is_one_object_a_line(command: Command, serve: Serve) -> None:
    serve(ok({"data": [task(), task("failed")], "has_more": False, "next_cursor": None}))
    lines = command("task", "list", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["queued", "failed"]


def test_a_task_is_shown_with_what_is_known_of_it(command: Command, serve: Serve) -> None:
    body = task("queued", status_reason="circuit_open", provider="p", simulated=True, labels=["a", "b"])
    serve(ok(body))
    shown = dict(line.split(None, 1) for line in command("task", "get", TASK_ID).out.splitlines())
    assert shown["status_reason"] == "circuit_open"
    assert shown["labels"] == "a b"
    assert shown["cost"] == "$0.00 in 0 calls"
    assert "finished_at" not in shown


def test_a_task_with_a_result_shows_its_quality(command: Command, serve: Serve) -> None:
    serve(ok(task("succeeded", quality=72)))
    shown = dict(line.split(None, 1) for line in command("task", "get", TASK_ID).out.splitlines())
    assert shown["quality"] == "72 of 100"


def test_a_task_that_the_cache_served_says_so(command: Command, serve: Serve) -> None:
    serve(ok(task("succeeded", usage={"served_tokens": 1234})))
    shown = dict(line.split(None, 1) for line in command("task", "get", TASK_ID).out.splitlines())
    assert (shown["tokens"], shown["cost"]) == ("1,234 tokens from the cache", "$0.00 in 0 calls")


def test_events_are_lines_with_their_data(command: Command, serve: Serve) -> None:
    serve(ok({"data": [EVENT], "has_more": False, "next_cursor": None}))
    assert command("task", "events", TASK_ID).out == "   4  03:04:05.678  call.started         model=m n=1\n"


def test_events_as_json_are_those_of_the_api(command: Command, serve: Serve) -> None:
    serve(ok({"data": [EVENT], "has_more": False, "next_cursor": None}))
    assert json.loads(command("task", "events", TASK_ID, "-o", "json").out) == {"data": [EVENT]}


def test_calls_show_tokens_and_cost(command: Command, serve: Serve) -> None:
    call = {"id": TASK_ID, "status": "answered", "attempt": 1, "purpose": "first", "provider": "p"}
    tokens = {"model": "m", "input_tokens": 1234, "output_tokens": None, "cost_usd": "0.5", "category": None}
    serve(ok({"data": [call | tokens], "has_more": False, "next_cursor": None}))
    row = command("task", "calls", TASK_ID).out.splitlines()[1]
    assert row.split() == ["1", "first", "p", "m", "answered", "1,234", "$0.5"]


def test_a_cancel_says_how_the_task_stands(command: Command, serve: Serve) -> None:
    server = serve(ok(task("canceling")))
    assert command("task", "cancel", TASK_ID).out == "canceling\n"
    assert server.paths == [f"POST /api/v1/tasks/{TASK_ID}/cancel"]


def test_a_retry_prints_the_new_tasks_id(command: Command, serve: Serve) -> None:
    serve(ok(task(retry_of=TASK_ID), status=202))
    done = command("task", "retry", TASK_ID)
    assert (done.code, done.out) == (Code.OK, f"{TASK_ID}\n")


def test_the_result_of_a_failed_task_is_exit_code_5(command: Command, serve: Serve) -> None:
    error = {"code": "answer_rejected", "message": "It did not apply."}
    serve(ok(task("failed", error=error, result=None)))
    done = command("task", "result", TASK_ID)
    assert done.code == Code.UNSUCCESSFUL
    assert done.out == ""


def test_feedback_is_sent_as_it_was_given(command: Command, serve: Serve) -> None:
    server = serve(ok({"task_id": TASK_ID, "provider": "sim", "rating": 4, "accepted": False}))
    ended = command("task", "feedback", TASK_ID, "--rating", "4", "--rejected")
    assert (ended.code, ended.out) == (Code.OK, "kept, for sim\n")
    assert server.paths == [f"POST /api/v1/tasks/{TASK_ID}/feedback"]
    assert json.loads(server.requests[0].content) == {"rating": 4, "accepted": False}


def test_feedback_that_says_nothing_is_a_usage_error(command: Command, serve: Serve) -> None:
    server = serve(ok())
    assert command("task", "feedback", TASK_ID).code == Code.USAGE
    assert server.requests == []


def test_a_review_is_exported_as_it_comes(command: Command, serve: Serve) -> None:
    log = {"version": "2.1.0", "runs": []}
    server = serve(ok(log))
    done = command("task", "result", TASK_ID, "--format", "sarif")
    assert (done.code, json.loads(done.out)) == (Code.OK, log)
    assert server.paths == [f"GET /api/v1/tasks/{TASK_ID}/result?format=sarif"]


def test_an_unknown_format_is_a_mistake_that_names_the_known_ones(command: Command, serve: Serve) -> None:
    server = serve()
    done = command("task", "result", TASK_ID, "--format", "xml")
    assert (done.code, server.requests) == (Code.USAGE, [])
    assert "sarif, rdjson" in done.err
