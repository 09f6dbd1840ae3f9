"""`python -m tests.chaos.cap`: many workers, a small budget, and tasks that each hold a good part of it.

Every tenth answer comes without usage and is charged at its hold, so the money is used up half way:
who chose to fail has failed then, who chose to wait waits, and succeeds once the limit is raised.
"""

import argparse
import asyncio
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import redis

from orchestrator.embedded.stack import Stack
from schemas.budgets import BudgetRequest, Period, Scope
from schemas.calls import dollars
from tests.chaos import reading
from tests.chaos.asks import ask
from tests.chaos.checker import check
from tests.chaos.children import Stalled, eventually
from tests.chaos.ground import Ground, Times, ground, servers
from tests.chaos.load import submit_bodies
from tests.chaos.records import History, Level, Submission
from tests.chaos.violations import Violation

LANE: Final = "first"
HELD_TOKENS: Final = 50_000
"""Output tokens that come to $0.10 with this lane's model."""
UNTOLD: Final = 0.1
_RESTLESS: Final = """
    SELECT count(*) FROM tasks LEFT JOIN (budget_windows JOIN budgets ON id = budget_id) ON true
    WHERE status IN ('running', 'canceling', 'scheduled') OR (status = 'queued' AND (
        status_reason IS DISTINCT FROM 'waiting_for_budget' OR held_nanos > 0
        OR spent_nanos + waits_for_nanos <= limit_nanos
        OR (SELECT request->'preferences'->>'on_budget' FROM task_payloads AS p WHERE p.id = tasks.id)
            <> 'wait'))
"""
"""Whoever does not wait, as it chose to, for money that is not there."""
_RAISE: Final = "UPDATE budgets SET limit_nanos = 100 * limit_nanos"
# A worker that finds no money goes on to its next task at once: a task may be claimed many times.
TIMES: Final = Times(lease=10, heartbeat=2, dead_after=6, nudge=5)


@dataclass(frozen=True)
class Size:
    """How much of it."""

    workers: int = 8
    tasks: int = 1_000
    cap_usd: str = "5"
    slots: int = 16
    pace: float = 200.0
    seed: int = 7
    flush_after: float = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found when the money was used up, and in the end."""

    capped: Level
    at_the_cap: Counter[str]
    held_at_once: int
    history: History
    violations: tuple[Violation, ...]
    seconds: float


def play(stack: Stack, size: Size, *, flushed: bool, clumsy: bool = False) -> Seen:
    """One run; `flushed`: Valkey loses everything in the middle of it; `clumsy`: the stores stumble."""
    began = time.monotonic()
    cap = BudgetRequest(scope=Scope.TENANT, subject=None, period=Period.TOTAL, limit_usd=size.cap_usd)
    seed = size.seed if clumsy else None
    with ground(stack, TIMES, latency_ms=100, budgets=(cap,), clumsy=seed) as made:
        _open(made, size)
        flood = threading.Timer(size.flush_after, _flush, (stack,))
        if flushed:
            flood.start()
        told = asyncio.run(submit_bodies(made, _bodies(size), size.pace, f"cap-{size.seed}"))
        if flushed:
            flood.join()
        eventually(lambda: not reading.count(made.database_url, _RESTLESS), "only waiters are left", 150)
        capped, at_the_cap = reading.levels(made.database_url)[0], _states(made)
        held = capped.limit // _hold(made)
        with reading.connect(made.database_url) as connection:
            connection.execute(_RAISE)
        try:
            made.settled(90)
        except Stalled as stalled:
            print(stalled)
        history = reading.history(made.database_url, made.journal, told)
        return Seen(capped, at_the_cap, held, history, _judged(history, told), time.monotonic() - began)


def _open(made: Ground, size: Size) -> None:
    made.rules({"fault": "no_usage", "probability": UNTOLD, "seed": size.seed})
    workers = [made.start_worker(f"worker-{number + 1}", slots=size.slots) for number in range(size.workers)]
    made.start_dispatcher()
    made.start_api()
    eventually(lambda: all(map(made.enlisted, workers)), "the workers are enlisted", 90)


def _bodies(size: Size) -> list[dict[str, Any]]:
    """Half of them fail when the money is used up, half wait."""
    dice = random.Random(size.seed)
    choices = [("fail", "wait")[number % 2] for number in range(size.tasks)]
    dice.shuffle(choices)
    return [_body(number, choice) for number, choice in enumerate(choices)]


def _body(number: int, choice: str) -> dict[str, Any]:
    body = ask(number, provider=LANE)
    return body | {"preferences": body["preferences"] | {"max_tokens": HELD_TOKENS, "on_budget": choice}}


def _flush(stack: Stack) -> None:
    with redis.Redis.from_url(stack.broker_url) as client:
        client.flushall()


def _states(made: Ground) -> Counter[str]:
    query = """
        SELECT CASE WHEN status = 'queued' THEN 'waiting' ELSE status END || ' (' || on_budget || ')'
        FROM (SELECT status, (SELECT request->'preferences'->>'on_budget' FROM task_payloads AS p
            WHERE p.id = tasks.id) AS on_budget FROM tasks) AS told
    """
    with reading.connect(made.database_url) as connection:
        return Counter(str(row[0]) for row in connection.execute(query))


def _hold(made: Ground) -> int:
    return reading.count(made.database_url, "SELECT max(hold_nanos) FROM calls")


def _judged(history: History, told: tuple[Submission, ...]) -> tuple[Violation, ...]:
    """What the checker says, and whether the waiters came through once there was money again."""
    waited = {task.id: task for task in history.tasks if task.on_budget == "wait"}
    unmet = [task for task in waited.values() if task.status != "succeeded"]
    strays = [Violation("as chosen", str(task.id), f"{task.status}, and chose to wait") for task in unmet]
    untold = [one for one in told if one.acknowledged is None and not one.refused]
    strays += [Violation("unacknowledged", one.key, "neither stored nor refused") for one in untold]
    return (*check(history), *strays)


def show(size: Size, seen: Seen, *, flushed: bool) -> None:
    """One run as a few lines."""
    level = seen.capped
    calls = len(seen.history.calls)
    print(f"\n{size.workers} workers, cap ${size.cap_usd}, {size.tasks} tasks{', Valkey flushed' * flushed}")
    print(f"  held by one call        about 1/{seen.held_at_once} of the cap")
    print(f"  commits watched         {level.commits}")
    print(f"  highest spent + held    ${dollars(level.highest)} of ${dollars(level.limit)}")
    overspends = sum(trip.invariant == "overspend" for trip in seen.history.trips)
    print(f"  commits over the cap    {overspends}")
    refused = sum(one.refused for one in seen.history.submissions)
    listed = ", ".join(f"{count} {state}" for state, count in sorted(seen.at_the_cap.items()))
    print(f"  when it was used up     {listed}, {refused} refused with 402")
    states = Counter(task.status for task in seen.history.tasks)
    print(f"  once it was raised      {', '.join(f'{count} {state}' for state, count in states.items())}")
    print(f"  calls, seconds          {calls}, {seen.seconds:.0f}")
    for violation in seen.violations[:10]:
        print(f"  BREACH {violation.invariant}: {violation.id}: {violation.found}")
    print(f"  breaches                {len(seen.violations)}", flush=True)


def main() -> int:
    """Both runs; 0 if no promise was broken."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos.cap", description=__doc__)
    options.add_argument("--workers", type=int, default=Size.workers)
    options.add_argument("--tasks", type=int, default=Size.tasks)
    options.add_argument("--cap", default=Size.cap_usd, help="dollars")
    options.add_argument("--seed", type=int, default=Size.seed)
    given = options.parse_args()
    size = Size(workers=given.workers, tasks=given.tasks, cap_usd=given.cap, seed=given.seed)
    good = True
    with servers() as stack:
        for flushed in (False, True):
            seen = play(stack, size, flushed=flushed)
            show(size, seen, flushed=flushed)
            good = good and not seen.violations
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
