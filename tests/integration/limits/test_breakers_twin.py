"""The script in Valkey and its twin in Python decide alike, whatever happens in whatever order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Health, Policy, window
from orchestrator.limits.breakers.records import SOURCE, SharedRecord
from orchestrator.limits.breakers.window import MICROSECONDS, Ruling, Standing, micros
from orchestrator.volatile import Script
from tests.integration.limits.ground import admin, new_circuit, own_valkey

START = 1_800_000_000 * MICROSECONDS + 123_456
CLOCK = "redis.call('TIME')"


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with own_valkey() as server:
        yield server


class _Turned(Script):
    """The product's script with a clock that the test turns: its last argument."""

    def __init__(self, redis: Redis) -> None:
        assert SOURCE.count(CLOCK) == 1
        self.now = START
        self._run = redis.register_script(SOURCE.replace(CLOCK, "{0, ARGV[#ARGV]}"))

    def run(self, key: str, *arguments: str | float) -> list[str | int]:
        answer: list[str | int] = self._run(keys=[key], args=[*arguments, self.now])
        return answer


@dataclass
class _Both:
    """One circuit, kept twice."""

    policy: Policy
    script: _Turned

    def __post_init__(self) -> None:
        self.key = new_circuit().id
        self.shared = SharedRecord(self.script, self.policy)
        self.standing = Standing()
        self.begun = [1]  # the epoch of a call from before the circuit's record was lost

    def take(self, step: tuple[Any, ...]) -> None:
        """One step of a history, on both."""
        match step:
            case ("later", seconds):
                self.script.now += micros(seconds)
            case ("buckets later", number):
                self.script.now += number * micros(self.policy.bucket_seconds)
            case ("at its time", off):
                self.script.now = max(self.script.now, self.standing.till + off)
            case ("admit", lease):
                self.admit(lease)
            case ("calls", number, health, jitter):
                for _ in range(number):
                    if self.admit(30):
                        self.report(self.begun[-1], health, jitter)
            case ("renew", number, lease):
                self.renew(self.begun[number % len(self.begun)], lease)
            case ("probe", health, jitter):
                self.take(("at its time", 0))
                self.take(("calls", 1, health, jitter))
            case ("report", number, health, jitter):
                self.report(self.begun[number % len(self.begun)], health, jitter)
            case _:
                self.standing, ruling = window.reset(self.policy, self.standing, self.script.now)
                self.compare(ruling, self.shared.reset(self.key))

    def admit(self, lease: float) -> bool:
        """Ask both for a call."""
        self.standing, ruling = window.admit(self.policy, self.standing, self.script.now, micros(lease))
        self.compare(ruling, self.shared.admit(self.key, lease))
        self.begun += [ruling.epoch] if ruling.admitted else []
        return ruling.admitted

    def report(self, epoch: int, health: Health, jitter: float) -> None:
        """Tell both how a call ended."""
        now = self.script.now
        self.standing, ruling = window.report(self.policy, self.standing, now, epoch, health, jitter)
        self.compare(ruling, self.shared._ask("report", self.key, epoch, health, jitter))

    def renew(self, epoch: int, lease: float) -> None:
        """Tell both that a call is still under way."""
        now = self.script.now
        self.standing, ruling = window.renew(self.policy, self.standing, now, epoch, micros(lease))
        self.compare(ruling, self.shared.renew(self.key, epoch, lease))

    def compare(self, ours: Ruling, theirs: Ruling) -> None:
        """Both decided the same."""
        assert ours == theirs


POLICIES = st.builds(
    Policy,
    minimum_calls=st.integers(1, 8),
    failure_ratio=st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0]),
    open_seconds=st.sampled_from([0.5, 7.3, 10.0]),
    open_most=st.sampled_from([10.0, 40.0, 300.0]),
    bucket_seconds=st.sampled_from([0.7, 10.0]),
    buckets=st.integers(1, 6),
)
STEPS = st.one_of(
    st.tuples(st.just("later"), st.sampled_from([0.0, 0.000_001, 0.4, 3.0, 9.99, 10.0, 61.0, 400.0])),
    st.tuples(st.just("buckets later"), st.integers(1, 7)),
    st.tuples(st.just("at its time"), st.sampled_from([-1, 0, 1])),
    st.tuples(st.just("admit"), st.sampled_from([0.0, 1.0, 30.0])),
    st.tuples(st.just("calls"), st.sampled_from([1, 1, 8]), st.sampled_from(Health), st.floats(0.9, 1.1)),
    st.tuples(st.just("calls"), st.just(8), st.just(Health.FAILURE), st.floats(0.9, 1.1)),
    st.tuples(st.just("probe"), st.sampled_from(Health), st.floats(0.9, 1.1)),
    st.tuples(st.just("probe"), st.just(Health.FAILURE), st.floats(0.9, 1.1)),
    st.tuples(st.just("report"), st.integers(0, 30), st.sampled_from(Health), st.floats(0.9, 1.1)),
    st.tuples(st.just("renew"), st.integers(-1, 30), st.sampled_from([1.0, 30.0])),
    st.just(("reset",)),
)


@settings(max_examples=300)
@given(policy=POLICIES, steps=st.lists(STEPS, max_size=60))
def test_the_script_and_its_twin_decide_alike(
    server: Valkey, policy: Policy, steps: list[tuple[Any, ...]]
) -> None:
    with admin(server.url) as redis:
        both = _Both(policy, _Turned(redis))
        for step in steps:
            both.take(step)
            both.compare(window.look(policy, both.standing, both.script.now), both.shared.look(both.key))
