"""Who gets the free places of a window."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.flow.shares import Gang, Lane, Limit, Situation, shares

Q, R = "provider.openai", "provider.anthropic"
PROVIDERS = [UUID(int=number) for number in range(100, 104)]
TENANTS = [UUID(int=number) for number in range(200, 205)]

lanes = st.builds(Lane, st.sampled_from([Q, R]), st.sampled_from(PROVIDERS), st.sampled_from(TENANTS))
limits = st.builds(
    Limit, weight=st.integers(1, 5), paused=st.booleans(), most=st.one_of(st.none(), st.integers(1, 20))
)
gangs = st.lists(
    st.builds(
        Gang,
        st.sampled_from([frozenset({Q}), frozenset({R}), frozenset({Q, R}), frozenset({Q, "chores"})]),
        st.integers(1, 30),
    ),
    max_size=4,
).map(tuple)
situations = st.builds(
    Situation,
    lanes=st.sets(lanes, max_size=30).map(lambda found: tuple(sorted(found))),
    loads=st.dictionaries(lanes, st.integers(0, 10), max_size=10),
    gangs=gangs,
    limits=st.dictionaries(st.sampled_from([*PROVIDERS, *TENANTS]), limits),
)


def by_queue(given_: dict[Lane, int], loads: dict[Lane, int] | None = None) -> Counter[str]:
    total: Counter[str] = Counter()
    for lane, count in [*given_.items(), *(loads or {}).items()]:
        total[lane.queue] += count
    return total


def lane(queue: str = Q, provider: int = 0, tenant: int = 0) -> Lane:
    return Lane(queue, PROVIDERS[provider], TENANTS[tenant])


def one_gang(slots: int, *queues: str) -> tuple[Gang, ...]:
    return (Gang(frozenset(queues or (Q,)), slots),)


@given(situations, st.integers(0, 100))
def test_no_queue_gets_more_than_its_workers_can_take(situation: Situation, most: int) -> None:
    given_ = shares(situation, most)
    assert sum(given_.values()) <= most
    assert set(given_) <= set(situation.lanes)
    loads = by_queue({}, dict(situation.loads))
    for queue, count in by_queue(given_).items():
        slots = sum(gang.slots for gang in situation.gangs if queue in gang.queues)
        assert slots > 0
        assert loads[queue] + count <= slots * situation.factor


@given(situations, st.integers(1, 100))
def test_all_queues_together_get_no_more_than_all_workers_can_take(situation: Situation, most: int) -> None:
    given_ = shares(situation, most)
    if given_:
        slots = sum(gang.slots for gang in situation.gangs)
        served = {queue for gang in situation.gangs for queue in gang.queues}
        loads = sum(count for each, count in situation.loads.items() if each.queue in served)
        assert sum(given_.values()) <= max(0, slots * situation.factor - loads) or len(situation.gangs) > 1


@given(situations, st.integers(1, 100))
def test_pauses_and_limits_hold(situation: Situation, most: int) -> None:
    given_ = shares(situation, most)
    owned: Counter[UUID] = Counter()
    for each, count in [*situation.loads.items(), *given_.items()]:
        owned[each.provider] += count
        owned[each.tenant] += count
    for each in given_:
        for owner in (each.provider, each.tenant):
            limit = situation.limits.get(owner, Limit())
            assert not limit.paused
            assert limit.most is None or owned[owner] <= limit.most


@given(situations)
def test_without_workers_nobody_gets_anything(situation: Situation) -> None:
    assert shares(Situation(situation.lanes, situation.loads, (), situation.limits), 100) == {}


@given(situations, st.integers(1, 100))
def test_the_same_situation_gives_the_same_shares(situation: Situation, most: int) -> None:
    assert shares(situation, most) == shares(situation, most)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 60))
def test_tenants_share_by_weight_within_one_place(weights: list[int], places: int) -> None:
    chosen = tuple(lane(tenant=number) for number in range(len(weights)))
    limits_ = {TENANTS[number]: Limit(weight=weight) for number, weight in enumerate(weights)}
    given_ = shares(Situation(chosen, {}, one_gang(1000), limits_), places)
    assert sum(given_.values()) == places
    for number, weight in enumerate(weights):
        fair = places * weight / sum(weights)
        assert abs(given_.get(chosen[number], 0) - fair) < len(weights)
    ratios = [given_.get(chosen[number], 0) / weight for number, weight in enumerate(weights)]
    for mine, weight in zip(ratios, weights, strict=True):
        assert mine - min(ratios) <= 1 / weight + 1e-9


def test_what_a_tenant_has_already_counts() -> None:
    busy, idle = lane(tenant=0), lane(tenant=1)
    given_ = shares(Situation((busy, idle), {busy: 6}, one_gang(4), {}), 100)
    assert given_ == {idle: 2}


def test_one_provider_takes_at_most_half_while_another_is_ready() -> None:
    first, second = lane(provider=0, tenant=0), lane(provider=1, tenant=1)
    stalled = shares(Situation((first, second), {first: 5}, one_gang(10), {}), 100)
    assert stalled == {second: 5}
    alone = shares(Situation((first,), {first: 10}, one_gang(10), {}), 100)
    assert alone == {first: 10}


def test_a_paused_rival_is_no_rival() -> None:
    first, second = lane(provider=0, tenant=0), lane(provider=1, tenant=1)
    paused = {PROVIDERS[1]: Limit(paused=True)}
    assert shares(Situation((first, second), {}, one_gang(10), paused), 100) == {first: 20}


def test_one_vendor_takes_at_most_half_of_a_shared_worker_while_another_is_ready() -> None:
    openai, anthropic = lane(Q, 0, 0), lane(R, 1, 0)
    both = one_gang(10, Q, R)
    given_ = shares(Situation((openai, anthropic), {}, both, {}), 100)
    assert given_ == {openai: 5, anthropic: 5}
    assert shares(Situation((openai,), {}, both, {}), 100) == {openai: 20}
    held = shares(Situation((openai, anthropic), {openai: 5}, both, {}), 100)
    assert held == {anthropic: 5}


def test_even_one_slot_serves_two_providers_in_turn() -> None:
    first, second = lane(provider=0), lane(provider=1)
    assert shares(Situation((first, second), {}, one_gang(1), {}), 100) == {first: 1, second: 1}


@pytest.mark.timeout(10)
def test_five_thousand_lanes_are_shared_in_a_moment() -> None:
    many = tuple(
        Lane(Q, UUID(int=number % 50), UUID(int=1_000_000 + number // 50)) for number in range(5_000)
    )
    given_ = shares(Situation(many, {}, one_gang(1_000), {}), 500)
    assert sum(given_.values()) == 500
    assert max(by_tenant(given_).values()) <= 5


def by_tenant(given_: dict[Lane, int]) -> Counter[UUID]:
    total: Counter[UUID] = Counter()
    for each, count in given_.items():
        total[each.tenant] += count
    return total
