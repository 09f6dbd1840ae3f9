"""Which processes make a system, with what arguments and settings: the only place that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.cli.system.process import Spec
from orchestrator.config import child_environment
from schemas.providers import CHORES_QUEUE, QUEUES

STOP_ORDER: Final = ("worker-", "dispatcher", "api", "flower", "simulator")
ALL_QUEUES: Final = (*QUEUES, CHORES_QUEUE)
GIVEN_TO_SIMULATOR: Final = "simulated"
"""What is shown to the simulator as a key; it takes any."""
_BEYOND_DRAIN: Final = 5.0


@dataclass(frozen=True)
class Addresses:
    """Where everything listens."""

    database_url: str
    broker_url: str
    host: str
    port: int
    flower_port: int | None
    simulator_port: int | None

    @property
    def simulator_url(self) -> str | None:
        """The simulator's address, where there is one."""
        return f"http://127.0.0.1:{self.simulator_port}" if self.simulator_port else None


def settings(addresses: Addresses, data_dir: Path) -> dict[str, str]:
    """The environment of every child."""
    return child_environment(
        ORCHESTRATOR_DATABASE_URL=addresses.database_url,
        ORCHESTRATOR_BROKER_URL=addresses.broker_url,
        ORCHESTRATOR_DATA_DIR=str(data_dir),
        ORCHESTRATOR_HOST=addresses.host,
        ORCHESTRATOR_PORT=str(addresses.port),
        ORCHESTRATOR_SIMULATOR_KEY=GIVEN_TO_SIMULATOR if addresses.simulator_port else None,
        ORCHESTRATOR_API_KEY=None,
        PROMETHEUS_MULTIPROC_DIR=str(data_dir / "metrics"),
        PYTHONUNBUFFERED="1",
    )


def worker_arguments(name: str, queues: tuple[str, ...], concurrency: int) -> tuple[str, ...]:
    """The arguments of `celery` for one worker."""
    how = ("--pool", "threads", "-c", str(concurrency), "-n", f"{name}@%h", "--loglevel", "warning")
    return ("-A", "workers", "worker", "-Q", ",".join(queues), *how, "--without-gossip", "--without-mingle")


def simulator(port: int, latency_ms: float, environment: Mapping[str, str]) -> Spec:
    """The stand-in for the vendors."""
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--latency-ms", f"{latency_ms:g}")
    return Spec("simulator", "orchestrator.simulator", arguments, environment)


def core(listener: int, environment: Mapping[str, str]) -> tuple[Spec, ...]:
    """The API, which takes over the listening socket with this descriptor, and the dispatcher."""
    return (
        Spec("api", "orchestrator.server", ("--fd", str(listener)), environment, descriptors=(listener,)),
        Spec("dispatcher", "orchestrator.dispatcher", (), environment),
    )


def workers(
    count: int, concurrency: int, drain_seconds: float, environment: Mapping[str, str]
) -> tuple[Spec, ...]:
    """Workers for all queues."""
    names = [f"worker-{number}" for number in range(1, count + 1)]
    return tuple(
        Spec(
            name,
            "celery",
            worker_arguments(name, ALL_QUEUES, concurrency),
            environment,
            stops_within=drain_seconds + _BEYOND_DRAIN,
        )
        for name in names
    )


def flower(port: int, login: str, environment: Mapping[str, str]) -> Spec:
    """Celery's own view, read-only; the login goes by environment, where other users can't see it."""
    arguments = ("-A", "workers", "flower", "--address=127.0.0.1", f"--port={port}", "--read_only=True")
    return Spec("flower", "celery", arguments, {**environment, "FLOWER_BASIC_AUTH": login})
