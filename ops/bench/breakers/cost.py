"""What a guarded call costs: time, round trips, connections."""

import threading
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from statistics import quantiles
from typing import Final

from redis import Redis

from ops.bench.breakers.sides import PROCESSES, Place, Side, succeed

_CALLS: Final = 2_000
_THREADS: Final = 1_000


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one guard around nothing, and what a thousand threads at once make of it."""

    median: float
    p99: float
    round_trips: float
    per_second: float
    threads_median: float
    threads_longest: float
    connections: int

    def __str__(self) -> str:
        return (
            f"A guard around nothing: {self.median:.2f} ms (p99 {self.p99:.2f} ms), "
            f"{self.round_trips:.2f} round trips; {PROCESSES} processes on one circuit: "
            f"{self.per_second:,.0f} guards/s.\n"
            f"{_THREADS:,} threads of one process at once: {self.threads_median:.0f} ms "
            f"(longest {self.threads_longest:.0f} ms) over {self.connections} connections."
        )


def cost(place: Place) -> Cost:
    """Measured on a circuit of our side."""
    side = place.open()
    with Redis.from_url(place.url) as client:
        for _ in range(100):
            side.call(succeed)
        client.config_resetstat()
        alone = sorted(_seconds(side) for _ in range(_CALLS))
        scripts = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        before = client.info("clients")["connected_clients"]
        together = _at_once(place)
        connections = client.info("clients")["connected_clients"] - before
    return Cost(
        median=alone[_CALLS // 2] * 1e3,
        p99=quantiles(alone, n=100)[-1] * 1e3,
        round_trips=scripts / _CALLS,
        per_second=sum(place.everyone(_rate)),
        threads_median=together[_THREADS // 2] * 1e3,
        threads_longest=together[-1] * 1e3,
        connections=connections,
    )


def _seconds(side: Side) -> float:
    began = time.perf_counter()
    side.call(succeed)
    return time.perf_counter() - began


def _at_once(place: Place) -> list[float]:
    side, together, seconds = place.open(), threading.Barrier(_THREADS), []

    def call() -> None:
        together.wait()
        seconds.append(_seconds(side))

    threads = [threading.Thread(target=call) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(seconds)


def _rate(place: Place, barrier: Barrier, _rank: int) -> float:
    side = place.open()
    barrier.wait()
    began = time.perf_counter()
    for _ in range(_CALLS):
        side.call(succeed)
    return _CALLS / (time.perf_counter() - began)
