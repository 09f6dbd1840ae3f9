"""Shares: who gets the free places of a window. Pure.

Places are given one by one to the tenant that has the least for its weight, counting what it has
running and nudged. While others are ready, one provider holds at most half of a queue's slots and
one vendor's queue at most half of the slots of workers that serve several: places beyond the slots
are only for what runs next, so that a provider that stalls leaves the other half to the others.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Lane(NamedTuple):
    """Work of one tenant for one provider on one queue."""

    queue: str
    provider: UUID
    tenant: UUID


@dataclass(frozen=True, slots=True)
class Limit:
    """What a tenant or provider may have; `most` counts running and nudged tasks."""

    weight: int = 1
    paused: bool = False
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Gang:
    """Live workers that serve the same queues, and the slots they have together."""

    queues: frozenset[str]
    slots: int


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision looks at: lanes with ready work, loads, live workers, limits."""

    lanes: tuple[Lane, ...]
    loads: Mapping[Lane, int]
    gangs: tuple[Gang, ...]
    limits: Mapping[UUID, Limit]
    factor: int = 2


_FREE = Limit()


@dataclass
class _Places:
    """What is taken so far, and what may still be given."""

    situation: Situation
    by_queue: Counter[str] = field(default_factory=Counter)
    by_provider: Counter[tuple[str, UUID]] = field(default_factory=Counter)
    by_owner: Counter[UUID] = field(default_factory=Counter)
    capacity: dict[str, int] = field(default_factory=dict)
    shared: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for lane, load in self.situation.loads.items():
            self.take(lane, load)
        for gang in self.situation.gangs:
            for queue in gang.queues:
                places = self.capacity.get(queue, 0)
                self.capacity[queue] = places + gang.slots * self.situation.factor
        for queues, slots in _pools(self.situation.gangs):
            for queue in queues:
                self.shared[queue] = (queues, slots * self.situation.factor)

    def take(self, lane: Lane, count: int = 1) -> None:
        self.by_queue[lane.queue] += count
        self.by_provider[lane.queue, lane.provider] += count
        self.by_owner[lane.provider] += count
        self.by_owner[lane.tenant] += count

    def free(self, lane: Lane, rivals: "_Rivals") -> bool:
        """Whether the lane may take one more place."""
        capacity = self.capacity.get(lane.queue, 0)
        if self.by_queue[lane.queue] >= capacity:
            return False
        pool, places = self.shared[lane.queue]
        if sum(self.by_queue[queue] for queue in pool) >= places:
            return False
        of_provider = self.by_provider[lane.queue, lane.provider]
        if rivals.of_provider(lane) and of_provider >= self._half_of_the_slots(capacity):
            return False
        if rivals.of_queue(lane, pool) and self.by_queue[lane.queue] >= self._half_of_the_slots(places):
            return False
        return self.within_limits(lane)

    def _half_of_the_slots(self, places: int) -> int:
        return max(1, places // self.situation.factor // 2)

    def within_limits(self, lane: Lane) -> bool:
        for owner in (lane.provider, lane.tenant):
            limit = self.situation.limits.get(owner, _FREE)
            if limit.paused or (limit.most is not None and self.by_owner[owner] >= limit.most):
                return False
        return True


class _Rivals:
    """Which providers and queues have ready work at all."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self._providers: defaultdict[str, set[UUID]] = defaultdict(set)
        for lane in lanes:
            self._providers[lane.queue].add(lane.provider)

    def of_provider(self, lane: Lane) -> bool:
        """Whether another provider has ready work on the lane's queue."""
        return bool(self._providers[lane.queue] - {lane.provider})

    def of_queue(self, lane: Lane, pool: frozenset[str]) -> bool:
        """Whether another queue of the pool has ready work."""
        return any(self._providers.get(queue) for queue in pool if queue != lane.queue)


def shares(situation: Situation, most: int) -> dict[Lane, int]:
    """How many places each lane gets now, at most `most` in all."""
    places = _Places(situation)
    unpaused = [lane for lane in situation.lanes if places.within_limits(lane)]
    rivals = _Rivals(unpaused)
    given: Counter[Lane] = Counter()
    heap = [_turn(lane, places, situation, order) for order, lane in enumerate(unpaused)]
    heapq.heapify(heap)
    while heap and given.total() < most:
        due, order, lane = heapq.heappop(heap)
        if not places.free(lane, rivals):
            continue
        turn = _turn(lane, places, situation, order)
        if turn[0] > due:
            heapq.heappush(heap, turn)
            continue
        places.take(lane)
        given[lane] += 1
        heapq.heappush(heap, _turn(lane, places, situation, order))
    return dict(given)


def _turn(
    lane: Lane, places: _Places, situation: Situation, order: int
) -> tuple[tuple[float, int], int, Lane]:
    weight = situation.limits.get(lane.tenant, _FREE).weight
    return (places.by_owner[lane.tenant] / weight, places.by_provider[lane.queue, lane.provider]), order, lane


def _pools(gangs: tuple[Gang, ...]) -> list[tuple[frozenset[str], int]]:
    """Queues joined by shared workers, with the slots of all workers that serve any of them."""
    pools: list[tuple[frozenset[str], int]] = []
    for gang in gangs:
        touching = [pool for pool in pools if pool[0] & gang.queues]
        pools = [pool for pool in pools if not pool[0] & gang.queues]
        queues = gang.queues.union(*(pool[0] for pool in touching))
        pools.append((queues, gang.slots + sum(pool[1] for pool in touching)))
    return pools
