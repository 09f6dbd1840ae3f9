"""Plays scenes on a running ground, and judges each by its own history."""

import signal
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from schemas.providers import queue_of
from tests.chaos import reading
from tests.chaos.asks import ask, sloppy_rule, slow_rule
from tests.chaos.checker import check, expected_calls
from tests.chaos.children import Child, Stalled, eventually
from tests.chaos.ground import LANES, Ground, submitted
from tests.chaos.records import History, Submission
from tests.chaos.scenes import DOOR_SCENES, LANE_SCENES, SCENES, Played, Scene, Strike

ENDS_WITHIN: Final = 30.0
STRUCK_WITHIN: Final = 15.0
_ENDED = """
    SELECT count(*) FROM tasks WHERE id = %s
        AND status IN ('succeeded', 'failed', 'canceled', 'expired')
        AND NOT EXISTS (SELECT FROM calls WHERE task_id = tasks.id AND calls.status = 'started')
"""
_TAKEN_OVER = "SELECT count(*) FROM calls WHERE task_id = %s AND attempt = 2 AND status = 'started'"


def play_all(
    ground: Ground, scenes: Sequence[Scene] = SCENES, *, expect_counts: bool = True
) -> dict[str, Played]:
    """Scenes by name: those of workers in lanes side by side, then those of the other processes.

    `expect_counts`: whether each must come to exactly the requests, calls and crashes it names.
    """
    opened(ground)
    lanes = list(LANES)
    with ThreadPoolExecutor(len(lanes)) as side_by_side:
        inside = [scene for scene in scenes if scene in LANE_SCENES]
        shares = [inside[index :: len(lanes)] for index in range(len(lanes))]
        in_lane = partial(_in_lane, ground, expect_counts=expect_counts)
        played = [each for part in side_by_side.map(in_lane, lanes, shares) for each in part]
    played += [play(ground, scene, expect_counts=expect_counts) for scene in scenes if scene in DOOR_SCENES]
    return {each.scene.name: each for each in played}


def opened(ground: Ground) -> None:
    """A dispatcher, the API and the simulator's manners."""
    ground.rules(sloppy_rule(), slow_rule())
    ground.start_dispatcher()
    ground.start_api()


def play(
    ground: Ground,
    scene: Scene,
    *,
    lane: str = next(iter(LANES)),
    seconds: float = ENDS_WITHIN,
    expect_counts: bool = True,
) -> Played:
    """Play one scene, and give its task so many seconds to end after the strike."""
    began = time.monotonic()
    acts = {Strike.WORKER_KILLED: _killed, Strike.WORKER_HALTED: _halted}
    struck, task_id = acts.get(scene.strike, _killed_door)(ground, scene, lane)
    wait_for_end(ground, task_id, seconds)
    history = history_of(ground, scene.name, task_id)
    counts = expected_calls(history, scene.expected) if expect_counts else ()
    violations = (*check(history), *counts)
    return Played(scene, struck, time.monotonic() - began, violations)


def start_worker(ground: Ground, lane: str, *, second: bool = False, failpoints: str = "") -> Child:
    """A worker of this lane's queue alone, once it has made itself known."""
    name = f"worker-{lane}-{2 if second else 1}"
    worker = ground.start_worker(name, queues=queue_of(LANES[lane][0]), slots=4, failpoints=failpoints)
    eventually(lambda: ground.enlisted(worker), "the worker is enlisted")
    return worker


def _in_lane(ground: Ground, lane: str, scenes: Iterable[Scene], *, expect_counts: bool) -> list[Played]:
    return [play(ground, scene, lane=lane, expect_counts=expect_counts) for scene in scenes]


def _killed(ground: Ground, scene: Scene, lane: str) -> tuple[bool, UUID]:
    _clear(ground, lane)
    worker = start_worker(ground, lane, failpoints=scene.armed("kill"))
    task_id = _submit(ground, scene, lane)
    struck = worker.died(STRUCK_WITHIN)
    start_worker(ground, lane)
    return struck, task_id


def _halted(ground: Ground, scene: Scene, lane: str) -> tuple[bool, UUID]:
    """The halted worker goes on while the second one is in the middle of its call."""
    _clear(ground, lane)
    worker = start_worker(ground, lane, failpoints=scene.armed("stop"))
    task_id = _submit(ground, scene, lane)
    try:
        eventually(lambda: worker.stopped, "the worker is halted", STRUCK_WITHIN)
        start_worker(ground, lane, second=True)
        eventually(lambda: _counts(ground, _TAKEN_OVER, task_id), "another worker calls", STRUCK_WITHIN)
    except Stalled:
        return False, task_id
    finally:
        worker.send(signal.SIGCONT)
    return True, task_id


def _killed_door(ground: Ground, scene: Scene, lane: str) -> tuple[bool, UUID]:
    """The API or the dispatcher; the client asks until it is told."""
    api = scene.strike is Strike.API_KILLED
    name, start = ("api", ground.start_api) if api else ("dispatcher-1", ground.start_dispatcher)
    if f"worker-{lane}-1" in ground.dead or f"worker-{lane}-1" not in ground.children:
        start_worker(ground, lane)
    ground.children[name].kill()
    child = start(failpoints=scene.armed("kill"))
    with ThreadPoolExecutor(1) as client:
        asking = client.submit(_submit, ground, scene, lane)
        struck = child.died(STRUCK_WITHIN)
        start()
        return struck, asking.result()


def _submit(ground: Ground, scene: Scene, lane: str) -> UUID:
    return submitted(ground, scene.name, ask(0, provider=lane, manner=scene.manner))


def _clear(ground: Ground, lane: str) -> None:
    for name, child in ground.children.items():
        if name.startswith(f"worker-{lane}-"):
            child.kill()


def _counts(ground: Ground, query: str, task_id: UUID) -> bool:
    with reading.connect(ground.database_url) as connection:
        row = connection.execute(query.encode(), (task_id,)).fetchone()
    return bool(row and row[0])


def wait_for_end(ground: Ground, task_id: UUID, seconds: float = ENDS_WITHIN) -> bool:
    """Whether a task ends in time, and its calls too; one that does not is the checker's to report."""
    try:
        eventually(lambda: _counts(ground, _ENDED, task_id), "the task has ended", seconds)
    except Stalled:
        return False
    return True


def history_of(ground: Ground, key: str, task_id: UUID) -> History:
    """The history of one submission, with every request that no other one's call explains."""
    whole = reading.history(ground.database_url, ground.journal, ())
    ids = {task_id, *(own for name, own in whole.keys if name == key)}
    calls = tuple(call for call in whole.calls if call.task_id in ids)
    call_ids = {call.id for call in calls}
    others = {str(call.id) for call in whole.calls if call.id not in call_ids}
    return replace(
        whole,
        submissions=(Submission(key, task_id),),
        tasks=tuple(task for task in whole.tasks if task.id in ids),
        keys=tuple(pair for pair in whole.keys if pair[1] in ids),
        results=tuple(result for result in whole.results if result in ids),
        calls=calls,
        ledger=tuple(entry for entry in whole.ledger if entry.call_id in call_ids),
        charges=tuple(charge for charge in whole.charges if charge.call_id in call_ids),
        windows=(),
        events=tuple(event for event in whole.events if event.task_id in ids),
        journal=tuple(entry for entry in whole.journal if entry.id not in others),
    )
