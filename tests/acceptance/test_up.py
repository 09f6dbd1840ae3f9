"""`orchestrator up`: it serves, it mends, it stops, and it leaves nothing behind."""

import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.acceptance.system import START_SECONDS, Terminal, terminal, until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def user() -> Iterator[Terminal]:
    with terminal() as made:
        yield made


def test_up_serves_everything_it_prints_mends_it_and_ctrl_c_leaves_nothing(user: Terminal) -> None:
    up = user.up("--latency-ms", "50")
    # Given a system whose addresses were printed,
    assert up.get("/readyz") == 200
    assert up.get("/docs") == 200
    assert up.facts["simulated"] is True
    assert up.facts["providers"] == ["simulated-openai", "simulated-backup"]
    # when a user works with it in another terminal, without any setting,
    code, out, _ = user.run("submit", "generate-code", "Write slugify(title) in slugify.py")
    assert (code, "+def slugify(" in out) == (0, True)
    _, out, _ = user.run("-o", "json", "worker", "list")
    assert [worker["state"] for worker in json.loads(out)["data"]] == ["live"]
    code, out, _ = user.run("doctor")
    assert (code, "fail" in out) == (0, False)
    # then only those who know the login see Flower, nobody starts a second one on the same data,
    assert _status(up.facts["flower_url"]) == 401
    code, out, errors = user.run("up", "--no-flower")
    assert (code, out) == (1, "")
    assert f"is in use by process {up.process.pid}" in errors
    assert "--data-dir" in errors
    # a child that is killed comes back while the others stay,
    for words in ("orchestrator.server", "--pool"):
        _kill_and_await_another(user, words)
    until(lambda: up.get("/readyz") == 200, START_SECONDS, "the API is ready again")
    assert "api ended (SIGKILL); it starts again" in user.errors_of(up.process)
    api = user.child("orchestrator.server").pid
    _kill_and_await_another(user, "orchestrator.dispatcher")
    assert user.child("orchestrator.server").pid == api
    code, _, errors = user.run("submit", "generate-code", "Write slugify(title) in slugify.py")
    assert (code, "succeeded" in errors) == (0, True)
    # and Ctrl-C ends every process and every server.
    assert up.interrupt() == 0
    assert user.processes() == []


def test_no_child_outlives_a_killed_up_and_the_next_one_goes_on(user: Terminal) -> None:
    first = user.up("--no-flower")
    key = first.facts["api_key"]
    assert key.startswith("orc_live_")
    assert (user.data_dir / "api-key").read_text().strip() == key
    assert (user.data_dir / "api-key").stat().st_mode & 0o777 == 0o600
    code, out, _ = user.run("submit", "generate-code", "Write slugify(title)", "--no-wait")
    assert code == 0
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(timeout=10)
    until(lambda: not _children(user), 40, "no child lives")
    # Postgres and Valkey go on by themselves; the next `up` takes them over, with what they know.
    again = user.up("--no-flower")
    assert again.facts["api_key"] is None
    assert user.run("task", "wait", out.strip())[0] == 0
    assert user.run("task", "list", "--api-key", "orc_live_wrong")[0] == 4
    # SIGTERM stops it as Ctrl-C does, and a second signal hurries it.
    again.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in user.errors_of(again.process), 10, "it says that it stops")
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(timeout=30) == 0
    assert user.processes() == []


def test_a_port_that_was_asked_for_and_is_taken_is_refused(user: Terminal) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, errors = user.run("up", "--port", str(port))
    assert code == 1
    assert f"Port {port} on 127.0.0.1 is taken." in errors
    assert not user.data_dir.exists()


def _kill_and_await_another(user: Terminal, words: str) -> None:
    killed = user.child(words)
    killed.kill()

    def is_back() -> bool:
        living = [one for one in user.processes() if words in " ".join(one.cmdline())]
        return len(living) == 1 and living[0].pid != killed.pid

    until(is_back, START_SECONDS, f"{words} is back")


def _children(user: Terminal) -> list[int]:
    found = []
    for one in user.processes():
        # One that ends between two looks has no command line any more.
        with suppress(psutil.Error):
            if "orchestrator.cli.system.child" in one.cmdline():
                found.append(one.pid)
    return found


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
