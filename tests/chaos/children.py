"""The processes of a run: started under a name, killed by process id, started again under the same name."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PATIENCE_SECONDS = 30.0


class Stalled(Exception):
    """A condition did not come true in time."""


def eventually(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds; raises `Stalled`, which names it."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Stalled(f"after {seconds:g} s still not: {what}")
        time.sleep(0.02)


class Child:
    """One process with a name; its output goes to `<name>.log`. Starting it again keeps name and log."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], tree: Path) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._tree = tree
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The living process; None once it has ended."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self, log: Path, **settings: str) -> None:
        """Start it, with further variables for this start alone."""
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._tree,
                env={**self._environment, **settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for the harness, which ends each child by its id.
                start_new_session=True,
            )

    def died(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether it ends by itself within the time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Signal the process, if it lives."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until the system has taken it away."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    @property
    def stopped(self) -> bool:
        """Whether it is halted by SIGSTOP."""
        pid = self.pid
        return pid is not None and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
