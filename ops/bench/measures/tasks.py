"""Tasks end to end through our processes, one of each."""

from ops.bench.bench import Bench
from ops.bench.figures import Figure
from ops.bench.measures.end_to_end import end_to_end, figures
from ops.bench.product import Product


def tasks(bench: Bench) -> list[Figure]:
    """Tasks a second and CPU per task, by process."""
    with bench.stage.scene() as scene:
        product = Product(scene)
        product.start_api()
        product.start_dispatcher()
        product.start_worker(bench.sizes.slots)
        found = end_to_end(
            scene, lambda count: product.submitting(count, bench.sizes.concurrency), bench.sizes.tasks
        )
    bench.rates["tasks"] = found.rate
    return figures(found)
