"""The stage: embedded servers for the whole run, and scenes on it, each with a database of its own.

Every process is started here and ended here by its id. What a killed run left behind is swept at the
next start: the servers are taken over, its databases dropped.
"""

import http.client
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import urlsplit

import orjson
import psycopg
import redis

from ops.bench.jobs import ROOT
from orchestrator.cli.system.process import Child, Spec
from orchestrator.embedded.directory import free_port
from orchestrator.embedded.stack import Stack, running
from orchestrator.store.migrate import migrate

TEMPLATE: Final = "bench_template"
_DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")


class Failed(Exception):
    """Something did not happen that the measurement needs."""


@dataclass
class Scene:
    """A database, an emptied broker, a provider, and the processes that work with them."""

    stack: Stack
    folder: Path
    database_url: str
    environment: dict[str, str]
    children: dict[str, Child] = field(default_factory=dict)
    simulator_url: str = ""

    def start(self, name: str, module: str, *arguments: str) -> int:
        """Start `python -m module`; its process id."""
        child = Child(Spec(name, module, arguments, self.environment), self.folder)
        child.start()
        self.children[name] = child
        return child.pid or 0

    def start_simulator(self, latency: float) -> None:
        """Start the provider, whose first byte comes after `latency` seconds."""
        port = free_port()
        self.start(
            "simulator", "orchestrator.simulator", "--port", str(port), "--latency-ms", str(latency * 1000)
        )
        self.simulator_url = f"http://127.0.0.1:{port}"
        self.until(lambda: answers(f"{self.simulator_url}/simulator/health"), "the simulator answers")

    def stop(self, name: str) -> None:
        """kill -9: nothing is kept that a gentle end would save."""
        child = self.children.pop(name)
        child.kill()
        child.let_go()

    def pids(self) -> dict[str, int]:
        """The process ids of all that runs, the servers included."""
        found = {name: child.pid for name, child in self.children.items()}
        found |= {"postgres": self.stack.postgres.pid, "valkey": self.stack.valkey.pid}
        return {name: pid for name, pid in found.items() if pid is not None}

    def at_provider(self) -> dict[str, int]:
        """How many requests the provider has `open` and `finished`."""
        return dict(fetched(f"{self.simulator_url}/simulator/health"))

    def rows(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query on the scene's database."""
        with connected(self.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait; raises `Failed` at the end of the seconds, or as soon as a process has ended."""
        end = time.monotonic() + seconds
        while not condition():
            ended = [child for child in self.children.values() if not child.running]
            if ended:
                raise Failed(f"{ended[0].spec.name} ended:\n{ended[0].last_lines()}")
            if time.monotonic() > end:
                logs = "\n".join(f"{name}:\n{child.last_lines(5)}" for name, child in self.children.items())
                raise Failed(f"after {seconds:g} s still not: {what}\n{logs}")
            time.sleep(0.02)


class Stage:
    """The servers of a run."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self._folder = folder
        self._scenes = 0

    @contextmanager
    def scene(self, *, latency: float = 0.2, template: str = TEMPLATE) -> Iterator[Scene]:
        """A scene with its provider; when the block ends, its processes and its database are gone."""
        self._scenes += 1
        name = f"bench_{self._scenes}"
        folder = self._folder / name
        for inner in ("logs", "metrics"):
            (folder / inner).mkdir(parents=True)
        with ExitStack() as closing:
            database_url = self._new_database(name, template)
            closing.callback(self._drop, name)
            scene = Scene(self.stack, folder, database_url, self._environment(folder, database_url))
            closing.callback(_end, scene)
            redis.Redis.from_url(self.stack.broker_url).flushall()
            scene.start_simulator(latency)
            yield scene

    def prepare(self) -> None:
        """Sweep what an earlier run left, and make the migrated database that scenes are copied from."""
        with connected(self.stack.database_url) as connection:
            lax = [name for name in _DURABLE if _shown(connection, name) != "on"]
            left = connection.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'bench\_%'")
            names = [str(row[0]) for row in left]
        if lax:
            raise Failed(f"a benchmark without {', '.join(lax)} says nothing")
        for name in names:
            self._drop(name)
        migrate(self._new_database(TEMPLATE, "template1"))

    def _new_database(self, name: str, template: str) -> str:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"{self.stack.database_url.rpartition('/')[0]}/{name}"

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with connected(self.stack.database_url) as connection:
            connection.execute(statement.encode())

    def _environment(self, folder: Path, database_url: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")}
        return own | {
            "ORCHESTRATOR_DATABASE_URL": database_url,
            "ORCHESTRATOR_BROKER_URL": self.stack.broker_url,
            "ORCHESTRATOR_DATA_DIR": str(folder),
            "ORCHESTRATOR_SIMULATOR_KEY": "simulated",
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            "PYTHONPATH": str(ROOT),
        }


@contextmanager
def stage(data_dir: Path, announce: Callable[[str], None]) -> Iterator[Stage]:
    """The servers, with their data in `data_dir`."""
    with (
        running(data_dir, announce) as stack,
        tempfile.TemporaryDirectory(prefix="orchestrator-bench-", ignore_cleanup_errors=True) as folder,
    ):
        made = Stage(stack, Path(folder))
        made.prepare()
        yield made


def connected(database_url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit."""
    return psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True)


def answers(url: str, headers: dict[str, str] | None = None) -> bool:
    """Whether an HTTP server answers there with 200."""
    try:
        return _get(url, headers or {})[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def fetched(url: str) -> Any:
    """The JSON that an HTTP server has there."""
    return orjson.loads(_get(url, {})[1])


def tag_of(url: str, headers: dict[str, str]) -> str:
    """The ETag of what is there."""
    return _get(url, headers)[2]


def _get(url: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        link.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        response = link.getresponse()
        return response.status, response.read(), response.headers.get("ETag", "")
    finally:
        link.close()


def _shown(connection: psycopg.Connection[tuple[Any, ...]], setting: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    return str(row[0]) if row else ""


def _end(scene: Scene) -> None:
    for name in list(scene.children):
        scene.stop(name)
