"""What the submit commands send and print."""

import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from orchestrator.cli import sources
from orchestrator.cli.exits import Code, Misused
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Api, ok, task

Serve = Callable[..., Api]
DIFF = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b \n"
CODE = {
    "type": "code",
    "diff": DIFF,
    "files": [],
    "explanation": "One letter.",
    "criteria": [
        {"number": 1, "criterion": "It is b", "verdict": "met", "evidence": "x:1", "explanation": ""},
        {"number": 2, "criterion": "It is fast", "verdict": "cant_tell", "evidence": None, "explanation": ""},
    ],
    "verification": {"level": "applied", "checks": []},
}
FINDING = {
    "file": "x.py",
    "side": "new",
    "start_line": 3,
    "end_line": 3,
    "quote": "eval(\x1b[31mtext)",
    "category": "security",
    "severity": "high",
    "title": "Text run as code",
    "body": "Whatever comes is run.",
    "suggestion": "parse(text)",
}
REVIEW = {
    "type": "review",
    "summary": "One thing.",
    "findings": [FINDING],
    "unanchored": [FINDING],
    "verification": {"level": "anchored", "checks": []},
}


def sent(server: Api) -> Any:
    return json.loads(server.requests[0].content)


def ended(result: Mapping[str, object]) -> dict[str, object]:
    return task("succeeded", provider="my-gpt", simulated=True, result=result)


def test_a_fix_prints_its_diff_byte_for_byte_and_the_rest_aside(command: Command, serve: Serve) -> None:
    Path("x").write_text("a\n")
    Path("trace").write_text("Boom")
    server = serve(ok(status=202), ok(ended(CODE)))
    done = command(
        *("submit", "fix-bug", "it is a", "--file", "x", "--error-report", "trace"),
        *("--priority", "high", "--label", "ci", "--provider", "my-gpt", "--model", "m", "-c", "It is b"),
    )
    assert done.code == Code.OK
    assert done.out == DIFF
    assert "by my-gpt (simulated) · verified: applied" in done.err
    assert "✓ 1. It is b (x:1)" in done.err
    assert sent(server) == {
        "kind": "fix_bug",
        "context": {
            "description": "it is a",
            "acceptance_criteria": ["It is b"],
            "files": [{"path": "x", "content": "a\n"}],
            "error_report": "Boom",
        },
        "priority": "high",
        "labels": ["ci"],
        "preferences": {"providers": ["my-gpt"], "model": "m"},
    }


def test_a_review_of_standard_input_prints_its_findings(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    _feed(monkeypatch, DIFF.encode())
    server = serve(ok(status=202), ok(ended(REVIEW)))
    done = command("submit", "review", "-", "--max-findings", "5")
    assert sent(server) == {"kind": "review_code", "context": {"diff": DIFF, "max_findings": 5}}
    assert done.out.splitlines() == [
        "One thing.",
        "",
        "high x.py:3  security",
        "  Text run as code",
        "  3 │ - eval(\\u001b[31mtext)",
        "    │ + parse(text)",
        "  Whatever comes is run.",
        "",
        "1 finding: 1 high",
        "1 more whose quote stands nowhere in the change: see -o json",
    ]


def test_whether_and_how_strictly_findings_are_verified_can_be_wished(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    _feed(monkeypatch, DIFF.encode())
    server = serve(ok(status=202))
    command("submit", "review", "-", "--no-verifier", "--min-score", "0", "--no-wait")
    assert sent(server)["preferences"] == {"verifier": False, "min_score": 0}


def test_without_waiting_the_id_is_the_result(command: Command, serve: Serve) -> None:
    server = serve(ok(status=202))
    done = command("submit", "generate-code", "a parser", "--no-wait", "--idempotency-key", "k1")
    assert (done.code, done.out, done.err) == (Code.OK, f"{TASK_ID}\n", "")
    assert server.requests[0].headers["Idempotency-Key"] == "k1"


def test_a_raw_request_goes_out_as_it_is(command: Command, serve: Serve) -> None:
    request = {"kind": "generate-code", "context": {"description": "x"}, "metadata": {"a": "b"}}
    Path("body.json").write_text(json.dumps(request))
    server = serve(ok(status=202))
    done = command("submit", "task", "body.json", "--no-wait", "-o", "json")
    assert sent(server) == request
    assert json.loads(done.out)["id"] == TASK_ID


@pytest.mark.parametrize("body", ["{", "[]", "[" * 100_000])
def test_a_body_that_is_no_json_object_is_not_sent(command: Command, serve: Serve, body: str) -> None:
    Path("body.json").write_text(body)
    server = serve(ok(status=202))
    assert command("submit", "task", "body.json").code == Code.USAGE
    assert server.requests == []


def test_validating_shows_the_route_and_the_estimate(command: Command, serve: Serve) -> None:
    plan = {
        "valid": True,
        "candidates": [{"provider": "a", "model": "m1"}, {"provider": "b", "model": "m2"}],
        "estimate": {
            "input_tokens": 1200,
            "max_output_tokens": 16384,
            "max_cost_usd": "0.03",
            "likely_cost_usd": "0.01",
        },
    }
    serve(ok(plan))
    done = command("submit", "generate-code", "x", "--validate-only")
    assert "route     a (m1), then b (m2)" in done.out
    assert "1,200 tokens in, at most 16,384 out: at most $0.03 a call, likely $0.01" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("fix-bug", "x", "--file", "missing"),
        ("fix-bug", "x", "--file", "/etc/hosts"),
        ("fix-bug", "x", "--file", "binary"),
        ("review", "missing.diff"),
        ("review",),
        ("review", "x.diff", "--base", "main"),
    ],
)
def test_what_cant_be_read_is_a_mistake_of_the_user(
    command: Command, serve: Serve, arguments: tuple[str, ...]
) -> None:
    Path("binary").write_bytes(b"\xff\xfe\x00")
    server = serve(ok(status=202))
    done = command("submit", *arguments)
    assert done.code == Code.USAGE
    assert done.err.startswith("error: ")
    assert server.requests == []


def test_without_a_diff_the_repositorys_changes_are_reviewed() -> None:
    for arguments in (["init", "-q"], ["add", "-A"], [*_AS, "commit", "-qm", "x", "--allow-empty"]):
        run(["git", *arguments], check=True)
    with pytest.raises(Misused, match="nothing to review"):
        sources.diff(None, None)
    Path("new").write_text("b\n")
    run(["git", "add", "-A"], check=True)
    assert "+b" in sources.diff(None, None)
    run(["git", *_AS, "commit", "-qm", "y"], check=True)
    assert "+b" in sources.diff(None, "HEAD~1")


_AS = ("-c", "user.name=a", "-c", "user.email=a@localhost")


def _feed(monkeypatch: pytest.MonkeyPatch, given: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
