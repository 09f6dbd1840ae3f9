"""One child process: how it is started, what it said last, how it ends."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Spec:
    """A process to run: a module with its arguments, its settings, and the seconds it may take to stop.

    `descriptors` are open files of ours that it gets too.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stops_within: float = 10.0
    descriptors: tuple[int, ...] = ()


class Child:
    """A process of ours. It lives in a session of its own, so Ctrl-C in the terminal doesn't reach it."""

    def __init__(self, spec: Spec, home: Path) -> None:
        self.spec = spec
        self.log = home / "logs" / f"{spec.name}.log"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it prints is added to its log."""
        runner = ("-P", "-m", "orchestrator.cli.system.child", str(self.spec.stops_within))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *runner, self.spec.module, *self.spec.arguments],
                cwd=self._home,
                env=dict(self.spec.environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.spec.descriptors,
            )

    @property
    def pid(self) -> int | None:
        """Its process id; None before the start."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs or before the start."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._send(signal.SIGKILL)
        if self._process:
            self._process.wait()

    def let_go(self) -> None:
        """Close our end of its lifeline, after it has ended."""
        if self._process and self._process.stdin:
            self._process.stdin.close()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-count:])

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)


def how_it_ended(exit_code: int) -> str:
    """An exit code in words."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
