"""Dispatch: fill the windows. A nudge is marked and committed first, then published.

A nudge that could not be published is forgotten at once; one that got lost is forgotten after
`nudge_seconds`, or within a second of the broker being found empty. Everything here may run twice.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from orchestrator import clock, failpoints, telemetry
from orchestrator.broker import RUN, Publisher, Unpublished
from orchestrator.flow.shares import Gang, Lane, Limit, Situation, shares
from orchestrator.limits import gates
from orchestrator.limits.gates import Closed
from orchestrator.store import jobs, lanes
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.events import EventName
from schemas.gates import GateKind
from schemas.moves import Happening
from schemas.providers import Vendor, queue_of

MOST_LANES = 5_000
MOST_PER_ROUND = 500
_BEFORE_ALL = Lane("", UUID(int=0), UUID(int=0))
REFRESH_SECONDS = 1.0
JOB_QUEUES = frozenset({queue_of(Vendor.COPILOT)})


@dataclass
class Board:
    """What the leading dispatcher remembers between rounds: lanes, workers and limits, for a second."""

    publisher: Publisher
    ready: set[Lane] = field(default_factory=set)
    gangs: tuple[Gang, ...] = ()
    limits: dict[UUID, Limit] = field(default_factory=dict)
    closed: dict[UUID, Closed] = field(default_factory=dict)
    from_before: dict[UUID, int] = field(default_factory=dict)
    """How many tasks still run at a provider that did so when its circuit's time was over."""
    unprobed: set[UUID] | None = None
    """Circuits whose time is over and that no task tries; None: to be looked at in the next round."""
    read_at: float = float("-inf")
    walked_to: Lane | None = None

    @property
    def paused(self) -> set[UUID]:
        """Who gets nothing now: tenants and providers that are paused, or stand behind a shut gate."""
        return {owner for owner, limit in self.limits.items() if limit.paused}

    def forget(self) -> None:
        """Read everything anew before the next round."""
        self.read_at = float("-inf")

    def note(self, words: Iterable[str]) -> None:
        """Take up hints of new work."""
        for word in words:
            parts = word.split(" ")
            if len(parts) == 3:
                self.ready.add(Lane(parts[0], UUID(parts[1]), UUID(parts[2])))


async def dispatch(parts: Parts, board: Board) -> int:
    """Fill the windows once; how many nudges were published. Raises `StoreUnavailable`, `Unpublished`."""
    if clock.monotonic() - board.read_at > REFRESH_SECONDS:
        await _read(parts, board)
    if not board.ready or not board.gangs:
        return 0
    rows = await parts.db.run(lanes.LOADS)
    loads = {Lane(row.queue, row.provider_id, row.tenant_id): row.running + row.nudged for row in rows}
    limits = await _less_open_jobs(parts, board, board.limits | _probing(board, rows))
    situation = Situation(tuple(sorted(board.ready)), loads, board.gangs, limits)
    takes = shares(situation, MOST_PER_ROUND)
    if not takes:
        return 0
    nudged = await _mark(parts, board, takes)
    failpoints.reach("dispatch.marked")
    await _publish(parts, board, nudged)
    failpoints.reach("dispatch.published")
    return len(nudged)


async def _less_open_jobs(parts: Parts, board: Board, limits: dict[UUID, Limit]) -> dict[UUID, Limit]:
    """A provider's own limit holds for its open jobs too, though they take no slot.

    Read after the loads: what is handed over in between counts twice for a moment, and never not at all.
    """
    limited = {lane.provider for lane in board.ready if lane.queue in JOB_QUEUES}
    limited = {each for each in limited if board.limits.get(each, Limit()).most is not None}
    if not limited:
        return limits
    left = dict(limits)
    for row in await parts.db.run(jobs.OPEN):
        own = board.limits.get(row.provider_id, Limit()).most
        if row.provider_id in limited and own is not None:
            limit = limits[row.provider_id]
            most = max(0, own - row.jobs)
            left[row.provider_id] = replace(limit, most=most if limit.most is None else min(limit.most, most))
    return left


def _probing(board: Board, loads: Sequence[Row]) -> dict[UUID, Limit]:
    """A circuit whose time is over lets one task through, beside those that run there from before."""
    running: Counter[UUID] = Counter()
    for row in loads:
        running[row.provider_id] += row.running
    waiting = {lane.provider for lane in board.ready} | {row.provider_id for row in loads if row.nudged}
    limits, unprobed = {}, set()
    for provider, gate in board.closed.items():
        if not gate.shut:
            old = min(board.from_before.get(provider, running[provider]), running[provider])
            board.from_before[provider] = old
            limits[provider] = replace(board.limits.get(provider, Limit()), most=old + 1)
            tried = running[provider] > old or provider in waiting or limits[provider].paused
            unprobed |= {provider} if gate.kind is GateKind.CIRCUIT and not tried else set()
    board.unprobed = unprobed if board.unprobed is None else board.unprobed
    return limits


async def _read(parts: Parts, board: Board) -> None:
    await _walk(parts, board)
    board.closed = await gates.closed(parts.db)
    probed = {provider for provider, gate in board.closed.items() if not gate.shut}
    board.from_before = {each: count for each, count in board.from_before.items() if each in probed}
    board.limits = {row.id: _limit(row, board.closed.get(row.id)) for row in await parts.db.run(lanes.LIMITS)}
    slots: dict[frozenset[str], int] = {}
    for row in await parts.db.run(lanes.SLOTS, dead_after=parts.config.dead_after_seconds):
        queues = frozenset(row.queues)
        slots[queues] = slots.get(queues, 0) + row.slots
    board.gangs = tuple(Gang(queues, count) for queues, count in slots.items())
    board.unprobed = None
    board.read_at = clock.monotonic()


def _limit(row: Row, gate: Closed | None) -> Limit:
    """What a tenant or provider may have: nothing while its gate is shut."""
    shut = gate is not None and gate.shut
    return Limit(row.weight, row.paused or shut, row.concurrency_limit)


async def _walk(parts: Parts, board: Board) -> None:
    """Find the lanes with ready work; where there are very many, go on next time where this walk ended."""
    start = board.walked_to or _BEFORE_ALL
    rows = await parts.db.run(
        lanes.LANES, most=MOST_LANES, queue=start.queue, provider_id=start.provider, tenant_id=start.tenant
    )
    found = [Lane(row.queue, row.provider_id, row.tenant_id) for row in rows]
    complete = board.walked_to is None and len(found) < MOST_LANES
    board.ready = set(found) if complete else board.ready | set(found)
    board.walked_to = found[-1] if len(found) == MOST_LANES else None


async def _mark(parts: Parts, board: Board, takes: dict[Lane, int]) -> list[tuple[str, str]]:
    rows = await parts.db.run(
        lanes.NUDGE,
        queues=[lane.queue for lane in takes],
        providers=[lane.provider for lane in takes],
        tenants=[lane.tenant for lane in takes],
        takes=list(takes.values()),
    )
    found: dict[Lane, int] = {}
    for row in rows:
        lane = Lane(row.queue, row.provider_id, row.tenant_id)
        found[lane] = found.get(lane, 0) + 1
    board.ready -= {lane for lane, take in takes.items() if found.get(lane, 0) < take}
    return [(str(row.id), row.queue) for row in rows]


async def _publish(parts: Parts, board: Board, nudged: list[tuple[str, str]]) -> None:
    try:
        await asyncio.to_thread(board.publisher.publish, RUN, nudged)
    except Unpublished:
        await parts.db.run(lanes.FORGET_NUDGES, ids=[task_id for task_id, _ in nudged])
        board.forget()
        raise
    for task_id, queue in nudged:
        telemetry.NUDGES.labels(queue).inc()
        telemetry.emit(UUID(task_id), (Happening(EventName.DISPATCHED),))
