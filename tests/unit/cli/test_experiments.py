"""What the commands for experiments send and print."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import Api, ok

Serve = Callable[..., Api]
COMPARISON = {
    "difference": -0.0042, "low": -0.006, "high": -0.002, "p_value": 0.0004, "confidence": 0.9996,
    "enough": True, "verdict": "better",
}  # fmt: skip


def arm(name: str, comparison: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "arm": name, "weight": 1, "assigned": 50, "open": 2, "canceled": 1, "contaminated": 3, "samples": 44,
        "succeeded": 40, "success_rate": 0.9091, "mean_cost_usd": "0.0042", "mean_seconds": 3.25, "rated": 0,
        "accepted_rate": None, "comparison": comparison,
    }  # fmt: skip


def test_arms_are_given_by_name_and_what_they_change(command: Command, serve: Serve) -> None:
    server = serve(ok({"status": "running"}, 201))
    ended = command(
        "experiment", "start", "e1", "--arm", "control", "--arm", "b,provider=gpt,model=m,weight=3",
        "--metric", "cost", "--kind", "fix_bug",
    )  # fmt: skip
    assert (ended.code, ended.out) == (Code.OK, "running\n")
    assert server.paths == ["POST /api/v1/experiments"]
    assert json.loads(server.requests[0].content) == {
        "name": "e1",
        "arms": [{"name": "control"}, {"name": "b", "provider": "gpt", "model": "m", "weight": 3}],
        "metric": "cost",
        "kinds": ["fix_bug"],
    }


@pytest.mark.parametrize("given", ["b,provider", "b,weight=x", "b,colour=red", "b,strategy="])
def test_an_arm_that_can_not_be_read_is_a_usage_error(command: Command, serve: Serve, given: str) -> None:
    server = serve(ok())
    ended = command("experiment", "start", "e1", "--arm", "a", "--arm", given)
    assert ended.code == Code.USAGE
    assert given in ended.err
    assert server.requests == []


def test_what_it_has_shown_is_a_table(command: Command, serve: Serve) -> None:
    results = [arm("control", None), arm("b", COMPARISON | {"enough": False})]
    serve(ok({"name": "e1", "status": "running", "metric": "cost", "results": results}))
    ended = command("experiment", "show", "e1")
    lines = ended.out.splitlines()
    assert lines[0] == "e1 is running, by cost"
    assert lines[3].split()[:8] == ["control", "50", "44", "3", "2", "90.9%", "$0.0042", "3.25"]
    assert lines[4].endswith("better: -0.0042 (-0.006 … -0.002), 100.0% sure, too few samples")


@pytest.mark.parametrize(("word", "status"), [("pause", "paused"), ("resume", "running"), ("end", "ended")])
def test_a_word_changes_its_status(command: Command, serve: Serve, word: str, status: str) -> None:
    server = serve(ok({"name": "e1", "status": status}))
    assert command("experiment", word, "e1").out == f"{status}\n"
    assert server.paths == ["PATCH /api/v1/experiments/e1"]
    assert json.loads(server.requests[0].content) == {"status": status}


def test_experiments_are_listed_with_their_arms(command: Command, serve: Serve) -> None:
    each = {"name": "e1", "status": "running", "metric": "cost", "arms": [{"name": "a", "weight": 2}]}
    serve(ok({"data": [each]}))
    assert command("experiment", "list").out.splitlines()[1].split() == ["e1", "running", "cost", "a", "2"]
