"""The Valkey server. It carries nudges only, so it keeps nothing on disk, and it evicts nothing."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from orchestrator.embedded.directory import write_private
from orchestrator.embedded.errors import StartFailed
from orchestrator.embedded.processes import first_number, is_alive, run_as, send, text_of, wait_until

PATIENCE_SECONDS = 10
LOG_LINES = 15


@dataclass(frozen=True)
class Valkey:
    """A server on 127.0.0.1 with its files in `home`. Its state is the pid file, never this object."""

    home: Path
    program: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def pid(self) -> int | None:
        """The server's process; None when it doesn't run."""
        pid = first_number(self.home / "server.pid")
        return pid if pid is not None and is_alive(pid, self._settings) else None

    def start(self) -> None:
        """Start, or go on with the server that runs already and answers."""
        if self.pid is not None:
            if wait_until(self._answers, PATIENCE_SECONDS):
                return
            self.kill()
        self.home.mkdir(parents=True, exist_ok=True)
        write_private(self._settings, self._settings_text())
        done = run_as(None, [self.program, self._settings], cwd=self.home)
        if done.returncode or not wait_until(self._answers, PATIENCE_SECONDS):
            tail = "\n".join((text_of(self.log) or "").splitlines()[-LOG_LINES:])
            raise StartFailed(f"Valkey did not start.\n{done.stdout}{tail}", f"Its whole log: {self.log}")

    def stop(self) -> None:
        """Stop; by force when it doesn't end in time."""
        self._end(signal.SIGTERM)
        self.kill()

    def kill(self) -> None:
        """kill -9: everything it held is gone."""
        self._end(signal.SIGKILL)

    @property
    def _settings(self) -> Path:
        return self.home / "valkey.conf"

    def _settings_text(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": _quoted(self.password),
            "protected-mode": "yes",
            "daemonize": "yes",
            "supervised": "no",
            "set-proc-title": "no",
            "dir": _quoted(str(self.home)),
            "pidfile": _quoted(str(self.home / "server.pid")),
            "logfile": _quoted(str(self.log)),
            "save": '""',
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _end(self, how: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            send(pid, how)
            wait_until(lambda: self.pid != pid, PATIENCE_SECONDS)

    def _answers(self) -> bool:
        """Whether a server that knows our password answers on the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\n") < 2 and (more := link.recv(256)):
                    said += more
        except OSError:
            return False
        return said == b"+OK\r\n+PONG\r\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
