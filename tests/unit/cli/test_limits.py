"""What the commands for budgets and gates send and print."""

import json
from collections.abc import Callable

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import TASK_ID, Api, ok, problem

Serve = Callable[..., Api]
BUDGET = {
    "id": TASK_ID, "scope": "user", "subject": "ada", "period": "month", "hard": True, "limit_usd": "25.00",
    "spent_usd": "3.50", "held_usd": "0.02", "remaining_usd": "21.48",
    "window_ends": "2026-12-01T00:00:00Z",
}  # fmt: skip
GATES = [
    {"id": "circuit.a", "provider": "a", "kind": "circuit", "state": "open", "model": "m", "reason": "down",
     "closed_until": "2026-11-20T12:00:00Z", "calls": 8, "failures": 5},
    {"id": "cool_down.a", "provider": "a", "kind": "cool_down", "state": "closed"},
]  # fmt: skip


def test_budgets_are_a_table(command: Command, serve: Serve) -> None:
    server = serve(ok({"data": [BUDGET]}))
    header, row = command("budget", "list").out.splitlines()
    assert server.paths == ["GET /api/v1/budgets"]
    assert header.split()[:5] == ["id", "binds", "period", "kind", "limit"]
    told = [TASK_ID, "user", "ada", "month", "hard", "$25.00", "$3.50", "$0.02", "$21.48"]
    assert row.split() == [*told, "2026-12-01T00:00:00+00:00"]


def test_a_budget_is_set_and_its_id_printed(command: Command, serve: Serve) -> None:
    server = serve(ok(BUDGET, status=201))
    done = command("budget", "set", "25", "--scope", "user", "--subject", "ada", "--soft")
    assert done.out == f"{TASK_ID}\n"
    sent = json.loads(server.requests[0].content)
    assert sent == {"scope": "user", "subject": "ada", "period": "month", "limit_usd": "25", "hard": False}


def test_a_budget_that_is_not_there_ends_with_code_6(command: Command, serve: Serve) -> None:
    server = serve(problem(404, "not_found"))
    assert command("budget", "remove", TASK_ID).code == Code.NOT_FOUND
    assert server.paths == [f"DELETE /api/v1/budgets/{TASK_ID}"]


def test_gates_are_a_table_and_closed_alone_where_asked(command: Command, serve: Serve) -> None:
    serve(ok({"data": GATES}), ok({"data": GATES}))
    _, opened, closed = command("provider", "gates").out.splitlines()
    assert opened.split() == ["circuit.a", "open", "2026-11-20T12:00:00+00:00", "8", "5", "down"]
    assert closed.split() == ["cool_down.a", "closed"]
    lines = command("provider", "gates", "--closed", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["circuit.a"]


def test_a_reset_names_its_gate_in_one_part_of_the_path(command: Command, serve: Serve) -> None:
    server = serve(ok({}))
    assert command("provider", "reset", "circuit.a/b").code == Code.OK
    assert server.requests[0].method == "POST"
    assert server.requests[0].url.raw_path == b"/api/v1/circuit-breakers/circuit%2Ea%2Fb/reset"
