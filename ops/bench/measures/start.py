"""How fast an API process is ready, and what it holds idle, with many providers configured."""

import time

from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal
from ops.bench.jobs import done
from ops.bench.product import Product
from ops.bench.usage import memory

_STARTS = 3


def start(bench: Bench) -> list[Figure]:
    """Seconds until ready (the best of three), megabytes after a first task was taken."""
    providers = bench.sizes.providers
    with bench.stage.scene() as scene:
        product = Product(scene, providers=providers)
        seconds = [product.start_api()]
        while len(seconds) < _STARTS:
            scene.stop("api")
            seconds.append(product.start_api())
        done(product.submitting(1, 1), 202)
        time.sleep(1)
        idle = memory(scene.pids()["api"])
    note = f"{providers} providers; " + ", ".join(f"{each:.2f}" for each in seconds)
    return [
        Figure("API ready after", min(seconds), "s", Goal(at_most=2), note),
        Figure("API memory, idle", idle.resident, "MB", Goal(at_most=100), str(idle)),
    ]
