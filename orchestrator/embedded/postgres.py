"""The Postgres server: started, stopped, restarted, found again after its starter was killed.

The server is a daemon of its own session, so Ctrl-C in the terminal doesn't reach it before the
processes that use it have ended.
"""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from orchestrator import clock
from orchestrator.embedded.cluster import DATABASE, ROLE, Cluster
from orchestrator.embedded.errors import StartFailed
from orchestrator.embedded.processes import first_number, is_alive, run_as, send, text_of, wait_until

Mode = Literal["smart", "fast", "immediate"]
PATIENCE_SECONDS = 60
LOG_LINES = 15
STATUS_LINE = 7  # of postmaster.pid, counted from 0
STILL_IN_USE = "pre-existing shared memory block"


@dataclass(frozen=True)
class Postgres:
    """A server on 127.0.0.1 over one cluster. Its state is the pid file, never this object."""

    cluster: Cluster
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def log(self) -> Path:
        return self.cluster.data / "server.log"

    @property
    def _pid_file(self) -> Path:
        return self.cluster.data / "postmaster.pid"

    @property
    def pid(self) -> int | None:
        """The postmaster; None when it doesn't run."""
        pid = first_number(self._pid_file)
        return pid if pid is not None and is_alive(pid, self.cluster.data) else None

    def start(self) -> None:
        """Start, or go on with the server that runs already; returns when it takes connections."""
        changed = self.cluster.configure(self.port)
        if self.pid is not None and changed:
            self.restart()
        elif self.pid is None:
            self._start()
        elif not wait_until(self._is_ready, PATIENCE_SECONDS):
            raise self._failure("Postgres runs but takes no connections.")

    def stop(self, mode: Mode = "fast") -> None:
        """Stop; by force when the wish isn't met in time. A stopped server stays stopped."""
        if self.pid is None:
            return
        if self._control("stop", "-m", mode) is not None and self.pid is not None:
            self._control("stop", "-m", "immediate")

    def restart(self, mode: Mode = "fast") -> None:
        """Stop and start; `immediate` is a crash with recovery."""
        self.stop(mode)
        self._start()

    def kill(self) -> None:
        """kill -9 of the postmaster: the crash that nothing was told of."""
        if (pid := self.pid) is not None:
            send(pid, signal.SIGKILL)
            wait_until(lambda: self.pid is None, PATIENCE_SECONDS)

    def _start(self) -> None:
        self._forget_foreign_pid()
        # After a kill of the postmaster its backends may need a moment to notice; a new one waits for that.
        deadline = clock.monotonic() + PATIENCE_SECONDS
        while (said := self._control("start", "-l", str(self.log))) is not None:
            if STILL_IN_USE not in self._log_tail() or clock.monotonic() > deadline:
                raise self._failure(said)
            clock.pause(0.2)

    def _control(self, action: str, *options: str) -> str | None:
        """Run pg_ctl and wait for the end of the action; what it said when it failed."""
        cluster = self.cluster
        waiting = ("-w", "-t", str(PATIENCE_SECONDS), "-s")
        command: tuple[str | Path, ...] = (cluster.programs / "pg_ctl", action, "-D", cluster.data)
        done = run_as(cluster.account, (*command, *waiting, *options), cwd=cluster.data)
        return done.stdout.strip() if done.returncode else None

    def _is_ready(self) -> bool:
        lines = (text_of(self._pid_file) or "").splitlines()
        return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"

    def _forget_foreign_pid(self) -> None:
        """Remove a stale pid file whose number now belongs to something else, a zombie included:
        Postgres can't tell it from a postmaster and would refuse to start."""
        pid = first_number(self._pid_file)
        if pid is not None and psutil.pid_exists(pid) and not is_alive(pid, self.cluster.data):
            self._pid_file.unlink(missing_ok=True)

    def _log_tail(self) -> str:
        return "\n".join((text_of(self.log) or "").splitlines()[-LOG_LINES:])

    def _failure(self, said: str) -> StartFailed:
        return StartFailed(f"{said}\n{self._log_tail()}", f"Its whole log: {self.log}")
