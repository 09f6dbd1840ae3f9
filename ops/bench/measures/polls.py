"""Polls of queued tasks at one API process: status with and without a known ETag, and the whole task."""

from typing import Final

from ops.bench import asks
from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal
from ops.bench.jobs import Ask, Job, done
from ops.bench.product import HOST, Product
from ops.bench.stage import tag_of
from ops.bench.usage import metered

_TASKS: Final = 200


def polls(bench: Bench) -> list[Figure]:
    """Highest rates of 200 and 304."""
    with bench.stage.scene() as scene:
        product = Product(scene)
        product.start_api()
        done(product.submitting(_TASKS, bench.sizes.concurrency), 202)
        paths = [f"{asks.PATH}/{row[0]}" for row in scene.rows("SELECT id FROM tasks ORDER BY id")]
        whole = [Ask("GET", path, product.headers) for path in paths]
        status = [Ask("GET", f"{path}/status", product.headers) for path in paths]
        known = [_conditional(product, ask) for ask in status]
        return [
            _figure(bench, product, "status polls, 200", status, 200, Goal(at_least=3000)),
            _figure(bench, product, "status polls, 304", known, 304, None),
            _figure(bench, product, "polls of the whole task, 200", whole, 200, None),
        ]


def _conditional(product: Product, ask: Ask) -> Ask:
    tag = tag_of(product.url + ask.path, product.headers)
    return Ask(ask.method, ask.path, {**ask.headers, "If-None-Match": tag})


def _figure(
    bench: Bench, product: Product, name: str, requests: list[Ask], status: int, goal: Goal | None
) -> Figure:
    sizes = bench.sizes
    job = Job(HOST, product.port, tuple(requests), sizes.concurrency, seconds=sizes.closed)
    with metered(product.scene) as spent:
        outcome = done(job, status)
    note = spent.shares(outcome.cpu_seconds, outcome.seconds, "api", "postgres")
    return Figure(name, outcome.rate, "1/s", goal, note)
