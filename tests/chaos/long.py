"""`make chaos-long`: every fault, family by family; `make soak`: all of them mixed, for as long as asked.

Each family strikes a fresh product under load, with hard budgets, and is judged by itself; the table
sums them up. `--only broker` plays one family.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterator
from typing import Final

from orchestrator.embedded.stack import Stack
from tests.chaos.__main__ import failpoints
from tests.chaos.again import STUMBLING, cap_over_clumsy_stores, edits, machine, scenes_over_clumsy_stores
from tests.chaos.apart import disk_full, poison
from tests.chaos.faults import broker, clocks, database, network, processes, provider
from tests.chaos.ground import servers
from tests.chaos.peer import peer_row
from tests.chaos.storm import TIMES, Storm, Weathered, weather
from tests.chaos.table import Verdict, show

PACE: Final = 5.0
# What one fault of a family takes, with the quiet after it.
_SECONDS: Final = {"processes": 6, "broker": 5, "database": 6, "network": 6, "provider": 5.5, "clocks": 14}
_MENUS: Final = {
    "processes": {**dict.fromkeys(processes.ACTS, 2), "worker killed": 4},
    "broker": {**dict.fromkeys(broker.ACTS, 1), "Valkey flushed": 2, "messages lost": 2},
    "database": {**dict.fromkeys(database.ACTS, 2), "commits left ambiguous": 4},
    "network": dict.fromkeys(network.ACTS, 1),
    "provider": dict.fromkeys(provider.ACTS, 1),
    "clocks": dict.fromkeys(clocks.ACTS, 1),
}
_PROXIED: Final = frozenset({"database", "network", "provider"})
SOAK_SECONDS_A_FAULT: Final = 7.0


def families() -> Iterator[Storm]:
    """A storm for each kind of fault."""
    for name, menu in _MENUS.items():
        span = sum(menu.values()) * _SECONDS[name]
        yield Storm(
            name=name,
            menu=menu,
            tasks=int(span * PACE),
            pace=PACE,
            through_proxies=name in _PROXIED,
            anywhere=name == "provider",
            seconds=span,
        )
    yield STUMBLING


def soak(minutes: float, dice: random.Random) -> Storm:
    """One storm of all kinds, drawn by the dice."""
    kinds = [kind for menu in _MENUS.values() for kind in menu]
    count = max(1, int(minutes * 60 / SOAK_SECONDS_A_FAULT))
    drawn = [dice.choice(kinds) for _ in range(count)]
    menu = {kind: drawn.count(kind) for kind in dict.fromkeys(drawn)}
    tasks = int(minutes * 60 * PACE)
    return Storm("soak", menu, tasks, PACE, through_proxies=True, anywhere=True, seconds=minutes * 60)


def main() -> int:
    """Run what is asked for; 0 if every promise was kept."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos.long", description=__doc__)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--only", choices=[*_MENUS, "store", "again", "apart", "peer"], help="one family")
    options.add_argument("--soak", type=float, metavar="MINUTES", help="all faults mixed, for so long")
    options.add_argument("--keep", action="store_true", help="keep logs and journals of good runs too")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    everything = given.only is None and given.soak is None
    dice = random.Random(given.seed)
    storms = [soak(given.soak, dice)] if given.soak else [*families()]
    print(f"seed {given.seed}", flush=True)
    weathered: list[Weathered] = []
    with servers() as stack:
        for storm in storms:
            if everything or given.soak or given.only == storm.name:
                weathered.append(_through(stack, storm, given.seed, keep=given.keep))
        played = failpoints(stack) if everything else []
        others = [poison(stack)] if everything or given.only == "apart" else []
        if everything or given.only == "again":
            clumsy = scenes_over_clumsy_stores(stack, given.seed)
            others += [clumsy, cap_over_clumsy_stores(stack), machine(stack), edits()]
        peer = peer_row(stack, given.seed) if everything or given.only == "peer" else ""
    if everything or given.only == "apart":
        others = [*others, disk_full()]
    verdict = Verdict(given.seed, TIMES, weathered, played, time.monotonic() - began, others, peer)
    show(verdict)
    return 0 if verdict.good else 1


def _through(stack: Stack, storm: Storm, seed: int, *, keep: bool) -> Weathered:
    began = time.monotonic()
    found = weather(stack, storm, seed, keep=keep)
    seconds = time.monotonic() - began
    print(
        f"{storm.name}: {storm.tasks} tasks, {len(found.faults)} faults, {seconds:.0f} s, "
        f"{len(found.violations)} breaches",
        flush=True,
    )
    for violation in found.violations[:5]:
        print(f"  {violation.invariant}: {violation.id}: {violation.found}", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
