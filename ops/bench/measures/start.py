"""How fast an API and a worker process are ready, and what they hold idle, with many providers configured."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal
from ops.bench.jobs import done
from ops.bench.product import Product
from ops.bench.stage import Failed, Scene, answers
from ops.bench.usage import cpu_seconds, memory

_STARTS: Final = 3
_TASKS: Final = 20
_SLOTS: Final = 100
_SETTLE: Final = 1.0
_READ: Final = ("api/v1/tasks", "api/v1/providers", "api/v1/budgets", "api/v1/config", "metrics", "version")


def start(bench: Bench) -> list[Figure]:
    """Seconds until ready (the best of three); megabytes after a few requests, and of an idle worker."""
    count = bench.sizes.providers
    with bench.stage.scene() as scene:
        product = Product(scene, providers=count)
        api = _started(scene, "api", product.start_api)
        worker = _started(scene, "worker", lambda: product.start_worker(_SLOTS))
        done(product.submitting(_TASKS, 4), 202)
        for path in _READ:
            if not answers(f"{product.url}/{path}", product.headers):
                raise Failed(f"GET /{path} is not answered with 200")
        time.sleep(_SETTLE)
        pids = scene.pids()
        used, waiting = memory(pids["api"]), memory(pids["worker"])
    return [
        _ready("API", api, count),
        Figure("API memory, idle", used.resident, "MB", Goal(at_most=100), str(used)),
        _ready("worker", worker, count),
        Figure(f"worker memory, idle, {_SLOTS} slots", waiting.resident, "MB", None, str(waiting)),
    ]


def _started(scene: Scene, name: str, begin: Callable[[], float]) -> list[tuple[float, float]]:
    """Seconds until ready, and CPU seconds used until then, of each start."""
    starts: list[tuple[float, float]] = []
    for _ in range(_STARTS):
        if starts:
            scene.stop(name)
        seconds = begin()
        starts.append((seconds, cpu_seconds(scene.pids()[name])))
    return starts


def _ready(name: str, starts: Sequence[tuple[float, float]], providers: int) -> Figure:
    seconds, cpu = zip(*starts, strict=True)
    note = f"{providers} providers; {', '.join(f'{each:.2f}' for each in seconds)}; CPU {min(cpu):.2f} s"
    return Figure(f"{name} ready after", min(seconds), "s", Goal(at_most=2), note)
