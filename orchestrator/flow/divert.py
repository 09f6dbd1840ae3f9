"""Divert: tasks that wait before a closed gate go to the first candidate of their route whose gate is open.

Only the heads of a lane are moved, as many as could be dispatched; the rest waits, and says why. Those
whose provider was removed wait for any that is left, or end where none is. One goes the other way: a
circuit whose time is over, and before which nothing waits, is tried with a task that could run there. What
stands before a paused provider waits for it, but for parents of a consensus: they only choose.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from typing import Final
from uuid import UUID

from orchestrator import telemetry
from orchestrator.flow import states
from orchestrator.flow.shares import Lane
from orchestrator.limits.gates import REMOVED, Closed
from orchestrator.store import families, gates, tasks
from orchestrator.store.engine import Connection, Row
from orchestrator.volatile import DONE, READY
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.gates import GateKind
from schemas.moves import Fence, Happening, Move, Standing
from schemas.providers import queue_of
from schemas.tasks import TaskStatus

MOST: Final = 100
MOST_ASKED_TO_PROBE: Final = 20
WORTH_WAITING: Final = 5.0
"""A cool-down shorter than this is waited for; seconds."""
PROBE: Final = "circuit_probe"
PAUSED: Final = "provider_paused"

Decide = Callable[[Standing], Move | None]


async def divert(
    parts: Parts,
    lanes: Iterable[Lane],
    closed: Mapping[UUID, Closed],
    unprobed: Set[UUID] = frozenset(),
    paused: Set[UUID] = frozenset(),
) -> set[str]:
    """Move heads of the lanes that stand before a closed gate, and one task to each circuit in `unprobed`.

    Parents that stand before a provider in `paused` go on to choose elsewhere.

    Returns their new lanes as hint words."""
    words: set[str] = set()
    untried = set(unprobed)
    for lane in lanes:
        gate = closed.get(lane.provider)
        if gate is not None and _keeps_out(gate):
            words |= await _walk(parts, lane, MOST, partial(_away, gate=gate, closed=closed))
        elif gate is None and untried:
            words |= await _walk(parts, lane, MOST_ASKED_TO_PROBE, partial(_towards, untried=untried))
        elif lane.provider in paused:
            choose = partial(_elsewhere, avoided=paused | set(closed))
            words |= await _walk(parts, lane, MOST, choose, choosing=True)
    return words


async def _walk(parts: Parts, lane: Lane, most: int, decide: Decide, *, choosing: bool = False) -> set[str]:
    """Move what is decided to be moved among the heads of a lane."""
    words: set[str] = set()
    moved: list[tuple[Row, tuple[Happening, ...]]] = []
    heads = families.CHOOSING if choosing else gates.STUCK
    async with parts.db.transaction() as connection:
        stuck = await tasks.rows_of(connection, heads, _head_of(lane, most))
        for row in await families.with_parents(connection, stuck):
            word = await _move(connection, row, decide, moved)
            words |= {word} if word else set()
    for after, happenings in moved:
        telemetry.emit(after.id, happenings)
        if happenings[-1].name is not EventName.FAILED_OVER:
            parts.volatile.hint(DONE, str(after.id))
        if freed := families.tell_parent(after):
            parts.volatile.hint(READY, freed)
    return words


def _head_of(lane: Lane, most: int) -> dict[str, object]:
    return {"queue": lane.queue, "provider_id": lane.provider, "tenant_id": lane.tenant, "most": most}


def _keeps_out(gate: Closed) -> bool:
    return gate.seconds_left > (WORTH_WAITING if gate.kind is GateKind.COOL_DOWN else 0)


def _open_candidate(standing: Standing, closed: Mapping[UUID, Closed]) -> int | None:
    return _first(standing, set(closed))


def _living_candidate(standing: Standing, closed: Mapping[UUID, Closed]) -> int | None:
    return _first(standing, {each for each, gate in closed.items() if gate.reason == REMOVED})


def _first(standing: Standing, avoided: Set[UUID]) -> int | None:
    for index, candidate in enumerate(standing.candidates):
        if index != standing.counters.candidate and candidate.provider_id not in avoided:
            return index
    return None


def _away(standing: Standing, gate: Closed, closed: Mapping[UUID, Closed]) -> Move | None:
    to = _open_candidate(standing, closed)
    if to is None and gate.reason == REMOVED:
        to = _living_candidate(standing, closed)
        if to is None:
            return states.stranded(standing)
    return None if to is None else states.diverted(standing, to, gate.reason)


def _elsewhere(standing: Standing, avoided: Set[UUID]) -> Move | None:
    to = _first(standing, avoided)
    return None if to is None else states.diverted(standing, to, PAUSED)


def _towards(standing: Standing, untried: set[UUID]) -> Move | None:
    """The way to the first of the circuits that the task could try; it is then tried no more."""
    for index, candidate in enumerate(standing.candidates):
        if candidate.provider_id in untried:
            untried.discard(candidate.provider_id)
            return states.diverted(standing, index, PROBE)
    return None


async def _move(
    connection: Connection,
    row: Row,
    decide: Decide,
    moved: list[tuple[Row, tuple[Happening, ...]]],
) -> str | None:
    standing = tasks.standing_of(row)
    move = decide(standing)
    if move is None:
        return None
    fence = Fence(row.id, TaskStatus.QUEUED, row.attempt, None, parent_id=row.parent_id)
    after = await tasks.move(connection, fence, move, standing.candidates)
    if after is None:
        return None
    moved.append((after, move.happenings))
    candidate = standing.candidates[move.counters.candidate]
    return f"{queue_of(candidate.vendor)} {candidate.provider_id} {row.tenant_id}"
