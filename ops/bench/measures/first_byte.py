"""From a client's send to the first byte at the provider, at half of the measured end-to-end rate.

Client and provider share the machine's clock; the provider's journal names the call, the database its
task, the client's list the task's request. Everything was used once before the load begins.
"""

from typing import Any, Final
from uuid import UUID

from ops.bench.bench import Bench
from ops.bench.figures import Figure, Goal, quantile
from ops.bench.jobs import Job, Load, Outcome
from ops.bench.measures.end_to_end import carried_out
from ops.bench.measures.tasks import tasks
from ops.bench.product import HOST, Product
from ops.bench.stage import Failed, Scene, fetched

_WARM_UP: Final = 1.0
_TASKS_BEFORE: Final = 200
_PAGE: Final = 10_000
_STEPS: Final = """
    SELECT name, percentile_cont(0.5) WITHIN GROUP (ORDER BY after)
    FROM (
        SELECT name,
            1000 * extract(epoch FROM at - lag(at) OVER (PARTITION BY task_id ORDER BY seq)) AS after
        FROM events WHERE task_id = ANY (%s)
    ) AS steps
    GROUP BY name
"""


def first_byte(bench: Bench) -> list[Figure]:
    """p50 and p99; measures the end-to-end rate first where this run has not."""
    if "tasks" not in bench.rates:
        bench.announce("measuring the end-to-end rate, of which half is the load")
        tasks(bench)
    rate = bench.rates["tasks"] / 2
    with bench.stage.scene() as scene:
        product = Product(scene)
        product.start_api()
        product.start_dispatcher()
        product.start_worker(bench.sizes.slots)
        carried_out(scene, product.submitting(_TASKS_BEFORE, bench.sizes.concurrency), _TASKS_BEFORE)
        outcome = _load(product, rate, bench.sizes.paced + _WARM_UP, bench.sizes.concurrency)
        total = _TASKS_BEFORE + outcome.count
        scene.until(lambda: scene.at_provider()["finished"] >= total, "all calls are made")
        delays = _delays(scene, outcome)
        steps = _steps(scene, outcome)
    note = f"at {rate:,.0f}/s, {len(delays)} tasks"
    return [
        Figure("submit → first byte p50", quantile(delays, 0.5), "ms", Goal(at_most=10), note),
        Figure("submit → first byte p99", quantile(delays, 0.99), "ms", Goal(at_most=40), steps),
    ]


def _load(product: Product, rate: float, seconds: float, concurrency: int) -> Outcome:
    job = Job(HOST, product.port, (product.ask(),), concurrency, seconds=seconds, rate=rate, keep_ids=True)
    return Load(job).outcome(202)


def _delays(scene: Scene, outcome: Outcome) -> list[float]:
    """Milliseconds of each task but those of the first second."""
    received = {entry["id"]: entry["received_at"] for entry in _journal(scene)}
    firsts = scene.rows("SELECT DISTINCT ON (task_id) task_id, id FROM calls ORDER BY task_id, id")
    arrived = {task: received.get(str(call)) for task, call in firsts}
    start = min(sent_at for sent_at, _ in outcome.sent)
    measured = [(at, arrived.get(UUID(task))) for at, task in outcome.sent if at - start > _WARM_UP]
    found = [(reached - at) * 1000 for at, reached in measured if reached is not None]
    if len(found) != len(measured):
        raise Failed(f"{len(measured) - len(found)} tasks never reached the provider")
    return found


def _steps(scene: Scene, outcome: Outcome) -> str:
    """The median way of a task by its events, as a note."""
    medians = dict(scene.rows(_STEPS, [UUID(task) for _, task in outcome.sent]))
    named = (("task.dispatched", "nudged"), ("task.started", "claimed"), ("call.started", "intent"))
    return "medians: " + ", ".join(f"{name} +{medians[event]:.1f} ms" for event, name in named)


def _journal(scene: Scene) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    while True:
        page = fetched(f"{scene.simulator_url}/simulator/journal?after={len(entries)}&limit={_PAGE}")
        entries += page["entries"]
        if not page["has_more"]:
            return entries
