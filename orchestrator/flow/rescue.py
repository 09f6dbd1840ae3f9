"""Rescue: take back what dead workers hold, end what is past its deadline, close what was left open.

A lease that ran out is taken back only when its process is dead or its call's own time has passed;
until then a second call for the same task could be paid. Each step is bounded and may run twice. The
children of a consensus have its deadline, and end by it as any task does.
"""

from random import random
from typing import Any
from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.limits.budgets import tell_crossed
from orchestrator.store import calls, families, jobs, leases, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import DONE, READY
from orchestrator.wiring import Parts
from schemas.calls import CallStatus
from schemas.errors import Category
from schemas.events import EventName
from schemas.moves import Fence, Happening, Move
from schemas.tasks import TaskStatus

MOST = 100
_RUN = (TaskStatus.RUNNING, TaskStatus.CANCELING)


async def rescue(parts: Parts) -> int:
    """How many tasks were taken back or ended."""
    taken = await _each(parts, leases.EXPIRED, _after_crash, close_calls=True)
    ended = await _each(parts, tasks.OVERDUE, _after_deadline, close_calls=False)
    stale = await parts.db.run(calls.CLOSE_STALE, most=MOST)
    tell_crossed(stale)
    for row in stale:
        _count(row)
        telemetry.emit(row.task_id, (_unknown(row),))
    telemetry.RESCUES.inc(taken)
    return taken + ended


def _after_crash(row: Row, passed_on: bool) -> Move:
    standing, status = tasks.standing_of(row), TaskStatus(row.status)
    return states.after_crash(standing, status, random(), passed_on=passed_on)


def _after_deadline(row: Row, _: bool) -> Move:
    canceling = TaskStatus(row.status) is TaskStatus.CANCELING
    return (states.after_cancel if canceling else states.after_deadline)(tasks.standing_of(row))


async def _each(parts: Parts, finding: Any, decide: Any, *, close_calls: bool) -> int:
    moved: list[tuple[Row, Row, tuple[Happening, ...]]] = []
    async with parts.db.transaction() as connection:
        params = {
            "most": MOST,
            "lease": parts.config.lease_seconds,
            "dead_after": parts.config.dead_after_seconds,
        }
        names = finding.names
        rows = await tasks.rows_of(connection, finding, {name: params[name] for name in names})
        rows = await families.with_parents(connection, rows)
        found = [row.id for row in rows] if close_calls else []
        closed = await tasks.rows_of(connection, calls.CLOSE_UNKNOWN, {"tasks": found}) if found else []
        exposed = await _passed_on(connection, found)
        for row in rows:
            move: Move = decide(row, row.id in exposed)
            after = await _move(connection, row, move)
            if after is not None:
                first = (_unknown(call) for call in closed if call.task_id == row.id)
                moved.append((row, after, (*first, *move.happenings)))
        unleased = [row.id for row, _, _ in moved if row.lease_token is None and row.status in _RUN]
        if unleased:
            await connection.execute(jobs.WAKE, {"tasks": unleased})
    tell_crossed(closed)
    for call in closed:
        _count(call)
    for row, after, happenings in moved:
        telemetry.emit(row.id, happenings)
        if lane := families.tell_parent(after):
            parts.volatile.hint(READY, lane)
        parts.volatile.hint(DONE, str(row.id))
    return len(moved)


async def _passed_on(connection: Connection, found: list[UUID]) -> set[UUID]:
    rows = await tasks.rows_of(connection, calls.PASSED_ON, {"tasks": found}) if found else []
    return {row.id for row in rows}


async def _move(connection: Connection, row: Row, move: Move) -> Row | None:
    fence = Fence(row.id, TaskStatus(row.status), row.attempt, row.lease_token, parent_id=row.parent_id)
    outcome = EventName.RESCUED.partition(".")[2] if row.lease_token else None
    candidates = tasks.standing_of(row).candidates
    return await tasks.move(connection, fence, move, candidates, outcome=outcome)


def _unknown(row: Row) -> Happening:
    return Happening(EventName.CALL_UNKNOWN, {"call_id": str(row.id)})


def _count(row: Row) -> None:
    telemetry.CALLS.labels(row.vendor, row.model, CallStatus.UNKNOWN, Category.CRASHED).inc()
    telemetry.COST.labels(row.vendor, row.model).inc(row.cost_nanos)
