"""What the commands for providers send and print; a secret comes by no argument and goes to no output."""

import io
import json
from collections.abc import Callable

import pytest

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Api, ok, problem

Serve = Callable[..., Api]
PROVIDER = {
    "name": "mine", "vendor": "custom", "base_url": "https://x.org/v1", "model": "m",
    "credential": {"kind": "sealed"}, "paused": False,
}  # fmt: skip
FOUND = {
    "ok": True, "reachable": True, "credential": "accepted", "message": "It answered.", "latency_ms": 12.5,
}  # fmt: skip


def check(**fields: object) -> dict[str, object]:
    return {"id": TASK_ID, "status": "done", "result": FOUND} | fields


def test_providers_are_a_table(command: Command, serve: Serve) -> None:
    serve(ok({"data": [PROVIDER]}))
    header, row = command("provider", "list").out.splitlines()
    assert header.split() == ["name", "vendor", "model", "credential", "state", "address"]
    assert row.split() == ["mine", "custom", "m", "sealed", "ready", "https://x.org/v1"]


def test_the_credential_comes_from_a_variable(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "sk-secret")
    server = serve(ok(PROVIDER, status=201))
    done = command(
        "provider", "add", "https://x.org/v1", "--credential-env", "MY_TOKEN", "--header", "X-A: b"
    )
    sent = json.loads(server.requests[0].content)
    options = {"custom_headers": {"X-A": "b"}}
    assert sent == {"base_url": "https://x.org/v1", "credential": "sk-secret", "options": options}
    assert "sk-secret" not in done.out + done.err


def test_the_credential_comes_from_standard_input(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-secret\n"))
    server = serve(ok(PROVIDER))
    command("provider", "set", "mine", "--base-url", "https://y.org/v1", "--credential-stdin")
    assert json.loads(server.requests[0].content) == {
        "base_url": "https://y.org/v1",
        "credential": "sk-secret",
    }
    assert server.paths == ["PATCH /api/v1/providers/mine"]


def test_an_empty_variable_is_said_and_nothing_is_sent(command: Command, serve: Serve) -> None:
    server = serve(ok(PROVIDER))
    done = command("provider", "add", "https://x.org/v1", "--credential-env", "NOT_SET_ANYWHERE")
    assert (done.code, server.requests) == (Code.USAGE, [])
    assert "NOT_SET_ANYWHERE holds no credential" in done.err


def test_a_secret_of_a_template_is_refused_as_an_argument(command: Command, serve: Serve) -> None:
    secret = {"API_KEY": {"description": "key", "secret": True}}
    template = {"name": "openai", "built_in": True, "variables": secret}
    server = serve(ok({"data": [template]}))
    done = command("provider", "add", "--template", "openai", "--set", "API_KEY=sk-1")
    assert done.code == Code.USAGE
    assert server.paths == ["GET /api/v1/provider-templates"]


def test_making_one_is_not_repeated_by_itself(command: Command, serve: Serve) -> None:
    server = serve(problem(503, "store_unavailable"))
    assert command("provider", "add", "https://x.org/v1").code == Code.UNAVAILABLE
    assert len(server.requests) == 1


def test_a_test_says_what_was_found_and_ends_accordingly(command: Command, serve: Serve) -> None:
    serve(ok(check()), ok(check(result=FOUND | {"ok": False, "message": "No."})), ok(check(result=None)))
    done = command("provider", "test", "mine")
    assert (done.code, done.out) == (Code.OK, "It answered.\n12.5 ms, credential accepted\n")
    assert command("provider", "test", "mine").code == Code.FAILED
    assert command("provider", "test", "mine").code == Code.FAILED


def test_a_test_that_nobody_does_is_a_timeout(command: Command, serve: Serve) -> None:
    serve(ok(check(status="pending", result=None), status=202))
    assert command("provider", "test", "mine").code == Code.TIMEOUT


def test_usage_ends_with_the_total(command: Command, serve: Serve) -> None:
    numbers = {"calls": 2, "failed": 0, "input_tokens": 10, "cached_tokens": 1, "output_tokens": 5}
    line = {**numbers, "cost_usd": "0.10"}
    used = {"provider": "mine", **line, "fees_usd": "19.00", "by_model": [{"model": "m", **line}]}
    server = serve(ok(used))
    rows = command("provider", "usage", "mine", "--from", "2026-11-01").out.splitlines()
    assert [row.split()[0] for row in rows] == ["model", "m", "total", "monthly"]
    assert rows[-1] == "monthly fees beside that: $19.00"
    assert "from=2026-11-01T00%3A00%3A00%2B00%3A00" in server.paths[0]


def test_health_is_told_in_words(command: Command, serve: Serve) -> None:
    serve(ok({
        "provider": "mine", "status": "down", "reasons": ["circuit open: 5 of 5 calls failed"],
        "paused": True, "calls": 5, "error_rate": 1.0, "latency_p50_ms": None, "latency_p95_ms": None,
    }))  # fmt: skip
    told = command("provider", "health", "mine").out
    assert told.startswith("mine is down, and paused\n  circuit open: 5 of 5 calls failed\n")


def test_who_adds_the_first_real_provider_is_told_what_was_paused(command: Command, serve: Serve) -> None:
    serve(ok(PROVIDER | {"took_over_from": ["sim-a", "sim-b"]}, status=201))
    done = command("provider", "add", "https://x.org/v1")
    assert (
        done.err
        == "Paused sim-a and sim-b: real providers take over (`orchestrator provider resume` undoes it).\n"
    )
    serve(ok(PROVIDER | {"took_over_from": []}, status=201))
    assert command("provider", "add", "https://x.org/v1").err == ""


def test_a_fee_joins_the_options_that_there_are(command: Command, serve: Serve) -> None:
    kept = {"copilot": {"repository": "a/b"}, "embedding_model": None, "monthly_fee_usd": "19"}
    server = serve(*(ok(PROVIDER | {"options": kept}) for _ in range(4)))
    command("provider", "set", "mine", "--monthly-fee", "39")
    command("provider", "set", "mine", "--monthly-fee", "0")
    assert [json.loads(server.requests[index].content)["options"] for index in (1, 3)] == [
        {"copilot": {"repository": "a/b"}, "monthly_fee_usd": "39"},
        {"copilot": {"repository": "a/b"}},
    ]
