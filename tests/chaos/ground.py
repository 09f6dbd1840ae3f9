"""The whole product on real servers: database, broker, provider, API, dispatchers, workers, each a process.

Every process is started here, is ended here by its id, and may be killed at any time in between.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import orjson

from orchestrator.auth import bootstrap_key
from orchestrator.config import Config
from orchestrator.embedded.directory import free_port
from orchestrator.embedded.stack import Stack, running
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.limits.budgets import add_budget
from orchestrator.store.migrate import migrate
from orchestrator.wiring import open_parts
from schemas.budgets import BudgetRequest
from schemas.providers import Vendor, Wire
from tests.chaos import reading, tripwire
from tests.chaos.children import Child, Stalled, eventually
from tests.chaos.proxy import Links
from tests.chaos.records import Received

ROOT = Path(__file__).resolve().parents[2]
_CELERY = (
    *("celery", "-A", "workers", "worker", "--pool", "threads"),
    *("--without-gossip", "--without-mingle", "-l", "warning"),
)
LANES: Mapping[str, tuple[Vendor, str]] = {
    "first": (Vendor.OPENAI, "gpt-5-mini"),
    "second": (Vendor.CUSTOM, "gpt-4.1-mini"),
    "third": (Vendor.AZURE, "gpt-4o-mini"),
}
"""The providers of a run: name, vendor (and with it the queue) and model. All of them are the simulator."""


@dataclass(frozen=True, slots=True)
class Times:
    """The product's times in a run, shorter than its defaults; seconds."""

    lease: float = 6.0
    heartbeat: float = 1.0
    dead_after: float = 4.0
    nudge: float = 3.0
    max_crashes: int = 3
    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 60.0
    total: float = 600.0
    circuit_open: float = 10.0
    circuit_open_most: float = 300.0

    def environment(self) -> dict[str, str]:
        """As settings of the processes."""
        return {
            "ORCHESTRATOR_LEASE_SECONDS": str(self.lease),
            "ORCHESTRATOR_HEARTBEAT_SECONDS": str(self.heartbeat),
            "ORCHESTRATOR_DEAD_AFTER_SECONDS": str(self.dead_after),
            "ORCHESTRATOR_NUDGE_SECONDS": str(self.nudge),
            "ORCHESTRATOR_MAX_CRASHES": str(self.max_crashes),
            "ORCHESTRATOR_CONNECT_TIMEOUT": str(self.connect),
            "ORCHESTRATOR_FIRST_TOKEN_TIMEOUT": str(self.first_token),
            "ORCHESTRATOR_IDLE_TIMEOUT": str(self.idle),
            "ORCHESTRATOR_TOTAL_TIMEOUT": str(self.total),
            "ORCHESTRATOR_CIRCUIT_OPEN_SECONDS": str(self.circuit_open),
            "ORCHESTRATOR_CIRCUIT_OPEN_MOST": str(self.circuit_open_most),
        }

    def __str__(self) -> str:
        return (
            f"lease {self.lease:g} s, heartbeat {self.heartbeat:g} s, "
            f"dead after {self.dead_after:g} s, nudge repeated after {self.nudge:g} s, "
            f"{self.max_crashes} crashes a task"
        )


@dataclass(frozen=True, slots=True)
class Door:
    """Where tasks are submitted, and with which key."""

    url: str
    key: str


@dataclass
class Ground:
    """A running product. Children are found by name; `elsewhere`: requests that stand-ins received.

    With a seed in `clumsy`, the store of every process of ours stumbles.
    """

    stack: Stack
    database_url: str
    folder: Path
    door: Door
    simulator_url: str
    environment: dict[str, str]
    tree: Path
    times: Times
    links: Links | None = None
    clumsy: int | None = None
    elsewhere: list[list[Received]] = field(default_factory=list)
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def journal(self) -> Path:
        """The simulator's journal."""
        return self.folder / "journal.jsonl"

    def start(self, name: str, *command: str, **settings: str) -> Child:
        """Start a child, or start it again; without a command, with that of its last start."""
        if command:
            self.children[name] = Child(name, (sys.executable, "-m", *command), self.environment, self.tree)
        child = self.children[name]
        child.start(self.folder / f"{name}.log", **self._own_way(name), **settings)
        return child

    def _own_way(self, name: str) -> dict[str, str]:
        """How a process of this role reaches the database: through a proxy of its own, if there is one."""
        link = self.links and self.links.to_postgres.get(name.partition("-")[0])
        return {"ORCHESTRATOR_DATABASE_URL": link.instead_of(self.database_url)} if link else {}

    def start_api(self, failpoints: str = "") -> Child:
        """Start the API, and wait until it answers unless it is armed."""
        child = self._start_ours("api", "orchestrator.server", failpoints=failpoints)
        eventually(lambda: answers(f"{self.door.url}/livez"), "the API answers")
        return child

    def start_dispatcher(self, failpoints: str = "", *, name: str = "dispatcher-1") -> Child:
        """Start a dispatcher."""
        return self._start_ours(name, "orchestrator.dispatcher", failpoints=failpoints)

    def start_worker(self, name: str, *, queues: str = "", slots: int = 16, failpoints: str = "") -> Child:
        """Start a worker for these queues (all, unless told)."""
        own = ("-Q", queues) if queues else ()
        fixed = (*_CELERY, "-c", str(slots), "-n", f"{name}@%h")
        return self._start_ours(name, *fixed, *own, failpoints=failpoints)

    def _start_ours(self, name: str, *command: str, failpoints: str) -> Child:
        runner = () if self.clumsy is None else ("tests.chaos.clumsy", str(self.clumsy + len(self.children)))
        return self.start(name, *runner, *command, ORCHESTRATOR_FAILPOINTS=failpoints)

    def enlisted(self, child: Child) -> bool:
        """Whether this very process of a worker has made itself known."""
        query = "SELECT count(*) FROM workers WHERE pid = %s AND stopped_at IS NULL"
        with reading.connect(self.database_url) as connection:
            row = connection.execute(query, (child.pid,)).fetchone()
        return bool(row and row[0])

    def settled(self, seconds: float) -> None:
        """Wait until nothing is under way: no task, no call, no request at the provider."""
        eventually(lambda: not reading.under_way(self.database_url), "every task has ended", seconds)
        eventually(lambda: not reading.open_calls(self.database_url), "every call has an outcome", 10)
        eventually(self._provider_is_idle, "the provider has no open request", 10)

    def rules(self, *rules: Mapping[str, object]) -> None:
        """Put these rules of the simulator in force."""
        httpx.put(f"{self.simulator_url}/simulator/rules", json=list(rules), trust_env=False)

    def _provider_is_idle(self) -> bool:
        health = httpx.get(f"{self.simulator_url}/simulator/health", trust_env=False).json()
        return bool(health["open"] == 0)

    @property
    def dead(self) -> list[str]:
        """The names of children that do not run."""
        return [name for name, child in sorted(self.children.items()) if child.pid is None]

    def named(self, role: str) -> list[Child]:
        """The children of a role, in the order of their names."""
        return [child for name, child in sorted(self.children.items()) if name.startswith(role)]

    def applied(self, number: int) -> int:
        """How often the rule with this number was applied."""
        rules = httpx.get(f"{self.simulator_url}/simulator/rules", trust_env=False).json()
        return int(rules[number]["applied"])

    def keep(self) -> Path:
        """A copy of the logs and the journal that outlives the run."""
        kept = Path(tempfile.mkdtemp(prefix="chaos-kept-"))
        shutil.copytree(self.folder, kept, dirs_exist_ok=True)
        return kept

    def close(self) -> None:
        """kill -9 for whatever still runs."""
        for child in self.children.values():
            child.kill()


@contextmanager
def servers(folder: Path | None = None) -> Iterator[Stack]:
    """An embedded stack in a folder that goes away with it."""
    with ExitStack() as closing:
        home = folder or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        # Postgres may run as another user, who has to get in.
        home.chmod(0o755)
        yield closing.enter_context(running(home / "data", lambda _line: None))


@contextmanager
def ground(
    stack: Stack,
    times: Times,
    *,
    tree: Path = ROOT,
    latency_ms: float = 300,
    budgets: tuple[BudgetRequest, ...] = (),
    through_proxies: bool = False,
    clumsy: int | None = None,
) -> Iterator[Ground]:
    """The simulator, a database of its own with providers, budgets and a key, and an address for the API.

    Where there are budgets a tripwire watches them.
    """
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="chaos-run-")))
        database_url = _new_database(stack, folder.name.replace("-", "_").lower())
        port = free_port()
        links = closing.enter_context(Links.opened(stack)) if through_proxies else None
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")},
            **times.environment(),
            "ORCHESTRATOR_DATABASE_URL": database_url,
            "ORCHESTRATOR_BROKER_URL": links.to_valkey.instead_of(stack.broker_url)
            if links
            else stack.broker_url,
            "ORCHESTRATOR_SIMULATOR_KEY": "simulated",
            "ORCHESTRATOR_PORT": str(port),
            "PYTHONPATH": str(tree),
        }
        door = Door(f"http://127.0.0.1:{port}", "")
        made = Ground(stack, database_url, folder, door, "", environment, tree, times, links, clumsy)
        closing.callback(made.close)
        made.simulator_url = _start_simulator(made, latency_ms)
        if links:
            links.to_provider.aim(made.simulator_url)
        made.door = Door(door.url, asyncio.run(_configured(made, budgets)))
        if budgets:
            tripwire.stretch(database_url)
        try:
            yield made
        except Stalled as stalled:
            stalled.add_note(f"logs and journal: {made.keep()}")
            raise


def answers(url: str) -> bool:
    """Whether an HTTP server answers there with a success."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _start_simulator(ground: Ground, latency_ms: float) -> str:
    port = free_port()
    options = f"--port {port} --latency-ms {latency_ms:g} --journal {ground.journal}".split()
    ground.start("simulator", "orchestrator.simulator", *options)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: answers(f"{url}/simulator/health"), "the simulator answers")
    return url


async def _configured(ground: Ground, budgets: tuple[BudgetRequest, ...]) -> str:
    """Providers, budgets and a key, as `orchestrator up` would make them."""
    config = Config(database_url=ground.database_url, broker_url=ground.stack.broker_url)
    async with open_parts(config, "chaos") as parts:
        made = await configure(parts, "default", tuple(_provider(ground, name) for name in LANES))
        for budget in budgets:
            await add_budget(parts.db, made.tenant_id, budget)
        key = await bootstrap_key(parts, made.tenant_id)
    return key or ""


def _provider(ground: Ground, name: str) -> ProviderSetting:
    vendor, model = LANES[name]
    at = ground.links.to_provider.instead_of(ground.simulator_url) if ground.links else ground.simulator_url
    return ProviderSetting(
        name=name,
        vendor=vendor,
        wire=Wire.OPENAI_CHAT,
        base_url=f"{at}/accounts/{name}/openai/v1",
        model=model,
        credential="env:ORCHESTRATOR_SIMULATOR_KEY",
        simulated=True,
    )


def _new_database(stack: Stack, name: str) -> str:
    with reading.connect(stack.database_url) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = f"{stack.database_url.rpartition('/')[0]}/{name}"
    migrate(url)
    return url


def ask(ground: Ground, key: str, body: Mapping[str, object]) -> httpx.Response:
    """One try to submit a task."""
    headers = {
        "Authorization": f"Bearer {ground.door.key}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    content = orjson.dumps(body)
    url = f"{ground.door.url}/api/v1/tasks"
    return httpx.post(url, content=content, headers=headers, timeout=10, trust_env=False)


def submitted(ground: Ground, key: str, body: Mapping[str, object]) -> UUID:
    """The task under this key, asked for until it is acknowledged."""
    told: list[UUID] = []

    def tried() -> bool:
        try:
            response = ask(ground, key, body)
        except httpx.TransportError:
            return False
        if response.is_success:
            told.append(UUID(response.json()["id"]))
        elif response.is_client_error:
            raise AssertionError(f"refused: {response.text}")
        return bool(told)

    eventually(tried, "the task is acknowledged")
    return told[0]
