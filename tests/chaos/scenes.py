"""Scenes: one task each, and one process that dies at a named step of its way.

A failpoint is armed in the first process only; the one started in its place runs on. What the provider
may see afterwards is known to the single request.
"""

import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

from schemas.providers import queue_of
from tests.chaos import reading
from tests.chaos.asks import SLOPPILY, ask, sloppy_rule
from tests.chaos.checker import Expected, Violation, check, expected_calls
from tests.chaos.children import Child, eventually
from tests.chaos.ground import LANES, Ground, Times, submitted
from tests.chaos.records import History, Submission

SHORT: Final = Times(lease=3, heartbeat=0.5, dead_after=2, nudge=1.5)
LATENCY_MS: Final = 200.0
ENDS_WITHIN: Final = 30.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A process of the given role dies at `failpoint`; what the provider and the books show afterwards."""

    failpoint: str
    expected: Expected
    role: Literal["worker", "api", "dispatcher"] = "worker"
    manner: str = "carefully"

    @property
    def name(self) -> str:
        """The failpoint, for people and for tests."""
        return self.failpoint


@dataclass(frozen=True, slots=True)
class Played:
    """How a scene went: whether its process died where it should, and what was found."""

    scene: Scene
    struck: bool
    seconds: float
    task_status: str
    violations: tuple[Violation, ...]


ONCE: Final = Expected(requests=1, calls=1, crashes=1)
AGAIN: Final = Expected(requests=2, calls=2, crashes=1)
UNHURT: Final = Expected(requests=1, calls=1, crashes=0)

WORKER_SCENES: Final = (
    Scene("run.nudged", UNHURT),
    Scene("run.claimed", ONCE),
    Scene("call.intended", Expected(requests=1, calls=2, crashes=1)),
    Scene("call.began", AGAIN),
    Scene("call.answered", AGAIN),
    Scene("call.booked", ONCE),
    Scene("call.booked@2", Expected(requests=2, calls=2, crashes=1), manner=SLOPPILY),
    Scene("run.verified", ONCE),
    Scene("settle.uncommitted", ONCE),
    Scene("run.settled", UNHURT),
)
DOOR_SCENES: Final = (
    Scene("submit.committed", UNHURT, role="api"),
    Scene("dispatch.marked", UNHURT, role="dispatcher"),
    Scene("dispatch.published", UNHURT, role="dispatcher"),
)
SCENES: Final = (*WORKER_SCENES, *DOOR_SCENES)


def play_all(ground: Ground, scenes: Iterable[Scene] = SCENES) -> dict[str, Played]:
    """All scenes by name: those of workers in two lanes side by side, then those of the other processes."""
    ground.rules(sloppy_rule())
    ground.start_dispatcher()
    ground.start_api()
    wanted = list(scenes)
    ours = [scene for scene in wanted if scene.role == "worker"]
    lanes = list(LANES)
    with ThreadPoolExecutor(len(lanes)) as side_by_side:
        parts = [
            side_by_side.submit(_lane, ground, lane, ours[i :: len(lanes)]) for i, lane in enumerate(lanes)
        ]
        played = [each for part in parts for each in part.result()]
    played += [_play_door(ground, scene) for scene in wanted if scene.role != "worker"]
    return {each.scene.name: each for each in played}


def _lane(ground: Ground, lane: str, scenes: list[Scene]) -> list[Played]:
    return [_play_worker(ground, lane, scene) for scene in scenes]


def _play_worker(ground: Ground, lane: str, scene: Scene) -> Played:
    name = f"worker-{lane}"
    name_, _, count = scene.failpoint.partition("@")
    ground.children[name].kill() if name in ground.children else None
    worker = start_worker(ground, lane, f"{name_}=kill{'@' + count if count else ''}")
    started = time.monotonic()
    key = f"scene-{scene.name}"
    task_id, _ = submitted(ground, key, ask(0, provider=lane, manner=scene.manner))
    struck = worker.died(15)
    start_worker(ground, lane)
    return _judged(ground, scene, struck, started, key, task_id)


def start_worker(ground: Ground, lane: str, failpoints: str = "") -> Child:
    """A worker of this lane's queue alone, once it has made itself known."""
    queue = queue_of(LANES[lane][0])
    worker = ground.start_worker(f"worker-{lane}", queues=queue, slots=4, failpoints=failpoints)
    eventually(lambda: worker.pid is None or ground.enlisted(worker), "the worker is enlisted")
    return worker


def _play_door(ground: Ground, scene: Scene) -> Played:
    lane = next(iter(LANES))
    armed = f"{scene.failpoint}=kill"
    restart: Callable[[], Child]
    if scene.role == "api":
        ground.children["api"].kill()
        child, restart = ground.start_api(armed), ground.start_api
    else:
        ground.children["dispatcher-1"].kill()
        child, restart = ground.start_dispatcher(failpoints=armed), ground.start_dispatcher
    started = time.monotonic()
    key = f"scene-{scene.name}"
    with ThreadPoolExecutor(1) as client:
        asking = client.submit(submitted, ground, key, ask(0, provider=lane))
        struck = child.died(15)
        restart()
        task_id, _ = asking.result()
    return _judged(ground, scene, struck, started, key, task_id)


def _judged(ground: Ground, scene: Scene, struck: bool, started: float, key: str, task_id: UUID) -> Played:
    wait_for_end(ground, task_id)
    seconds = time.monotonic() - started
    history = history_of(ground, key, task_id)
    violations = (*check(history), *expected_calls(history, scene.expected))
    status = history.tasks[0].status if history.tasks else "gone"
    return Played(scene, struck, seconds, status, violations)


def wait_for_end(ground: Ground, task_id: UUID, seconds: float = ENDS_WITHIN) -> None:
    """Wait until a task has ended and its calls too; a task that never ends is for the checker to report."""
    query = """
        SELECT count(*) FROM tasks WHERE id = %s
            AND status IN ('succeeded', 'failed', 'canceled', 'expired')
            AND NOT EXISTS (SELECT FROM calls WHERE task_id = tasks.id AND calls.status = 'started')
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with reading.connect(ground.database_url) as connection:
            row = connection.execute(query, (task_id,)).fetchone()
        if row and row[0]:
            return
        time.sleep(0.05)


def history_of(ground: Ground, key: str, task_id: UUID | None) -> History:
    """The history of one submission, with every request that no other one's call explains."""
    whole = reading.history(ground.database_url, ground.journal, ())
    ids = {task for own, task in whole.keys if own == key} | ({task_id} if task_id else set())
    calls = tuple(call for call in whole.calls if call.task_id in ids)
    call_ids = {call.id for call in calls}
    others = {str(call.id) for call in whole.calls} - {str(call_id) for call_id in call_ids}
    return replace(
        whole,
        submissions=(Submission(key, task_id),),
        tasks=tuple(task for task in whole.tasks if task.id in ids),
        keys=tuple(pair for pair in whole.keys if pair[1] in ids),
        results=tuple(result for result in whole.results if result in ids),
        calls=calls,
        ledger=tuple(entry for entry in whole.ledger if entry.call_id in call_ids),
        events=tuple(event for event in whole.events if event.task_id in ids),
        journal=tuple(entry for entry in whole.journal if entry.id not in others),
    )


def resume(child: Child) -> None:
    """SIGCONT."""
    child.send(signal.SIGCONT)
