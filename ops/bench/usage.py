"""What processes use: CPU time over an interval, memory at a moment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from ops.bench.stage import Scene

MEGABYTE: Final = 1_000_000


@dataclass
class Spent:
    """CPU seconds of each process, and of the whole machine; filled when the block that measures ends."""

    cpu: dict[str, float] = field(default_factory=dict)
    machine: float = 0.0

    def shares(self, load: float, seconds: float, *names: str) -> str:
        """Shares of one core as a note: of these processes, of the load generator, of strangers."""
        shown = {name: self.cpu[name] for name in names} | {"load": load}
        shown["others"] = max(0.0, self.machine - sum(self.cpu.values()) - load)
        return ", ".join(f"{name} {spent / seconds:.0%}" for name, spent in shown.items())


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10⁶ bytes): resident, and of it what no other process shares."""

    resident: float
    unique: float

    def __str__(self) -> str:
        return f"unique {self.unique:.0f} MB"


@contextmanager
def metered(scene: Scene) -> Iterator[Spent]:
    """The CPU time that the scene's processes and servers use in the block."""
    before, busy = _cpu(scene.pids()), _busy()
    spent = Spent()
    yield spent
    after = _cpu(scene.pids())
    spent.machine = _busy() - busy
    spent.cpu = {name: after[name] - before[name] for name in after if name in before}


def memory(pid: int) -> Memory:
    """The memory of one process now."""
    used = psutil.Process(pid).memory_full_info()
    return Memory(used.rss / MEGABYTE, used.uss / MEGABYTE)


def cpu_seconds(pid: int) -> float:
    """The CPU time that one process has used since it was started."""
    return _cpu_seconds(pid, whole_tree=False)


def _busy() -> float:
    """CPU seconds that all cores together have worked."""
    times = psutil.cpu_times()._asdict()
    idle = sum(times.get(name, 0.0) for name in ("idle", "iowait", "guest", "guest_nice"))
    return float(sum(times.values()) - idle)


def _cpu(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: _cpu_seconds(pid, whole_tree=name == "postgres") for name, pid in pids.items()}


def _cpu_seconds(pid: int, *, whole_tree: bool) -> float:
    """CPU seconds of a process so far; with its tree, those of ended children count too."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    own = float(times.user + times.system)
    if not whole_tree:
        return own
    ended = float(times.children_user + times.children_system)
    return own + ended + sum(_living(child) for child in process.children(recursive=True))


def _living(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
