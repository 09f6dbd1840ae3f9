"""Plays about money and circuits: what a mutant without their protection can't come through."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.budgets import BudgetRequest, Period, Scope
from tests.chaos import reading
from tests.chaos.asks import SLOWLY, ask
from tests.chaos.checker import check
from tests.chaos.children import Stalled, eventually
from tests.chaos.ground import LANES, Ground, Times, submitted
from tests.chaos.mutants.plays import Play
from tests.chaos.records import Submission
from tests.chaos.stage import opened, start_worker
from tests.chaos.violations import Violation

LANE: Final = next(iter(LANES))
HELD_TOKENS: Final = 50_000
TASKS: Final = 12
OUT_SECONDS: Final = 7.0
IN_FLIGHT_SECONDS: Final = 2.0
PROBES_A_SECOND: Final = 1.0
_STARTED: Final = "SELECT count(*) FROM calls WHERE status = 'started'"
_YESTERDAY: Final = (
    "UPDATE budget_windows SET starts = starts - interval '1 day'",
    "UPDATE call_charges SET starts = starts - interval '1 day'",
    "UPDATE calls SET started_at = started_at - interval '1 day'",
)


def _budget(period: Period, limit: str) -> tuple[BudgetRequest, ...]:
    return (BudgetRequest(scope=Scope.TENANT, subject=None, period=period, limit_usd=limit),)


def _submit(ground: Ground, number: int, **wishes: str) -> Submission:
    key = f"mutant-{number}"
    body: dict[str, Any] = ask(number, provider=LANE)
    body |= {"preferences": body["preferences"] | {"max_tokens": HELD_TOKENS, "max_attempts": 20, **wishes}}
    return Submission(key, submitted(ground, key, body))


def _flood(ground: Ground, first: int = 0) -> tuple[Submission, ...]:
    with ThreadPoolExecutor(TASKS) as clients:
        return tuple(clients.map(lambda number: _submit(ground, number), range(first, first + TASKS)))


def _judged(ground: Ground, told: tuple[Submission, ...], seconds: float = 20) -> tuple[Violation, ...]:
    with suppress(Stalled):
        ground.settled(seconds)
    return check(reading.history(ground.database_url, ground.journal, told))


def _at_the_edge(ground: Ground) -> tuple[Violation, ...]:
    """Twelve calls at once on a budget with room for three, each charged at its hold."""
    opened(ground)
    ground.rules({"fault": "no_usage"})
    start_worker(ground, LANE)
    start_worker(ground, LANE, second=True)
    return _judged(ground, _flood(ground))


def _dearer_model(ground: Ground) -> tuple[Violation, ...]:
    """The vendor lets another model answer than was asked for, and bills that one."""
    opened(ground)
    ground.rules({"served_by": "gpt-5"})
    start_worker(ground, LANE)
    return _judged(ground, (_submit(ground, 0),))


def _usual_tier(ground: Ground) -> tuple[Violation, ...]:
    """The cheap tier is asked for, and the usual one serves and is billed."""
    opened(ground)
    ground.rules({"served_tier": "default"})
    start_worker(ground, LANE)
    return _judged(ground, (_submit(ground, 0, speed_priority="economy"),))


def _midnight(ground: Ground) -> tuple[Violation, ...]:
    """A day ends while a call is under way: what was intended yesterday is charged to yesterday."""
    opened(ground)
    start_worker(ground, LANE)
    key = "mutant-0"
    told = Submission(key, submitted(ground, key, ask(0, provider=LANE, manner=SLOWLY)))
    eventually(lambda: reading.count(ground.database_url, _STARTED), "the call is under way")
    with reading.connect(ground.database_url) as connection, connection.transaction():
        for statement in _YESTERDAY:
            connection.execute(statement.encode())
    return _judged(ground, (told,), 12)


def _outage(ground: Ground) -> tuple[Violation, ...]:
    """Once its circuit has opened, a dead provider sees single probes, and not every worker's."""
    opened(ground)
    ground.rules({"fault": "500", "latency_ms": 1000})
    start_worker(ground, LANE)
    start_worker(ground, LANE, second=True)
    began = datetime.now(UTC)
    told = _flood(ground)
    time.sleep(IN_FLIGHT_SECONDS)
    # First attempts, which no retry budget holds back.
    told += _flood(ground, TASKS) + _flood(ground, 2 * TASKS)
    time.sleep(OUT_SECONDS)
    over = datetime.now(UTC)
    ground.rules()
    found = _judged(ground, told, 60)
    arrivals = sorted(
        entry.received_at
        for entry in reading.received(ground.journal)
        if began < entry.received_at < over and entry.outcome.startswith("error")
    )
    opened_at = arrivals[4] if len(arrivals) > 4 else began
    late = [at for at in arrivals if at > opened_at + timedelta(seconds=IN_FLIGHT_SECONDS)]
    if len(late) > PROBES_A_SECOND * OUT_SECONDS:
        text = f"{len(late)} requests in {OUT_SECONDS:g} s of outage, after the circuit had opened"
        return (*found, Violation("one probe", LANE, text))
    return found


def _play(name: str, act: Callable[[Ground], tuple[Violation, ...]], *budgets: BudgetRequest) -> Play:
    return Play(name, act, budgets)


AT_THE_EDGE: Final = _play("calls-at-the-edge-of-a-budget", _at_the_edge, *_budget(Period.TOTAL, "0.35"))
DEARER_MODEL: Final = _play("another-model-answers", _dearer_model, *_budget(Period.DAY, "10"))
USUAL_TIER: Final = _play("the-usual-tier-serves", _usual_tier, *_budget(Period.DAY, "10"))
MIDNIGHT: Final = _play("midnight-during-a-call", _midnight, *_budget(Period.DAY, "10"))
OUTAGE: Final = Play(
    "the-provider-is-down",
    _outage,
    times=Times(lease=6, heartbeat=0.5, dead_after=4, nudge=1.5, circuit_open=1, circuit_open_most=4),
)
