"""Child processes on a lifeline: they end with their starter, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestrator import clock
from orchestrator.cli.system.process import Child, Spec

GRACE = "0.5"
WAITS = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(60)"
IGNORES = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS[17:]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = clock.monotonic() + seconds
    while not condition():
        assert clock.monotonic() < deadline, "it did not come to that in time"
        clock.pause(0.02)


def started(folder: Path, program: str) -> "subprocess.Popen[bytes]":
    """A child on a lifeline that we hold, once its program runs."""
    (folder / "program.py").write_text(program)
    runner = ("-m", "orchestrator.cli.system.child", GRACE, "program", str(folder / "runs"))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    child = subprocess.Popen([sys.executable, *runner], stdin=subprocess.PIPE, env=environment)
    until((folder / "runs").exists)
    return child


def test_a_child_ends_when_its_lifeline_does(tmp_path: Path) -> None:
    with started(tmp_path, WAITS) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == -signal.SIGTERM


def test_a_child_that_ignores_that_is_killed(tmp_path: Path) -> None:
    with started(tmp_path, IGNORES) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == -signal.SIGKILL


def test_a_module_sees_its_own_arguments_and_no_input(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "module.py").write_text(
        "import sys; print(__name__, sys.argv[1:], repr(sys.stdin.read())); sys.exit(3)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    child = Child(Spec("one", "module", ("--flag", "a b"), environment), tmp_path)
    child.start()
    until(lambda: not child.running)
    child.let_go()
    assert child.exit_code == 3
    assert child.last_lines() == "__main__ ['--flag', 'a b'] ''"


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGTERM])
def test_a_starter_that_is_killed_takes_its_children_along(tmp_path: Path, ended: signal.Signals) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "waits.py").write_text(WAITS)
    starter = (
        "import os, sys, time; from pathlib import Path;"
        "from orchestrator.cli.system.process import Child, Spec;"
        "home = Path(sys.argv[1]);"
        "child = Child(Spec('one', 'waits', (str(home / 'runs'),), os.environ), home);"
        "child.start(); print(child.pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", starter, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        until((tmp_path / "runs").exists)
        process.send_signal(ended)
        process.wait(timeout=20)
    until(lambda: not psutil.pid_exists(pid))
