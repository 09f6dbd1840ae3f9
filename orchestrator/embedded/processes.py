"""Processes that outlive whoever started them: who they are, whether they live, how they end.

A pid alone proves nothing, because the system reuses pids; a process counts as ours only when its
command line names our files as well.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, CompletedProcess, run

import psutil

from orchestrator import clock
from orchestrator.embedded.account import Account

# Nothing of the caller's environment reaches the servers: a PGPORT or LC_ALL of theirs would.
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def run_as(
    account: Account | None,
    command: Sequence[str | Path],
    *,
    cwd: Path,
    stdin: str | None = None,
) -> CompletedProcess[str]:
    """Run to the end, as another user when one is given; output and errors come back as one text."""
    return run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT,
        input=stdin,
        stdin=DEVNULL if stdin is None else None,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        errors="replace",
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        # Ctrl-C in the terminal is for the starter, which stops the servers in its own order.
        start_new_session=True,
    )


def text_of(path: Path) -> str | None:
    """The file's text; None when there is no file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def first_number(path: Path) -> int | None:
    """The pid in the first line of a pid file; None when there is none."""
    words = (text_of(path) or "").split()
    return int(words[0]) if words and words[0].isdecimal() else None


def is_alive(pid: int, names: Path) -> bool:
    """Whether the process lives and its command line names this path."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(names) in process.cmdline()
    except psutil.Error:
        return False


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    try:
        psutil.Process(pid).send_signal(number)
    except psutil.NoSuchProcess:
        return


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when it doesn't within the time."""
    deadline = clock.monotonic() + seconds
    while not condition():
        if clock.monotonic() > deadline:
            return False
        clock.pause(0.01)
    return True
