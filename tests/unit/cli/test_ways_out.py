"""Every way out of a command: its exit code, its line on standard error, nothing on standard output."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from orchestrator.cli.app import hoisted
from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Answer, Api, ok, problem, task

Serve = Callable[..., Api]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(401, "unauthenticated"), Code.AUTH),
        (problem(403, "forbidden"), Code.AUTH),
        (problem(404, "not_found"), Code.NOT_FOUND),
        (problem(410, "erased"), Code.NOT_FOUND),
        (problem(409, "task_finished"), Code.FAILED),
        (problem(422, "invalid_request"), Code.USAGE),
        (problem(422, "no_provider"), Code.FAILED),
        (problem(500, "internal_error"), Code.FAILED),
        (problem(503, "store_unavailable"), Code.UNAVAILABLE),
        (problem(429, "rate_limited", retry_after=3600), Code.UNAVAILABLE),
        (httpx.ConnectError("connection refused"), Code.UNAVAILABLE),
    ],
)
def test_each_failure_has_its_exit_code(command: Command, serve: Serve, answer: Answer, code: Code) -> None:
    serve(answer)
    ended = command("task", "get", TASK_ID)
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error: ")


def test_every_field_at_fault_is_named(command: Command, serve: Serve) -> None:
    faults = [
        {"field": "context.diff", "message": "must not be empty", "code": "value_error"},
        {"field": "priority", "message": "must be one of low, medium", "code": "enum"},
    ]
    serve(problem(422, "invalid_request", "2 fields are wrong", errors=faults))
    ended = command("task", "get", TASK_ID)
    assert ended.err.splitlines() == [
        "error: 2 fields are wrong [invalid_request]",
        "  context.diff: must not be empty",
        "  priority: must be one of low, medium",
    ]


@pytest.mark.parametrize("status", ["failed", "canceled", "expired"])
def test_a_task_that_ends_without_a_result_is_exit_code_5(
    command: Command, serve: Serve, status: str
) -> None:
    error = {"code": "answer_rejected", "message": "It did not apply.", "retryable": False}
    serve(ok(task(status, error=error)))
    ended = command("task", "wait", TASK_ID)
    assert ended.code == Code.UNSUCCESSFUL
    assert f"ended {status}: It did not apply. [answer_rejected]" in ended.err


def test_a_wait_that_runs_out_is_exit_code_3_and_says_how_to_go_on(command: Command, serve: Serve) -> None:
    serve(ok(task("running")))
    ended = command("task", "wait", TASK_ID, "--timeout", "0")
    assert ended.code == Code.TIMEOUT
    assert f"orchestrator task wait {TASK_ID}" in ended.err


def test_without_any_address_the_ways_to_one_are_told(command: Command) -> None:
    ended = command("task", "get", TASK_ID)
    assert ended.code == Code.UNAVAILABLE
    assert "orchestrator up" in ended.err
    assert "ORCHESTRATOR_API_URL" in ended.err


def test_an_address_that_is_none_is_a_mistake_of_the_user(command: Command) -> None:
    assert command("task", "get", TASK_ID, "--url", "localhost:8000").code == Code.USAGE


def test_an_unknown_command_is_a_mistake_of_the_user(command: Command) -> None:
    ended = command("task", "lst")
    assert ended.code == Code.USAGE
    assert "Did you mean 'list'" in ended.err


def test_a_wrong_setting_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_PORT", "many")
    ended = command("task", "list")
    assert ended.code == Code.USAGE
    assert "ORCHESTRATOR_PORT" in ended.err


def test_an_interrupted_wait_is_exit_code_130(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(ok(task("running")))
    monkeypatch.setattr(type(server), "__call__", _interrupted)
    assert command("task", "wait", TASK_ID).code == Code.INTERRUPTED


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(ok({"data": [task()], "has_more": False, "next_cursor": None}))
    with (tmp_path / "closed").open("w") as closed:
        monkeypatch.setattr(sys, "stdout", _Closed(closed.fileno()))
        ended = command("task", "list", "-o", "json")
    assert (ended.code, ended.err) == (Code.BROKEN_PIPE, "")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["task", "get", "x", "-o", "json"], ["-o", "json", "task", "get", "x"]),
        (["task", "list", "--output=jsonl"], ["--output=jsonl", "task", "list"]),
        (["up", "--data-dir", "d", "--workers", "2"], ["--data-dir", "d", "up", "--workers", "2"]),
        (["-ojson", "version"], ["-ojson", "version"]),
        (["submit", "fix-bug", "--", "-o"], ["submit", "fix-bug", "--", "-o"]),
        (["task", "get", "-o"], ["-o", "task", "get"]),
        (["submit", "--url", "--api-key", "x"], ["--url", "--api-key", "submit", "x"]),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], meant: list[str]) -> None:
    assert hoisted(given) == meant


def test_json_goes_to_standard_output_alone(command: Command, serve: Serve) -> None:
    body = task("succeeded", result=None, strange="é")
    serve(ok(body))
    ended = command("-o", "json", "task", "wait", TASK_ID)
    assert json.loads(ended.out) == body
    assert (ended.code, ended.err) == (Code.OK, "")


def _interrupted(_: object, request: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


class _Closed(io.StringIO):
    """Standard output into a pipe that nobody reads any more."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        return self._number
