"""The plain application of `ops.bench.peers.plain` on the same servers, doing the same tasks."""

from typing import Final

from ops.bench import asks
from ops.bench.bench import Bench
from ops.bench.figures import Figure
from ops.bench.jobs import Ask, Job
from ops.bench.measures.end_to_end import end_to_end, figures
from ops.bench.product import HOST
from ops.bench.stage import Scene, answers
from orchestrator.embedded.directory import free_port

_PLACE: Final = "ops.bench.peers.plain"


def peer(bench: Bench) -> list[Figure]:
    """The same figures as of ours."""
    with bench.stage.scene(template="template1") as scene:
        port = _start(scene, bench.sizes.slots)
        ask = Ask("POST", "/tasks", asks.headers("plain"), asks.BODY)
        found = end_to_end(
            scene,
            lambda count: Job(HOST, port, (ask,), bench.sizes.concurrency, count=count),
            bench.sizes.plain_tasks,
        )
    return figures(found, plain=True)


def _start(scene: Scene, slots: int) -> int:
    """Its API and its worker, as its user would start them; the API's port."""
    port = free_port()
    scene.environment |= {
        "PLAIN_DATABASE_URL": scene.database_url,
        "PLAIN_BROKER_URL": scene.stack.broker_url,
        "PLAIN_PROVIDER_URL": f"{scene.simulator_url}/openai/v1",
        "PLAIN_KEY": "plain",
    }
    scene.start("api", "uvicorn", f"{_PLACE}.api:app", "--port", str(port), "--no-access-log")
    scene.until(lambda: answers(f"http://{HOST}:{port}/health"), "the plain API answers")
    how = f"-A {_PLACE}.work worker --pool threads -c {slots} --without-gossip --without-mingle -l warning"
    scene.start("worker", "celery", *how.split())
    return port
