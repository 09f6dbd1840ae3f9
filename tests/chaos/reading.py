"""Reads the history of a run: the tables by plain SQL, the simulator's journal from its file.

It shares no statement with the product, so that a wrong one of ours can't hide itself.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg

from tests.chaos.records import (
    Budget,
    Call,
    Charge,
    Entry,
    Event,
    History,
    Level,
    Received,
    Submission,
    Task,
    Trip,
    Window,
)

_TASKS = """
    SELECT id, status, attempt, failures, crashes, lease_token IS NOT NULL, created_at, finished_at,
        session_id, error->>'code',
        coalesce((SELECT request->'preferences'->>'on_budget' FROM task_payloads AS p WHERE p.id = tasks.id),
            'fail'), user_id, api_key_id
    FROM tasks
"""
_CALLS = """
    SELECT id, task_id, purpose, status, verdict, cost_nanos, estimated, http_status, started_at, hold_nanos,
        provider
    FROM calls
"""
_ENTRIES = "SELECT call_id, kind, amount_nanos FROM ledger WHERE kind <> 'fee'"
_BUDGETS = "SELECT id, scope, subject, created_at FROM budgets WHERE hard AND deleted_at IS NULL"
_CHARGES = """
    SELECT call_id, budget_id, period, starts FROM call_charges JOIN budgets ON budgets.id = budget_id
"""
_WINDOWS = "SELECT budget_id, starts, spent_nanos, held_nanos FROM budget_windows"
_UNDER_WAY = """
    SELECT count(*) FROM tasks WHERE status NOT IN ('succeeded', 'failed', 'canceled', 'expired')
"""
_LEVELS = """
    SELECT scope, subject, limit_nanos, highest, commits FROM chaos_levels
    JOIN budgets ON budgets.id = budget_id WHERE hard ORDER BY scope, subject
"""
_OPEN_CALLS = "SELECT count(*) FROM calls WHERE status = 'started'"


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection of the test's own, in autocommit."""
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True, connect_timeout=3)


def history(url: str, journal: Path, submissions: tuple[Submission, ...]) -> History:
    """Everything there is now; the journal first, so that what follows has the intent of each request."""
    requests = tuple(received(journal))
    with connect(url) as connection:
        return History(
            submissions=submissions,
            tasks=tuple(Task(*row) for row in connection.execute(_TASKS)),
            keys=tuple(connection.execute("SELECT key, task_id FROM idempotency_keys").fetchall()),
            results=tuple(row[0] for row in connection.execute("SELECT id FROM task_results")),
            calls=tuple(Call(*row) for row in connection.execute(_CALLS)),
            ledger=tuple(Entry(*row) for row in connection.execute(_ENTRIES)),
            events=tuple(Event(*row) for row in connection.execute("SELECT task_id, seq, name FROM events")),
            journal=requests,
            budgets=tuple(Budget(*row) for row in connection.execute(_BUDGETS)),
            charges=tuple(Charge(*row) for row in connection.execute(_CHARGES)),
            windows=tuple(Window(*row) for row in connection.execute(_WINDOWS)),
            trips=trips(url),
        )


def received(journal: Path) -> Iterator[Received]:
    """The entries of the simulator's journal."""
    for line in journal.read_bytes().splitlines() if journal.exists() else ():
        entry = orjson.loads(line)
        at = datetime.fromtimestamp(entry["received_at"], UTC)
        yield Received(entry["id"], at, entry["outcome"], entry["billed_nano_dollars"])


def trips(url: str) -> tuple[Trip, ...]:
    """What the trigger caught; nothing where it was not stretched."""
    query = "SELECT invariant, budget_id, found FROM chaos_trips ORDER BY at"
    with connect(url) as connection:
        if not connection.execute("SELECT 1 FROM pg_class WHERE relname = 'chaos_trips'").fetchone():
            return ()
        return tuple(Trip(*row) for row in connection.execute(query))


def levels(url: str) -> tuple[Level, ...]:
    """The highest level that each hard window had at any commit, and how many commits moved it."""
    with connect(url) as connection:
        return tuple(Level(*row) for row in connection.execute(_LEVELS))


def under_way(url: str) -> int:
    """How many tasks have not ended."""
    return count(url, _UNDER_WAY)


def open_calls(url: str) -> int:
    """How many calls have no outcome."""
    return count(url, _OPEN_CALLS)


def count(url: str, query: str) -> int:
    """The number that a query of one row says."""
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
