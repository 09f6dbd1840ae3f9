"""Launch a system and take it down again: servers, tables, processes, in that order and back.

When `launched` yields, the API answers and every worker is registered; when its block ends, nothing
that it started is left.
"""

import asyncio
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestrator.cli.exits import Ending
from orchestrator.cli.system import answerers, plan
from orchestrator.cli.system.keys import Kept
from orchestrator.cli.system.network import first_listener, free_port, listener_on, reachable_host
from orchestrator.cli.system.prepare import Key, make_master_key, prepare
from orchestrator.cli.system.readiness import wait_until_ready
from orchestrator.cli.system.servers import Servers, serving
from orchestrator.cli.system.signals import Asked
from orchestrator.cli.system.supervisor import Supervisor
from orchestrator.config import Config
from orchestrator.embedded.errors import EmbeddedError
from orchestrator.flow.configure import ProviderSetting

Announce = Callable[[str], None]
FLOWER_USER: Final = "operator"
USUAL_PORT: Final = 8000


class Interrupted(Exception):
    """Told to stop before everything was up."""


@dataclass(frozen=True)
class Wish:
    """What is to be launched. Without a port it is the usual one, or the next that is free."""

    data_dir: Path
    host: str
    port: int | None
    workers: int
    concurrency: int
    flower: bool
    latency_ms: float
    new_key: bool = False


@dataclass(frozen=True)
class System:
    """What runs now."""

    wish: Wish
    addresses: plan.Addresses
    listener: socket.socket
    servers: Servers
    providers: tuple[ProviderSetting, ...]
    key: Key
    flower_password: str
    supervisor: Supervisor

    @property
    def api_url(self) -> str:
        """The API as this machine calls it."""
        return f"http://{reachable_host(self.wish.host)}:{self.addresses.port}"

    @property
    def flower_url(self) -> str | None:
        """Flower's address, where it runs."""
        port = self.addresses.flower_port
        return f"http://127.0.0.1:{port}" if port else None

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self.wish.data_dir / "logs"

    @property
    def simulated(self) -> bool:
        """Whether nobody but the simulator answers."""
        return all(provider.simulated for provider in self.providers)


@contextmanager
def launched(wish: Wish, config: Config, asked: Asked, announce: Announce) -> Iterator[System]:
    """A running system until the end of the block. Raises `Ending`, `Interrupted`."""
    wish = replace(wish, data_dir=wish.data_dir.resolve())
    try:
        with (
            closing(_listener(wish, announce)) as listener,
            serving(config, wish.data_dir, announce) as servers,
            _processes(wish, config, servers, listener, asked, announce) as system,
        ):
            yield system
    except EmbeddedError as error:
        raise Ending(error.problem, error.remedy) from error


@contextmanager
def _processes(
    wish: Wish,
    config: Config,
    servers: Servers,
    listener: socket.socket,
    asked: Asked,
    announce: Announce,
) -> Iterator[System]:
    _go_on(asked)
    supervisor = Supervisor(wish.data_dir, announce, servers.mender.look)
    system = _prepared(wish, config, servers, listener, supervisor)
    try:
        _start(system, config, asked)
        _go_on(asked)
        Kept(wish.data_dir).keep_url(system.api_url)
        yield system
    finally:
        supervisor.stop(plan.STOP_ORDER, asked.hurry)


def _prepared(
    wish: Wish, config: Config, servers: Servers, listener: socket.socket, supervisor: Supervisor
) -> System:
    """Everything decided and in the database; no process runs yet."""
    found = answerers.real()
    addresses = plan.Addresses(
        servers.database_url,
        servers.broker_url,
        wish.host,
        listener.getsockname()[1],
        free_port() if wish.flower else None,
        None if found else free_port(),
    )
    providers = found or answerers.simulated(addresses.simulator_url or "")
    own = {
        "database_url": servers.database_url,
        "broker_url": servers.broker_url,
        "data_dir": wish.data_dir,
    }
    ready = config.model_copy(update=own)
    key = prepare(
        ready, providers, Kept(wish.data_dir), own_database=servers.own_database, rotate=wish.new_key
    )
    asyncio.run(make_master_key(ready, own_database=servers.own_database))
    given = config.flower_password.get_secret_value() if config.flower_password else None
    password = given or secrets.token_urlsafe(12)
    _make_folders(wish.data_dir)
    return System(wish, addresses, listener, servers, providers, key, password, supervisor)


def _start(system: System, config: Config, asked: Asked) -> None:
    """Start the processes and wait until they work; Flower last, because it asks the workers who they are."""
    wish, addresses, supervisor = system.wish, system.addresses, system.supervisor
    environment = plan.settings(addresses, wish.data_dir)
    simulator, flower = addresses.simulator_port, addresses.flower_port
    if simulator:
        supervisor.start([plan.simulator(simulator, wish.latency_ms, environment)])
    supervisor.start(plan.core(system.listener.fileno(), environment))
    supervisor.start(plan.workers(wish.workers, wish.concurrency, config.drain_seconds, environment))
    ports = {"simulator": simulator} if simulator else {}
    wait_until_ready(system.api_url, wish.workers, ports, supervisor, asked.stop)
    if flower and not asked.stop.is_set():
        supervisor.start([plan.flower(flower, f"{FLOWER_USER}:{system.flower_password}", environment)])
        wait_until_ready(system.api_url, wish.workers, {"flower": flower}, supervisor, asked.stop)


def _listener(wish: Wish, announce: Announce) -> socket.socket:
    """The API's socket, ours from the first moment on: it goes from one API process to the next."""
    if wish.port is not None:
        found = listener_on(wish.host, wish.port)
        if found is None:
            remedy = "Give another one with --port, or none to take the next that is free."
            raise Ending(f"Port {wish.port} on {wish.host} is taken.", remedy)
        return found
    found = first_listener(wish.host, USUAL_PORT)
    if found is None:
        raise Ending(f"Nothing can listen on {wish.host} from port {USUAL_PORT} on.", "Check --host.")
    port = found.getsockname()[1]
    if port != USUAL_PORT:
        announce(f"port {USUAL_PORT} is taken, so the API listens on {port}")
    return found


def _make_folders(data_dir: Path) -> None:
    """Empty folders: figures of processes that are gone would count twice, old logs are kept once."""
    shutil.rmtree(data_dir / "metrics", ignore_errors=True)
    (data_dir / "metrics").mkdir()
    logs = data_dir / "logs"
    logs.mkdir(exist_ok=True)
    for log in logs.glob("*.log"):
        log.replace(log.with_name(f"{log.name}.1"))


def _go_on(asked: Asked) -> None:
    if asked.stop.is_set():
        raise Interrupted
