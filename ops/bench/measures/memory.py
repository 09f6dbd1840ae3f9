"""What one worker process holds: idle, and with every slot waiting for a slow provider."""

import time

from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal
from ops.bench.jobs import done
from ops.bench.product import Product
from ops.bench.usage import Memory
from ops.bench.usage import memory as used_by

_SETTLE = 1.0


def memory(bench: Bench) -> list[Figure]:
    """Megabytes of a worker with `in_flight` slots."""
    sizes = bench.sizes
    with bench.stage.scene(latency=sizes.in_flight_latency) as scene:
        product = Product(scene)
        product.start_api()
        product.start_dispatcher()
        product.start_worker(sizes.in_flight)
        time.sleep(_SETTLE)
        idle = used_by(scene.pids()["worker"])
        done(product.submitting(sizes.in_flight, sizes.concurrency), 202)
        scene.until(
            lambda: scene.at_provider()["open"] >= sizes.in_flight,
            f"{sizes.in_flight} calls are in flight",
            sizes.in_flight_latency,
        )
        time.sleep(_SETTLE)
        full = used_by(scene.pids()["worker"])
        still = scene.at_provider()["open"]
    goal = Goal(at_most=150) if sizes.in_flight >= 1000 else None
    return [
        _figure("worker memory, idle", idle, None),
        _figure(f"worker memory, {still:,} calls in flight", full, goal),
    ]


def _figure(name: str, used: Memory, goal: Goal | None) -> Figure:
    return Figure(name, used.resident, "MB", goal, str(used))
