"""What is wrong with stock pybreaker across processes, done on both sides.

A fact is a function of a place that returns in a few words what happened there.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import pybreaker
import redis

from ops.bench.breakers.sides import (
    PROCESSES,
    Broken,
    Place,
    exclude,
    fail,
    half_open,
    ran,
    stop,
    succeed,
    tripped,
)


def calls_wait_for_each_other(place: Place) -> str:
    return f"{max(place.everyone(_eight_threads)):.1f} s"


def _eight_threads(place: Place, barrier: Barrier, _rank: int) -> float:
    side = place.open()
    barrier.wait()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: side.call(lambda: time.sleep(0.3)), range(8)))
    return time.monotonic() - began


def four_of_five_fail(place: Place) -> str:
    through = sum(place.everyone(_in_turn))
    return f"{place.open().name} after {through} calls"


def _in_turn(place: Place, barrier: Barrier, rank: int) -> int:
    side, through = place.open(), 0
    for number in range(1000):
        if number % PROCESSES == rank:
            through += ran(side, succeed if number % 5 == 4 else fail)
        barrier.wait()
    return through


def probes_at_once(place: Place) -> str:
    place = half_open(place)
    return f"{sum(place.everyone(_two_attempts))} of {2 * PROCESSES} let through"


def _two_attempts(place: Place, barrier: Barrier, _rank: int) -> int:
    sides = [place.open(), place.open()]
    barrier.wait()
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda side: ran(side, lambda: time.sleep(0.5)), sides))


def an_excluded_call_counts(place: Place) -> str:
    side = place.open()
    for work in (fail, fail, fail, fail, exclude):
        side.call(work)
    return f"{side.failures} of 4 failures still counted"


def an_excluded_probe_decides(place: Place) -> str:
    side = half_open(place).open()
    side.call(exclude)
    return side.name


def whoever_notices_a_recovery(place: Place) -> str:
    tripped(place)
    return f"{place.everyone(_see_it_close)[0]} of 4 failures still counted"


def _see_it_close(place: Place, barrier: Barrier, rank: int) -> int:
    side = place.open()
    side.look()
    barrier.wait()
    if rank == 0:
        side.close_by_hand()
        for _ in range(4):
            side.call(fail)
    barrier.wait()
    if rank:
        side.look()
    barrier.wait()
    return side.failures


def a_shutdown_counts(place: Place) -> str:
    place.everyone(_shut_down)
    side = place.open()
    return f"{side.name}, {side.failures} failures" if side.failures else side.name


def _shut_down(place: Place, barrier: Barrier, _rank: int) -> None:
    side = place.open()
    barrier.wait()
    side.call(stop)


def failing_coroutines(place: Place) -> str:
    failed = sum(place.everyone(_ten_coroutines))
    return f"{place.open().name} after {failed} failed ones"


def _ten_coroutines(place: Place, barrier: Barrier, _rank: int) -> int:
    side, ended = place.open(), []

    async def broken() -> None:
        ended.append(1)
        raise Broken

    async def ten() -> None:
        for _ in range(10):
            try:
                await side.call_async(broken)
            except Exception:  # noqa: BLE001 - whatever comes out; what ran is counted
                continue

    barrier.wait()
    asyncio.run(ten())
    return len(ended)


def a_fast_clock(place: Place) -> str:
    tripped(place)
    through = place.everyone(_ask_two_hours_ahead)
    return f"{sum(through)} of {PROCESSES} let into an open circuit"


def _ask_two_hours_ahead(place: Place, barrier: Barrier, _rank: int) -> bool:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz or UTC) + timedelta(hours=2)

    vars(pybreaker)["datetime"] = Ahead
    side = place.open()
    barrier.wait()
    return ran(side, succeed)


def keys_without_an_end(place: Place) -> str:
    tripped(place)
    with redis.Redis.from_url(place.url) as client:
        keys = list(client.scan_iter())
        return f"{sum(client.ttl(key) == -1 for key in keys)} of {len(keys)} keys"


def made_without_redis(place: Place) -> str:
    with place.outage():
        try:
            return f"a call is {place.open().call(succeed)}"
        except redis.RedisError as error:
            return f"{type(error).__name__}, in all {PROCESSES}" if place.everyone(_raises) else ""


def _raises(place: Place, barrier: Barrier, _rank: int) -> bool:
    try:
        place.open()
    except redis.RedisError:
        return True
    return False


def open_when_redis_goes(place: Place) -> str:
    tripped(place)
    return f"{sum(place.everyone(_lose_redis))} of {100 * PROCESSES} calls let through"


def _lose_redis(place: Place, barrier: Barrier, rank: int) -> int:
    side = place.open()
    side.call(succeed)
    barrier.wait()
    if rank == 0:
        place.kill()
    barrier.wait()
    return sum(ran(side, fail) for _ in range(100))


def broken_when_redis_goes(place: Place) -> str:
    return f"{sum(place.everyone(_lose_redis))} of {100 * PROCESSES} calls let through"


def what_tripping_hides(place: Place) -> str:
    side = place.open()
    return [side.call(fail) for _ in range(5)][-1]


def late_results(place: Place) -> str:
    place.everyone(_begin_before_end_after)
    return place.open().name


def _begin_before_end_after(place: Place, barrier: Barrier, rank: int) -> None:
    def late() -> None:
        barrier.wait()
        if rank == 0:
            tripped(place).close_by_hand()
        barrier.wait()
        raise Broken

    side = place.open()
    side.call(late)


def a_stop_iteration(place: Place) -> str:
    return place.open().block(lambda: next(iter(())))


FACTS: Final[dict[str, Callable[[Place], str]]] = {
    "8 threads × a call of 0.3 s, in each process": calls_wait_for_each_other,
    "4 of 5 calls fail, 1,000 calls in turn": four_of_five_fail,
    "half open, 2 attempts of each process at once": probes_at_once,
    "after 4 failures, an excluded call": an_excluded_call_counts,
    "half open, an excluded call": an_excluded_probe_decides,
    "7 processes notice that it closed before 4 failures": whoever_notices_a_recovery,
    "a shutdown (SystemExit) in each process": a_shutdown_counts,
    "failing coroutines": failing_coroutines,
    "open, every caller's clock 2 h fast": a_fast_clock,
    "keys without a TTL": keys_without_an_end,
    "made while Redis is away": made_without_redis,
    "open, then Redis dies, the provider still fails": open_when_redis_goes,
    "what the caller of the call that trips it sees": what_tripping_hides,
    "8 calls begun before it opened and closed, failing after": late_results,
}
"""The 14 facts of FIELD-NOTES §2."""

ALSO: Final[dict[str, Callable[[Place], str]]] = {
    "closed, then Redis dies, the provider fails": broken_when_redis_goes,
    "a guarded block that raises StopIteration": a_stop_iteration,
}
"""Found on the way."""
