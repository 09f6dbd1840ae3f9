"""Divert: tasks that wait before a closed gate go to the first candidate of their route whose gate is open.

Only the heads of a lane are moved, as many as could be dispatched; the rest waits, and says why. Those
whose provider was removed wait for any that is left, or end where none is.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.flow.shares import Lane
from orchestrator.limits.gates import REMOVED, Closed
from orchestrator.store import gates, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import DONE
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.gates import GateKind
from schemas.moves import Fence, Happening, Move, Standing
from schemas.providers import queue_of
from schemas.tasks import TaskStatus

MOST = 100
WORTH_WAITING = 5.0
"""A cool-down shorter than this is waited for; seconds."""


async def divert(parts: Parts, lanes: Iterable[Lane], closed: Mapping[UUID, Closed]) -> set[str]:
    """Move heads of the lanes that stand before a closed gate; their new lanes as hint words."""
    words: set[str] = set()
    for lane in lanes:
        gate = closed.get(lane.provider)
        if gate is None or not _keeps_out(gate):
            continue
        moved: list[tuple[UUID, tuple[Happening, ...]]] = []
        async with parts.db.transaction() as connection:
            rows = await tasks.rows_of(connection, gates.STUCK, _head_of(lane))
            for row in rows:
                word = await _move(connection, row, gate, closed, moved)
                words |= {word} if word else set()
        for task_id, happenings in moved:
            telemetry.emit(task_id, happenings)
            if happenings[-1].name is not EventName.FAILED_OVER:
                parts.volatile.hint(DONE, str(task_id))
    return words


def _head_of(lane: Lane) -> dict[str, object]:
    return {
        "queue": lane.queue,
        "provider_id": lane.provider,
        "tenant_id": lane.tenant,
        "most": MOST,
    }


def _keeps_out(gate: Closed) -> bool:
    return gate.seconds_left > (WORTH_WAITING if gate.kind is GateKind.COOL_DOWN else 0)


def _open_candidate(standing: Standing, closed: Mapping[UUID, Closed]) -> int | None:
    return _first(standing, set(closed))


def _living_candidate(standing: Standing, closed: Mapping[UUID, Closed]) -> int | None:
    return _first(standing, {each for each, gate in closed.items() if gate.reason == REMOVED})


def _first(standing: Standing, avoided: set[UUID]) -> int | None:
    for index, candidate in enumerate(standing.candidates):
        if index != standing.counters.candidate and candidate.provider_id not in avoided:
            return index
    return None


def _decided(standing: Standing, gate: Closed, closed: Mapping[UUID, Closed]) -> Move | None:
    to = _open_candidate(standing, closed)
    if to is None and gate.reason == REMOVED:
        to = _living_candidate(standing, closed)
        if to is None:
            return states.stranded(standing)
    return None if to is None else states.diverted(standing, to, gate.reason)


async def _move(
    connection: Connection,
    row: Row[tuple[object, ...]],
    gate: Closed,
    closed: Mapping[UUID, Closed],
    moved: list[tuple[UUID, tuple[Happening, ...]]],
) -> str | None:
    standing = tasks.standing_of(row)
    move = _decided(standing, gate, closed)
    if move is None:
        return None
    fence = Fence(row.id, TaskStatus.QUEUED, row.attempt, None)
    if await tasks.move(connection, fence, move, standing.candidates) is None:
        return None
    moved.append((row.id, move.happenings))
    candidate = standing.candidates[move.counters.candidate]
    return f"{queue_of(candidate.vendor)} {candidate.provider_id} {row.tenant_id}"
