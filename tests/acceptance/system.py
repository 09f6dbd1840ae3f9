"""`orchestrator` as a user runs it: whole processes in a folder of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from orchestrator import clock
from orchestrator.catalogue.vendors import FACTS
from orchestrator.embedded.errors import EmbeddedError
from orchestrator.embedded.stack import attached

START_SECONDS = 90.0
_KEYS = tuple(name for facts in FACTS.values() for name in facts.environment)
_OF_THE_RUNNER = ("ORCHESTRATOR_", "OPENAI_", "ANTHROPIC_", "PROMETHEUS_", "COLUMNS", *_KEYS)


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition; what didn't come true is said."""
    deadline = clock.monotonic() + seconds
    while not condition():
        assert clock.monotonic() < deadline, f"within {seconds:g} s: {what}"
        clock.pause(0.05)


@dataclass
class Terminal:
    """A user's terminal: a data directory, and commands started in its folder."""

    folder: Path
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def start(self, *arguments: str, **settings: str) -> "subprocess.Popen[bytes]":
        """Start a command; its standard error goes to a file of its own."""
        command = [sys.executable, "-m", "orchestrator.cli", "--data-dir", str(self.data_dir), *arguments]
        with (self.folder / f"stderr-{len(self.started)}").open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """Run a command to its end: exit code, standard output, standard error."""
        process = self.start(*arguments, **settings)
        out, _ = process.communicate(timeout=START_SECONDS)
        return process.returncode, out.decode(), self.errors_of(process)

    def errors_of(self, process: "subprocess.Popen[bytes]") -> str:
        """What a command has said on standard error so far."""
        return (self.folder / f"stderr-{self.started.index(process)}").read_text()

    def up(self, *arguments: str, **settings: str) -> "Up":
        """`orchestrator up` once it is up."""
        process = self.start("-o", "json", "up", *arguments, **settings)
        assert process.stdout is not None
        text = b""
        while (line := process.stdout.readline()) and line != b"}\n":
            text += line
        assert line, f"up ended: {self.errors_of(process)}"
        return Up(process, json.loads(text + line))

    def processes(self) -> list[psutil.Process]:
        """Every living process that belongs to this data directory."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def child(self, words: str) -> psutil.Process:
        """The one process of ours with these words in its command line."""
        (found,) = (one for one in self.processes() if words in " ".join(one.cmdline()))
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            named = any(str(self.data_dir) in word for word in process.cmdline())
            return named or process.environ().get("ORCHESTRATOR_DATA_DIR") == str(self.data_dir)
        except psutil.Error:
            return False


@dataclass(frozen=True)
class Up:
    """A running `up` and what it printed."""

    process: "subprocess.Popen[bytes]"
    facts: dict[str, Any]

    def get(self, path: str) -> int:
        """The status of a request to the API; 0 where it doesn't answer."""
        try:
            with urllib.request.urlopen(f"{self.facts['api_url']}{path}", timeout=5) as response:
                return int(response.status)
        except OSError as error:
            return int(getattr(error, "code", 0))

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


def environment(**settings: str) -> dict[str, str]:
    """The runner's environment without its settings, so that every run begins the same."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_RUNNER)}
    return kept | settings


@contextmanager
def terminal() -> Iterator[Terminal]:
    """A terminal whose processes and data are gone at the end, whatever a test did to them."""
    folder = Path(tempfile.mkdtemp(prefix="orchestrator up "))
    folder.chmod(0o755)
    made = Terminal(folder)
    try:
        yield made
    finally:
        for process in made.started:
            _end(process)
        until(lambda: not _without_servers(made), 60, "the children are gone")
        _wipe(made.data_dir)
        shutil.rmtree(folder, ignore_errors=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=60)
    if process.stdout:
        process.stdout.close()


def _without_servers(made: Terminal) -> list[psutil.Process]:
    return [one for one in made.processes() if "orchestrator.cli" in " ".join(one.cmdline())]


def _wipe(data_dir: Path) -> None:
    try:
        stack = attached(data_dir)
    except EmbeddedError:
        return
    stack.postgres.stop("immediate")
    stack.valkey.kill()
    elsewhere = stack.postgres.cluster.data.parent
    if elsewhere != stack.data_dir:
        shutil.rmtree(elsewhere, ignore_errors=True)
