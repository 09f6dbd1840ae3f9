"""What a mutant has to come through: a scene, a lie that is found out, or nothing at all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from schemas.budgets import BudgetRequest
from tests.chaos.asks import ask
from tests.chaos.checker import check, expected_calls
from tests.chaos.ground import LANES, Ground, Times, submitted
from tests.chaos.scenes import SHORT, UNHURT, Scene
from tests.chaos.stage import history_of, opened, play, start_worker, wait_for_end
from tests.chaos.violations import Violation

ENDS_WITHIN: Final = 12.0
KEY: Final = "mutant"


@dataclass(frozen=True, slots=True)
class Play:
    """Something to come through, under budgets and times of its own, and the breaches it leaves."""

    name: str
    act: Callable[[Ground], tuple[Violation, ...]]
    budgets: tuple[BudgetRequest, ...] = ()
    times: Times = SHORT


def scene(played: Scene) -> Play:
    """A scene as a play; a strike that never came is a breach too."""

    def act(ground: Ground) -> tuple[Violation, ...]:
        opened(ground)
        found = play(ground, played, seconds=ENDS_WITHIN)
        missed = () if found.struck else (Violation("not struck", played.name, "the process went on"),)
        return (*missed, *found.violations)

    return Play(played.name, act)


def _one_task(ground: Ground, *, kill_api: bool) -> tuple[Violation, ...]:
    opened(ground)
    lane = next(iter(LANES))
    start_worker(ground, lane)
    task_id = submitted(ground, KEY, ask(0, provider=lane))
    if kill_api:
        ground.children["api"].kill()
    wait_for_end(ground, task_id, ENDS_WITHIN)
    history = history_of(ground, KEY, task_id)
    return (*check(history), *expected_calls(history, UNHURT))


UNDISTURBED: Final = Play("undisturbed", partial(_one_task, kill_api=False))
ANSWERED_THEN_KILLED: Final = Play("API-killed-once-it-answered", partial(_one_task, kill_api=True))
