"""The machine that figures were taken on, and how busy it was before."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
import redis

from ops.bench.stage import Stage, connected

QUIET: Final = 5.0
"""Per cent of all cores that others may use without a warning."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to judge the figures."""

    date: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str
    postgres: str
    valkey: str
    busy_percent: float
    """Of all cores, in the second before the first measure."""

    @property
    def quiet(self) -> bool:
        """Whether nobody else worked on the machine."""
        return self.busy_percent <= QUIET

    def __str__(self) -> str:
        return (
            f"{self.date}, {self.system}, {self.cores} cores ({self.processor}), {self.memory_gb:.0f} GB, "
            f"Python {self.python}, PostgreSQL {self.postgres}, Valkey {self.valkey}; "
            f"before the run others used {self.busy_percent:.0f} % of the cores"
        )


def machine(stage: Stage) -> Machine:
    """The facts, with a second of looking at who else is busy."""
    with connected(stage.stack.database_url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    server = redis.Redis.from_url(stage.stack.broker_url, decode_responses=True).info("server")
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=_cores(),
        memory_gb=psutil.virtual_memory().total / 1e9,
        python=platform.python_version(),
        postgres=str(row[0]) if row else "",
        valkey=str(server.get("valkey_version", server.get("redis_version", ""))),
        busy_percent=psutil.cpu_percent(interval=1.0),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
