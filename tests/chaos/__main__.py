"""`make chaos`: load, faults and failpoints on one stack, judged by the checker; exit 1 on any breach.

`python -m tests.chaos --seed 7` repeats the order and the moments of the faults of another run.
"""

import argparse
import random
import signal
import sys
import time
from typing import Final

from orchestrator.embedded.stack import Stack
from tests.chaos import scenes
from tests.chaos.ground import ground, servers
from tests.chaos.nemesis import MENU
from tests.chaos.stage import play_all
from tests.chaos.storm import TIMES, Storm, weather
from tests.chaos.table import Verdict, show

TASKS = 420
PACE = 12.0
SHORT_MENU: Final = {
    **MENU,
    "worker halted past its lease": 1,
    "messages five-fold": 1,
    "connections terminated": 1,
    "provider: 5xx outage": 1,
}


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
        storm = Storm("short", SHORT_MENU, given.tasks, given.pace)
        found = weather(stack, storm, given.seed, keep=given.keep)
        print(f"storm over after {time.monotonic() - began:.0f} s; now one kill at each step of the way")
        played = failpoints(stack)
    seconds = time.monotonic() - began
    verdict = Verdict(given.seed, TIMES, (found,), played, seconds)
    show(verdict)
    return 0 if verdict.good else 1


def failpoints(stack: Stack, *, clumsy: int | None = None) -> list[scenes.Played]:
    """All scenes of one strike each; with a seed, over stores that stumble."""
    with ground(stack, scenes.SHORT, latency_ms=scenes.LATENCY_MS, clumsy=clumsy) as made:
        played = list(play_all(made).values())
        if not all(one.good for one in played):
            print(f"logs and journal: {made.keep()}")
        return played


if __name__ == "__main__":
    sys.exit(main())
