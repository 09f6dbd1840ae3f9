"""The circuit's arithmetic and the table of outcomes, without any server."""

from dataclasses import replace
from uuid import UUID

import pytest

from orchestrator.config import Config
from orchestrator.limits.breakers import Circuit, Health, Phase, Policy, health_of
from orchestrator.limits.breakers.records import OwnRecord, jitter
from orchestrator.limits.breakers.window import MICROSECONDS, Ruling, Standing, admit, look, report, reset
from schemas.errors import Category
from schemas.manners import CircuitPolicy

POLICY = Policy()
START = 1_800_000_000 * MICROSECONDS
LEASE = 60 * MICROSECONDS
FAILURES = {
    Category.SERVER_ERROR,
    Category.OVERLOADED,
    Category.CONNECT_ERROR,
    Category.FIRST_TOKEN_TIMEOUT,
    Category.IDLE_TIMEOUT,
    Category.TRUNCATED,
    Category.MALFORMED,
}


class Bench:
    """One circuit and a clock that the test turns."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy, self.standing, self.now = policy, Standing(), START

    def later(self, seconds: float) -> None:
        """Turn the clock."""
        self.now += round(seconds * MICROSECONDS)

    def admit(self) -> Ruling:
        """Ask for a call."""
        self.standing, ruling = admit(self.policy, self.standing, self.now, LEASE)
        return ruling

    def report(self, epoch: int, health: Health, jitter: float = 1.0) -> Ruling:
        """Tell how a call of that epoch ended."""
        self.standing, ruling = report(self.policy, self.standing, self.now, epoch, health, jitter)
        return ruling

    def call(self, health: Health) -> Ruling:
        """A call that ends at once."""
        return self.report(self.admit().epoch, health)

    def calls(self, *healths: Health) -> Phase:
        """Calls, one after another; the state after them."""
        for health in healths:
            self.call(health)
        return self.standing.phase

    def look(self) -> Ruling:
        """How it stands."""
        return look(self.policy, self.standing, self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


S, F, N = Health.SUCCESS, Health.FAILURE, Health.NEUTRAL


@pytest.mark.parametrize("category", Category)
def test_only_what_the_provider_did_to_this_call_is_a_failure(category: Category) -> None:
    assert health_of(category) is (F if category in FAILURES else N)


def test_a_complete_answer_is_a_success() -> None:
    assert health_of(None) is S


def test_four_failures_are_too_few_to_judge(bench: Bench) -> None:
    assert bench.calls(F, F, F, F) is Phase.CLOSED
    assert bench.calls(F) is Phase.OPEN


def test_half_of_the_calls_failing_opens_wherever_the_failures_lie(bench: Bench) -> None:
    assert bench.calls(S, F, S, F, S, S, F) is Phase.CLOSED
    assert bench.calls(F) is Phase.OPEN


def test_less_than_half_never_opens(bench: Bench) -> None:
    assert bench.calls(*(S, S, F) * 300) is Phase.CLOSED


def test_neutral_calls_count_neither_way(bench: Bench) -> None:
    bench.calls(*(N,) * 100)
    assert (bench.look().calls, bench.look().failures) == (0, 0)
    assert bench.calls(F, N, F, N, F, N, F) is Phase.CLOSED
    assert bench.calls(F) is Phase.OPEN


def test_failures_older_than_a_minute_are_forgotten(bench: Bench) -> None:
    bench.calls(F, F, F, F)
    bench.later(60)
    assert bench.look().calls == 0
    assert bench.calls(F) is Phase.CLOSED


def test_failures_of_the_last_fifty_seconds_are_remembered(bench: Bench) -> None:
    bench.calls(F, F, F, F)
    bench.later(50)
    assert bench.calls(F) is Phase.OPEN


def test_an_open_circuit_admits_nobody_until_its_time_is_over(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(9.999)
    assert not bench.admit().admitted
    assert bench.look().wait(POLICY) == pytest.approx(0.001)
    bench.later(0.001)
    assert bench.admit().admitted


def test_half_open_admits_one(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(10)
    assert [bench.admit().admitted for _ in range(16)] == [True] + [False] * 15


def test_who_waits_for_a_probe_is_not_sent_away_for_its_whole_lease(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(10)
    bench.admit()
    assert bench.admit().wait(POLICY) == POLICY.open_seconds


def test_a_probe_that_is_not_heard_of_gives_way_after_its_lease(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(10)
    lost = bench.admit()
    bench.later(59)
    assert not bench.admit().admitted
    bench.later(1)
    probe = bench.admit()
    assert probe.admitted
    assert not bench.report(lost.epoch, F).moved
    assert bench.report(probe.epoch, S).moved_to(Phase.CLOSED)


def test_a_late_probe_still_counts_while_nobody_took_its_place(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(10)
    probe = bench.admit()
    bench.later(100)
    assert bench.report(probe.epoch, S).moved_to(Phase.CLOSED)


def test_a_neutral_probe_makes_room_for_the_next_and_decides_nothing(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.later(10)
    assert not bench.call(N).moved_to(Phase.CLOSED)
    assert bench.standing.phase is Phase.HALF_OPEN
    assert bench.admit().admitted


def test_the_open_time_doubles_to_five_minutes_and_starts_over_after_recovery(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    lasting = []
    for _ in range(7):
        lasting.append(bench.look().wait(POLICY))
        bench.later(lasting[-1])
        bench.call(F)
    assert lasting == [10, 20, 40, 80, 160, 300, 300]
    bench.later(300)
    bench.calls(S, *(F,) * 5)
    assert bench.look().wait(POLICY) == 10


def test_a_call_begun_before_a_move_changes_nothing_after_it(bench: Bench) -> None:
    before = bench.admit()
    bench.calls(*(F,) * 5)
    assert not bench.report(before.epoch, S).moved
    bench.later(10)
    probe = bench.admit()
    assert not bench.report(before.epoch, F).moved
    bench.report(probe.epoch, S)
    for _ in range(20):
        bench.report(before.epoch, F)
    assert bench.look().calls == 0


def test_a_reset_closes_and_forgets(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    bench.standing, ruling = reset(POLICY, bench.standing, bench.now)
    assert ruling.moved_to(Phase.CLOSED)
    assert bench.calls(F, F, F, F) is Phase.CLOSED


def test_epochs_grow_even_where_the_clock_stands_still(bench: Bench) -> None:
    bench.policy = Policy(open_seconds=0)
    epochs = []
    for _ in range(10):
        bench.calls(F, F, F, F, F)
        epochs.append(bench.standing.epoch)
    assert epochs == sorted(set(epochs))


def test_the_jitter_stays_within_ten_per_cent() -> None:
    factors = [jitter() for _ in range(10_000)]
    assert 0.9 <= min(factors) < 0.91
    assert 1.09 < max(factors) <= 1.1


def test_a_circuit_has_the_same_id_everywhere() -> None:
    circuit = Circuit(UUID(int=7), "https://api.example/v1", "some-model")
    assert circuit.id == "a86c914e3f2f78ef"
    assert circuit.id != Circuit(UUID(int=7), "https://api.example/v1", "some-other").id


def test_the_settings_make_the_policy() -> None:
    assert Policy.of(Config()) == Policy()


def test_a_provider_has_of_the_policy_what_it_says_and_the_rest_from_the_settings() -> None:
    own = CircuitPolicy(minimum_calls=2, open_seconds=400)
    assert Policy().with_own(own) == replace(Policy(), minimum_calls=2, open_seconds=400, open_most=400)
    assert Policy().with_own(CircuitPolicy(failure_ratio=1)) == replace(Policy(), failure_ratio=1)
    assert Policy().with_own(None) == Policy()


def test_the_processs_own_record_opens_by_the_circuits_own_policy() -> None:
    record, own = OwnRecord(POLICY), replace(POLICY, minimum_calls=1, open_seconds=100)
    epoch = record.admit("some", 60).epoch
    assert record.report("some", epoch, F, own).moved_to(Phase.OPEN)
    assert record.admit("some", 60).wait(own) > 80


def test_the_processs_own_record_opens_and_forgets() -> None:
    own = OwnRecord(POLICY)
    for _ in range(5):
        own.report("some", own.admit("some", 60).epoch, F)
    refused = own.admit("some", 60)
    assert not refused.admitted
    assert 8.9 < refused.wait(POLICY) <= 11
    own.forget()
    assert own.admit("some", 60).admitted


def test_what_the_shared_record_had_open_stays_open_in_the_own_one(bench: Bench) -> None:
    bench.calls(*(F,) * 5)
    own = OwnRecord(POLICY)
    own.take_over("some", bench.admit())
    assert not own.admit("some", 60).admitted
    bench.later(10)
    bench.call(S)
    own.take_over("some", bench.admit())
    assert own.admit("some", 60).admitted


def test_a_call_that_the_shared_record_admitted_counts_in_a_closed_own_record_only() -> None:
    own = OwnRecord(POLICY)
    for _ in range(4):
        assert not own.report("some", None, F).moved
    assert own.report("some", None, F).moved_to(Phase.OPEN)
    assert not own.report("some", None, S).moved
