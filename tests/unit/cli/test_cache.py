"""What the commands for the cache of answers send and print."""

import json
from collections.abc import Callable
from typing import Any

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command
from tests.unit.client.scripted import Api, ok

Serve = Callable[..., Api]
STATS: dict[str, Any] = {
    "since": None,
    "lookups": 0,
    "hits": 0,
    "hits_alike": 0,
    "hit_ratio": None,
    "served": 0,
    "input_tokens_served": 0,
    "output_tokens_served": 0,
    "saved_usd": "0.00",
}


def test_what_was_spared_is_shown(command: Command, serve: Serve) -> None:
    serve(
        ok(STATS | {"lookups": 1000, "hits": 700, "hits_alike": 20, "hit_ratio": 0.7, "since": "2026-11-25"})
    )
    lines = command("cache", "stats").out.splitlines()
    assert lines[:2] == ["look-ups  1,000", "hits      700 (70%), 20 of them by likeness"]
    serve(ok(STATS))
    assert "nothing was asked yet" in command("cache", "stats").out


def test_warming_sends_what_was_chosen_and_names_what_was_left_out(command: Command, serve: Serve) -> None:
    server = serve(ok({"kept": 2, "there": 1, "left_out": [{"task_id": "t", "reason": "rejected"}]}))
    done = command("cache", "warm", "--kind", "chat", "--limit", "4")
    assert json.loads(server.requests[0].content) == {"kind": "chat", "limit": 4}
    assert done.out == "2 kept, 1 there before\nt  rejected\n"
    server = serve(ok({"kept": 1, "there": 0, "left_out": []}))
    command("cache", "warm", "t")
    assert json.loads(server.requests[0].content) == {"tasks": ["t"]}


def test_clearing_says_nothing(command: Command, serve: Serve) -> None:
    server = serve(ok({}))
    assert command("cache", "clear").code == Code.OK
    assert server.requests[0].url.path == "/api/v1/cache/clear"
