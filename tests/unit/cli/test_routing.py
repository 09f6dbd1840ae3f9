"""What the commands for routes and their configuration send and print."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Api, ok

Serve = Callable[..., Api]
WEIGHTS = {"capability": 40, "cost": 25, "history": 20, "preference": 15}
CONFIG: dict[str, Any] = {
    "strategy": "balanced", "weights": WEIGHTS, "max_cost_usd": None, "preferred": [], "shares": {},
}  # fmt: skip


def candidate(provider: str, score: float, calls: int) -> dict[str, Any]:
    parts = {"capability": 76.0, "cost": 99.3, "history": 81.0, "preference": 50.0}
    return {
        "provider": provider, "model": "m", "score": score, "parts": parts, "estimated_cost_usd": "0.0013",
        "expected_seconds": 12.34, "success_rate": 0.95, "calls": calls,
    }  # fmt: skip


ROUTE = {
    "strategy": "balanced", "chosen_by": "tenant", "weights": WEIGHTS, "budget_usd": "0.10",
    "input_tokens": 1200, "candidates": [candidate("a", 84.77, 50), candidate("b", 70.0, 0)],
    "filtered": [{"provider": "c", "reason": "paused", "detail": "is paused"}],
}  # fmt: skip


def test_a_route_is_a_table_with_its_weights_and_who_was_left_out(command: Command, serve: Serve) -> None:
    server = serve(ok({"task_id": TASK_ID, "current": 1, "provider": "b", "route": ROUTE}))
    lines = command("task", "explain", TASK_ID).out.splitlines()
    assert server.paths == [f"GET /api/v1/tasks/{TASK_ID}/explain"]
    assert lines[0] == "strategy  balanced (named by the tenant)"
    assert "able 40, cost 25, history 20, preferred 15 %" in lines[1]
    first, second = (line.split() for line in lines[5:7])
    assert first[:5] == ["1", "a", "m", "84.8", "76"]
    assert " ".join(first[9:]) == "12.3 s (50 calls, 95% good)"
    assert second[:3] == ["→", "2", "b"]
    assert " ".join(second[-4:]) == "s (not measured yet)"
    assert lines[-1] == "  c is paused [paused]"


def test_a_task_from_before_routes_were_explained_says_so(command: Command, serve: Serve) -> None:
    serve(ok({"task_id": TASK_ID, "current": 0, "provider": "a", "route": None}))
    assert "before routes were explained" in command("task", "explain", TASK_ID).out


def test_the_configuration_is_shown(command: Command, serve: Serve) -> None:
    serve(ok(CONFIG | {"preferred": ["a"], "max_cost_usd": "0.50"}))
    lines = command("config", "show").out.splitlines()
    assert lines[0] == "strategy   balanced"
    assert lines[1] == "weights    capability 40 %, cost 25 %, history 20 %, preference 15 %"
    assert lines[2:] == [
        "max cost   $0.50 a task",
        "preferred  a",
        "shares     by score",
        "redaction  required",
        "similar    off",
    ]


def test_what_is_set_is_changed_and_the_rest_kept(command: Command, serve: Serve) -> None:
    server = serve(ok(CONFIG | {"preferred": ["a"]}), ok(CONFIG))
    done = command("config", "set", "--strategy", "cheapest", "--weight", "cost=40", "--weight", "history=5")
    assert done.code == Code.OK
    sent = json.loads(server.requests[1].content)
    assert sent["strategy"] == "cheapest"
    assert sent["weights"] == WEIGHTS | {"cost": 40, "history": 5}
    assert sent["preferred"] == ["a"]


def test_what_is_hidden_from_providers_is_set_with_the_rest(command: Command, serve: Serve) -> None:
    server = serve(ok(CONFIG), ok(CONFIG | {"redaction": "optional"}))
    assert "redaction  optional" in command("config", "set", "--redaction", "optional").out
    assert json.loads(server.requests[1].content)["redaction"] == "optional"


def test_who_compares_questions_is_set_and_switched_off(command: Command, serve: Serve) -> None:
    similar = {"provider": "a", "likeness": 0.9}
    server = serve(
        ok(CONFIG), ok(CONFIG | {"similar": similar}), ok(CONFIG | {"similar": similar}), ok(CONFIG)
    )
    assert "similar    by a, from a likeness of 0.9" in command("config", "set", "--similar", "a=0.9").out
    assert json.loads(server.requests[1].content)["similar"] == similar
    assert "similar    off" in command("config", "set", "--similar", "off").out
    assert json.loads(server.requests[3].content)["similar"] is None
    assert command("config", "set", "--similar", "a=much").code == Code.USAGE


def test_a_reset_keeps_only_what_is_given(command: Command, serve: Serve) -> None:
    server = serve(ok(CONFIG))
    assert command("config", "set", "--reset", "--share", "a=3").code == Code.OK
    assert json.loads(server.requests[0].content) == {"shares": {"a": 3}}


@pytest.mark.parametrize("weight", ["cost", "cost=", "=3", "cost=many", "cost=-1"])
def test_a_weight_that_is_no_number_is_a_mistake_of_usage(
    command: Command, serve: Serve, weight: str
) -> None:
    server = serve(ok(CONFIG))
    assert command("config", "set", "--weight", weight).code == Code.USAGE
    assert all(request.method == "GET" for request in server.requests)
