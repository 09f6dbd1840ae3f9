"""Durable submits over HTTP to one API process: as many as it takes, and how fast at a fixed rate.

Dispatcher and workers don't run. Every 202 is a committed task, and the count in Postgres is compared.
"""

from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal, quantile
from ops.bench.jobs import Job, Outcome, done
from ops.bench.product import HOST, Product
from ops.bench.stage import Failed, Scene
from ops.bench.usage import memory, metered


def submits(bench: Bench) -> list[Figure]:
    """Highest rate; p50 and p95 at the fixed rate."""
    sizes = bench.sizes
    with bench.stage.scene() as scene:
        product = Product(scene)
        product.start_api()
        warm = done(product.submitting(200, sizes.concurrency), 202)
        closed = Job(HOST, product.port, (product.ask(),), sizes.concurrency, seconds=sizes.closed)
        paced = Job(
            HOST,
            product.port,
            (product.ask(),),
            sizes.concurrency,
            seconds=sizes.paced,
            rate=sizes.paced_rate,
        )
        highest, spent = _measured(scene, closed)
        fixed, spent_fixed = _measured(scene, paced)
        _all_stored(scene, warm, highest, fixed)
        resident = memory(scene.pids()["api"])
    load = f"at {sizes.paced_rate:,g}/s"
    if fixed.rate < 0.99 * sizes.paced_rate:
        load += f", of which only {fixed.rate:,.0f}/s were answered in time"
    return [
        Figure("submits, highest rate", highest.rate, "1/s", Goal(at_least=2000), spent),
        Figure("submit latency p50", quantile(fixed.latencies, 0.5), "ms", None, load),
        Figure("submit latency p95", quantile(fixed.latencies, 0.95), "ms", Goal(at_most=50), spent_fixed),
        Figure("API memory after that", resident.resident, "MB", None, str(resident)),
    ]


def _measured(scene: Scene, job: Job) -> tuple[Outcome, str]:
    with metered(scene) as spent:
        outcome = done(job, 202)
    return outcome, spent.shares(outcome.cpu_seconds, outcome.seconds, "api", "postgres")


def _all_stored(scene: Scene, *outcomes: Outcome) -> None:
    acknowledged = sum(outcome.count for outcome in outcomes)
    stored = scene.rows("SELECT count(*) FROM tasks")[0][0]
    if stored != acknowledged:
        raise Failed(f"{acknowledged} tasks were acknowledged, {stored} are stored")
