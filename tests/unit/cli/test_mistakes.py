"""Ordinary mistakes at a terminal: a readable line, the right exit code, and never a traceback."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import config as settings
from orchestrator.cli import printing
from orchestrator.cli.exits import Code
from orchestrator.cli.session import Session
from tests.unit.cli.conftest import Command, Ended
from tests.unit.client.scripted import TASK_ID, Api, ok

Serve = Callable[..., Api]
NOBODY = "http://127.0.0.1:9"


def run(*arguments: str | bytes, out: str | None = None, **environment: str | bytes) -> Ended:
    """Run `orchestrator` as a process, where bytes are what a shell gives."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")}
    given = {os.fsencode(name): os.fsencode(value) for name, value in (kept | environment).items()}
    command = [sys.executable, "-m", "orchestrator.cli", *arguments]
    with Path(out or os.devnull).open("w") as target:
        done = subprocess.run(
            command, stdout=target, stderr=subprocess.PIPE, env=given, check=False, timeout=60
        )
    return Ended(done.returncode, "", done.stderr.decode())


def is_one_line(ended: Ended, code: Code, told: str) -> None:
    assert "Traceback" not in ended.err
    assert told in ended.err
    assert (ended.err.count("\n"), ended.code) == (1, code)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("submit", "generate-code", "a\udcffb"), "no UTF-8 text"),
        (("submit", "generate-code", "x", "--idempotency-key", "é"), "visible ASCII"),
        (("task", "list", "--api-key", "é"), "visible ASCII"),
        (("task", "list", "--url", "http://[::1"), "is no address"),
    ],
)
def test_what_can_not_be_sent_is_a_mistake_of_the_user(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_URL", NOBODY)
    is_one_line(command(*arguments), Code.USAGE, told)


def test_bytes_of_a_shell_that_are_no_text_are_a_mistake_of_the_user() -> None:
    ended = run(b"task", b"list", b"--label", b"\xff", ORCHESTRATOR_API_URL=NOBODY)
    is_one_line(ended, Code.USAGE, "label has bytes that are no UTF-8 text")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("KEY", "é", "visible ASCII"), ("URL", "http://[::1", "is no address")],
)
def test_a_wrong_setting_is_a_mistake_of_the_user(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_URL", NOBODY)
    monkeypatch.setenv(f"ORCHESTRATOR_API_{name}", value)
    is_one_line(command("task", "list"), Code.USAGE, told)


@pytest.mark.parametrize("reference", ["stats", "../../../readyz", "é", ""])
@pytest.mark.parametrize("name", ["get", "wait", "result", "cancel", "retry", "events", "calls"])
def test_an_id_that_is_none_is_refused_before_any_request(
    command: Command, serve: Serve, name: str, reference: str
) -> None:
    server = serve(ok())
    ended = command("task", name, reference)
    assert (ended.code, ended.out, server.paths) == (Code.USAGE, "", [])
    assert "valid UUID" in ended.err


def test_another_servers_answer_is_said_to_be_one(command: Command, serve: Serve) -> None:
    serve(ok({"hello": "world"}))
    ended = command("task", "get", TASK_ID)
    assert ended.code == Code.UNAVAILABLE
    assert "Is that an Orchestrator's address?" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
@pytest.mark.parametrize("arguments", [("openapi",), ("--help",)])
def test_a_full_disk_is_said_in_a_line(arguments: tuple[str, ...]) -> None:
    is_one_line(run(*arguments, out="/dev/full"), Code.FAILED, "No space left on device")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_table_on_a_full_disk_is_said_in_a_line(
    command: Command, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(ok({"data": [], "has_more": False, "next_cursor": None}))
    with os.fdopen(os.open("/dev/full", os.O_WRONLY), "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        ended = command("task", "list")
    is_one_line(ended, Code.FAILED, "standard output can't be written: No space left on device.")


def test_an_output_without_these_letters_gets_them_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    printing.write("漢 \udcff")
    assert output.buffer.getvalue() == b"\\u6f22 \\udcff"


def _broken(_: Session) -> None:
    raise LookupError("nobody thought\nof this")


def test_what_nobody_foresaw_is_one_line_and_where_to_report_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "client", _broken)
    ended = command("task", "list")
    first, second = ended.err.splitlines()
    assert (ended.code, ended.out, first) == (Code.FAILED, "", "error: LookupError: nobody thought of this")
    assert "report" in second
    assert "--debug" in second


def test_the_traceback_is_there_for_who_asks(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "client", _broken)
    assert "Traceback" in command("task", "list", "--debug").err
    assert "Traceback" not in command("task", "list").err
    monkeypatch.setenv("ORCHESTRATOR_DEBUG", "1")
    settings.config.cache_clear()
    assert "Traceback" in command("task", "list").err


def test_a_description_may_speak_of_debug(command: Command, serve: Serve) -> None:
    server = serve(ok(status=202))
    assert command("submit", "generate-code", "--no-wait", "--", "--debug").code == Code.OK
    assert b"--debug" in server.requests[0].content
