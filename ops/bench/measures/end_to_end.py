"""Tasks end to end: all submitted at once, all waited for, with the CPU time of every process.

The rate runs from the first task's commit to the last one's, by the database's clock. The plain
application is measured by the same code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ops.bench.figures import Figure, Goal
from ops.bench.jobs import Job, Load
from ops.bench.stage import Failed, Scene
from ops.bench.usage import metered

OURS: Final[tuple[str, ...]] = ("api", "dispatcher", "worker", "postgres", "valkey")
_WARM_UP: Final = 100
_PATIENCE: Final = 90.0


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Tasks a second, CPU milliseconds a task by process; who else used the machine, as a note."""

    rate: float
    cpu: dict[str, float]
    note: str


def end_to_end(scene: Scene, submitting: Callable[[int], Job], count: int) -> EndToEnd:
    """Have `count` tasks done, after some that warm everything up. Raises `Failed` unless all succeed."""
    carried_out(scene, submitting(_WARM_UP), _WARM_UP)
    before = scene.rows("SELECT max(finished_at) FROM tasks")[0][0]
    with metered(scene) as spent:
        load = carried_out(scene, submitting(count), _WARM_UP + count)
    first, last = scene.rows(
        "SELECT min(created_at), max(finished_at) FROM tasks WHERE created_at > %s", before
    )[0]
    seconds = (last - first).total_seconds()
    cpu = {name: spent.cpu[name] * 1000 / count for name in OURS if name in spent.cpu}
    return EndToEnd(count / seconds, cpu, spent.shares(load, seconds, "worker", "simulator"))


def figures(found: EndToEnd, *, plain: bool = False) -> list[Figure]:
    """The lines of the table, for ours or for the plain application."""
    cpu = dict.fromkeys(OURS, 0.0) | found.cpu
    lines = [Figure("tasks end to end", found.rate, "1/s", Goal(at_least=400), found.note)]
    lines += [Figure(f"CPU per task, {name}", cpu[name], "ms") for name in OURS]
    processes = sum(cpu[name] for name in ("api", "dispatcher", "worker"))
    lines.append(Figure("CPU per task, Python processes", processes, "ms"))
    lines.append(Figure("CPU per task, all", sum(cpu.values()), "ms", Goal(of_plain=0.5)))
    if not plain:
        return lines
    return [Figure(line.name, None, line.unit, line.goal, plain=line.value) for line in lines]


def carried_out(scene: Scene, job: Job, total: int) -> float:
    """Submit and wait until `total` tasks have succeeded; the CPU seconds of the load generator."""
    load = Load(job)
    outcome = load.outcome(202, within=_PATIENCE)
    # The provider is asked first: that costs nothing of what is measured.
    scene.until(lambda: scene.at_provider()["finished"] >= total, "all calls are made", _PATIENCE)
    scene.until(lambda: not _unfinished(scene), "all tasks have ended", _PATIENCE)
    states = dict(scene.rows("SELECT status, count(*) FROM tasks GROUP BY status"))
    if states != {"succeeded": total}:
        raise Failed(f"of {total} tasks not all succeeded: {states}")
    return outcome.cpu_seconds


def _unfinished(scene: Scene) -> int:
    return int(scene.rows("SELECT count(*) FROM tasks WHERE finished_at IS NULL")[0][0])
