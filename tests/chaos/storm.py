"""A storm: load on a fresh ground while a nemesis works through its menu, judged when all is quiet again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any, Final

from orchestrator.embedded.stack import Stack
from schemas.budgets import BudgetRequest, Period, Scope
from tests.chaos import reading
from tests.chaos.asks import sloppy_rule
from tests.chaos.checker import check
from tests.chaos.children import Stalled, eventually
from tests.chaos.ground import Ground, Times, ground
from tests.chaos.load import TIGHT, Load, submit_all
from tests.chaos.nemesis import MENU, Fault, Nemesis
from tests.chaos.records import History, Level, Submission
from tests.chaos.violations import Violation

WORKERS: Final = 3
DISPATCHERS: Final = 2
LATENCY_MS: Final = 300.0
ENDS_WITHIN: Final = 120.0
FLAKY: Final = {"fault": "500", "probability": 0.04}
# So many crashes that no task can use them up: giving up on a poison task is another promise.
TIMES: Final = Times(
    max_crashes=12, connect=2, first_token=4, idle=3, total=12, circuit_open=1, circuit_open_most=4
)
BUDGETS: Final = (
    BudgetRequest(scope=Scope.TENANT, subject=None, period=Period.DAY, limit_usd="1000"),
    # Room for about eight calls at a time, fewer with each crash: in the end some are refused.
    BudgetRequest(scope=Scope.SESSION, subject=TIGHT, period=Period.TOTAL, limit_usd="0.25"),
)


@dataclass(frozen=True)
class Storm:
    """What is done, and to how many tasks. `anywhere`: each task may go to any provider.

    `clumsy`: the store of every process commits and then reports an error now and then.
    """

    name: str
    menu: Mapping[str, int] = field(default_factory=lambda: MENU)
    tasks: int = 300
    pace: float = 14.0
    through_proxies: bool = False
    anywhere: bool = False
    seconds: float = 0.0
    clumsy: bool = False

    @property
    def span(self) -> float:
        """Over how many seconds the faults are spread."""
        return self.seconds or self.tasks / self.pace


@dataclass(frozen=True)
class Weathered:
    """What a storm left."""

    storm: Storm
    history: History
    violations: Sequence[Violation]
    faults: Sequence[Fault]
    levels: Sequence[Level]


def weather(stack: Stack, storm: Storm, seed: int, *, keep: bool = False) -> Weathered:
    """Go through one storm."""
    with ground(
        stack,
        TIMES,
        latency_ms=LATENCY_MS,
        budgets=BUDGETS,
        through_proxies=storm.through_proxies,
        clumsy=seed if storm.clumsy else None,
    ) as made:
        _open(made, seed)
        nemesis = Nemesis(made, seed, storm.span, storm.menu)
        load = Load(storm.tasks, storm.pace, seed, storm.name, storm.anywhere)
        submissions = asyncio.run(_under_fire(made, load, nemesis))
        try:
            made.settled(ENDS_WITHIN)
        except Stalled as stalled:
            print(stalled)
        history = reading.history(made.database_url, made.journal, submissions)
        history = replace(history, journal=(*history.journal, *chain(*made.elsewhere)))
        # Whom a fault ended was started again: whoever is gone now gave up by itself.
        gave_up = tuple(Violation("gave up", name, "ended without being killed") for name in made.dead)
        violations = (*check(history), *gave_up)
        if violations or keep:
            print(f"logs and journal: {made.keep()}", flush=True)
        return Weathered(storm, history, violations, nemesis.done, reading.levels(made.database_url))


def _open(made: Ground, seed: int) -> None:
    made.rules({**FLAKY, "seed": seed}, sloppy_rule())
    workers = [made.start_worker(f"worker-{number + 1}") for number in range(WORKERS)]
    for number in range(DISPATCHERS):
        made.start_dispatcher(name=f"dispatcher-{number + 1}")
    made.start_api()
    eventually(lambda: all(map(made.enlisted, workers)), "the workers are enlisted", 60)


async def _under_fire(made: Ground, load: Load, nemesis: Nemesis) -> tuple[Submission, ...]:
    submissions, _ = await asyncio.gather(submit_all(made, load), asyncio.to_thread(nemesis.run))
    return submissions


def together(histories: Sequence[History]) -> History:
    """Several histories as one, for counting."""
    joined: dict[str, Any] = {
        one.name: tuple(entry for history in histories for entry in getattr(history, one.name))
        for one in fields(History)
    }
    return History(**joined)
