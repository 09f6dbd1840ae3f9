"""`make chaos`: load, faults and failpoints on one stack, judged by the checker; exit 1 on any breach.

`python -m tests.chaos --seed 7` repeats the order and the moments of the faults of another run.
"""

import argparse
import asyncio
import random
import signal
import sys
import time

from orchestrator.embedded.stack import Stack
from tests.chaos import reading, scenes
from tests.chaos.asks import sloppy_rule
from tests.chaos.checker import check
from tests.chaos.children import Stalled, eventually
from tests.chaos.ground import Ground, Times, ground, servers
from tests.chaos.load import Load, submit_all
from tests.chaos.nemesis import Fault, Nemesis
from tests.chaos.records import History, Submission
from tests.chaos.stage import play_all
from tests.chaos.table import Verdict, show
from tests.chaos.violations import Violation

TASKS = 300
PACE = 14.0
WORKERS = 3
DISPATCHERS = 2
LATENCY_MS = 300.0
# So many crashes that no task can use them up: giving up on a poison task is another promise.
TIMES = Times(max_crashes=6)
ENDS_WITHIN = 45.0
FLAKY = {"fault": "500", "probability": 0.04}


def main() -> int:
    """Run everything; 0 if every promise was kept."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--tasks", type=int, default=TASKS)
    options.add_argument("--pace", type=float, default=PACE, help="submissions a second")
    options.add_argument("--keep", action="store_true", help="keep logs and journal of a good run too")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(
        f"seed {given.seed}: {given.tasks} tasks at {given.pace:g} a second; again with --seed {given.seed}"
    )
    began = time.monotonic()
    with servers() as stack:
        history, violations, faults = _storm(stack, Load(given.tasks, given.pace, given.seed), given.keep)
        print(f"storm over after {time.monotonic() - began:.0f} s; now one kill at each step of the way")
        played = _failpoints(stack)
    seconds = time.monotonic() - began
    verdict = Verdict(given.seed, TIMES, history, violations, faults, played, seconds)
    show(verdict)
    return 0 if verdict.good else 1


def _storm(stack: Stack, load: Load, keep: bool) -> tuple[History, tuple[Violation, ...], list[Fault]]:
    with ground(stack, TIMES, latency_ms=LATENCY_MS) as made:
        _open(made, load.seed)
        nemesis = Nemesis(made, load.seed, span=load.tasks / load.pace)
        submissions = asyncio.run(_under_fire(made, load, nemesis))
        try:
            made.settled(ENDS_WITHIN)
        except Stalled as stalled:
            print(stalled)
        history = reading.history(made.database_url, made.journal, submissions)
        # Whom a fault ended was started again: whoever is gone now gave up by itself.
        gave_up = tuple(Violation("gave up", name, "ended without being killed") for name in made.dead)
        violations = (*check(history), *gave_up)
        if violations or keep:
            print(f"logs and journal: {made.keep()}")
        return history, violations, nemesis.done


def _open(made: Ground, seed: int) -> None:
    made.rules({**FLAKY, "seed": seed}, sloppy_rule())
    workers = [made.start_worker(f"worker-{number + 1}") for number in range(WORKERS)]
    for number in range(DISPATCHERS):
        made.start_dispatcher(name=f"dispatcher-{number + 1}")
    made.start_api()
    eventually(lambda: all(map(made.enlisted, workers)), "the workers are enlisted")


async def _under_fire(made: Ground, load: Load, nemesis: Nemesis) -> tuple[Submission, ...]:
    submissions, _ = await asyncio.gather(submit_all(made, load), asyncio.to_thread(nemesis.run))
    return submissions


def _failpoints(stack: Stack) -> list[scenes.Played]:
    with ground(stack, scenes.SHORT, latency_ms=scenes.LATENCY_MS) as made:
        played = list(play_all(made).values())
        if not all(one.good for one in played):
            print(f"logs and journal: {made.keep()}")
        return played


if __name__ == "__main__":
    sys.exit(main())
