"""The circuits on a real Valkey: what pybreaker carries out, and what none of its faults may change."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pybreaker
import pytest

from orchestrator import clock
from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Circuit, CircuitOpen, Health, Phase, Policy, State, Transition
from tests.integration.limits.ground import (
    LEASE,
    QUICK,
    SLOW,
    Caller,
    admin,
    caller,
    new_circuit,
    own_valkey,
    until,
)

S, F, N = Health.SUCCESS, Health.FAILURE, Health.NEUTRAL
CLOSED, OPEN, HALF_OPEN = Phase.CLOSED, Phase.OPEN, Phase.HALF_OPEN


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with own_valkey() as server:
        yield server


@pytest.fixture
def quick(server: Valkey) -> Iterator[Caller]:
    """A caller whose circuits open for an instant."""
    with caller(server.url, QUICK) as made:
        yield made


@pytest.fixture
def slow(server: Valkey) -> Iterator[Caller]:
    """A caller whose circuits stay open."""
    with caller(server.url, SLOW) as made:
        yield made


def test_a_circuit_opens_probes_and_closes_and_tells_each_move(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    quick.call(circuit, F)
    quick.waited_out(circuit)
    quick.call(circuit, S)
    assert quick.told() == [
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
    ]
    assert [move.why for move in quick.moves] == [
        "5 of 5 calls failed within 60 s",
        "the open time is over, one call probes",
        "the probe failed",
        "the open time is over, one call probes",
        "the probe succeeded",
    ]
    assert all(move.shared and move.circuit == circuit for move in quick.moves)


def test_the_open_time_doubles_within_its_jitter_and_starts_over_after_recovery(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    for _ in range(5):
        quick.waited_out(circuit)
        quick.call(circuit, F)
    quick.waited_out(circuit)
    quick.call(circuit, S)
    quick.fail(circuit)
    opened = [move.open_for for move in quick.moves if move.open_for is not None]
    for found, meant in zip(opened, [0.05, 0.1, 0.2, 0.4, 0.8, 0.8, 0.05], strict=True):
        assert 0.899 * meant <= found <= 1.101 * meant


def test_eighty_per_cent_errors_open_the_circuit_within_a_few_of_a_thousand_calls(slow: Caller) -> None:
    circuit = new_circuit()
    admitted = [slow.call(circuit, S if number % 5 == 0 else F) for number in range(1000)]
    assert sum(admitted) == 5
    assert slow.told() == [(CLOSED, OPEN)]


def test_a_refused_call_hears_how_long(slow: Caller) -> None:
    circuit = new_circuit()
    slow.fail(circuit)
    with pytest.raises(CircuitOpen) as refused, slow.breakers.guard(circuit, LEASE):
        pytest.fail("the block ran")
    assert 53 < refused.value.retry_in <= 66
    assert slow.breakers.state(circuit).name is OPEN


def test_a_circuit_counts_for_itself_only(slow: Caller) -> None:
    broken, sound = new_circuit(), new_circuit()
    slow.fail(broken)
    assert slow.phase(broken) is OPEN
    assert slow.call(sound, S)


def test_other_processes_see_an_open_circuit_at_once(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    with caller(server.url, SLOW) as other:
        other.call(circuit, S)
        slow.fail(circuit, 6)
        assert not other.call(circuit, S)
        assert other.moves == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, RuntimeError])
def test_a_shutdown_a_cancel_or_our_own_crash_says_nothing(slow: Caller, error: type[BaseException]) -> None:
    circuit = new_circuit()
    for _ in range(20):
        with pytest.raises(error), slow.breakers.guard(circuit, LEASE):
            raise error
    assert slow.breakers.state(circuit) == State(CLOSED, 0, 0, 0)


def _end(caller: Caller, circuit: Circuit, health: Health, error: Exception) -> None:
    with caller.breakers.guard(circuit, LEASE) as verdict:
        verdict.health = health
        raise error


def test_an_exception_comes_out_as_it_is_even_where_its_call_opens_the_circuit(slow: Caller) -> None:
    circuit, meant = new_circuit(), ValueError("meant")
    for _ in range(5):
        with pytest.raises(ValueError, match="meant") as raised:
            _end(slow, circuit, F, meant)
        assert raised.value is meant
    assert slow.told() == [(CLOSED, OPEN)]


def test_a_stop_iteration_is_not_swallowed(slow: Caller) -> None:
    circuit = new_circuit()
    with pytest.raises(StopIteration), slow.breakers.guard(circuit, LEASE):
        next(iter(()))
    assert slow.breakers.state(circuit).calls == 0


def test_a_verdict_counts_whatever_is_raised_after_it(slow: Caller) -> None:
    circuit = new_circuit()
    for health in (S, F):
        with pytest.raises(RuntimeError):
            _end(slow, circuit, health, RuntimeError())
    assert slow.breakers.state(circuit) == State(CLOSED, 0, 1, 2)


def test_a_neutral_probe_frees_its_place_and_closes_nothing(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    for _ in range(3):
        assert quick.call(circuit, N)
    assert quick.phase(circuit) is HALF_OPEN
    quick.call(circuit, S)
    assert quick.told()[1:] == [(OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]


def test_a_probe_ended_by_a_shutdown_frees_its_place(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    with pytest.raises(SystemExit), quick.breakers.guard(circuit, LEASE):
        raise SystemExit
    assert quick.call(circuit, S)
    assert quick.phase(circuit) is CLOSED


def test_while_a_probe_is_under_way_everyone_else_is_refused(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    with quick.breakers.guard(circuit, LEASE) as verdict:
        assert not any(quick.call(circuit, S) for _ in range(16))
        verdict.health = S
    assert quick.call(circuit, S)


def test_the_probes_lease_passes_on_when_its_process_is_gone(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    gone = quick.breakers.guard(circuit, 0.1)
    late = gone.__enter__()
    assert not quick.call(circuit, S)
    until(lambda: quick.call(circuit, N))
    late.health = F
    gone.__exit__(None, None, None)
    assert quick.phase(circuit) is HALF_OPEN
    assert quick.told() == [(CLOSED, OPEN), (OPEN, HALF_OPEN)]


def test_a_probe_that_is_renewed_keeps_its_place_for_as_long_as_it_takes(quick: Caller) -> None:
    circuit = new_circuit()
    quick.fail(circuit)
    quick.waited_out(circuit)
    with quick.breakers.guard(circuit, 0.3) as verdict:
        until_then = time.monotonic() + 0.6
        while time.monotonic() < until_then:
            quick.breakers.renew()
            assert not quick.call(circuit, S)
        verdict.health = S
    assert quick.phase(circuit) is CLOSED


def test_the_result_of_a_call_begun_before_a_move_is_ignored(quick: Caller) -> None:
    circuit = new_circuit()
    begun = [quick.breakers.guard(circuit, LEASE) for _ in range(20)]
    verdicts = [guard.__enter__() for guard in begun]
    quick.fail(circuit)
    quick.waited_out(circuit)
    quick.call(circuit, S)
    for guard, verdict in zip(begun, verdicts, strict=True):
        verdict.health = F
        guard.__exit__(None, None, None)
    assert quick.breakers.state(circuit) == State(CLOSED, 0, 0, 0)


def test_an_operator_closes_a_circuit_at_once(slow: Caller) -> None:
    circuit = new_circuit()
    with slow.breakers.guard(circuit, LEASE) as before:
        slow.fail(circuit)
        slow.breakers.reset(circuit)
        slow.breakers.reset(circuit)
        before.health = F
    assert slow.breakers.state(circuit) == State(CLOSED, 0, 0, 0)
    assert slow.call(circuit, S)
    assert slow.told() == [(CLOSED, OPEN), (OPEN, CLOSED)]
    assert slow.moves[-1].why == "reset by an operator"


def test_every_key_has_a_time_to_live_in_every_state(server: Valkey, quick: Caller) -> None:
    redis = admin(server.url)
    redis.flushall()
    circuits = [new_circuit() for _ in range(5)]
    for circuit in circuits[1:]:
        quick.call(circuit, F)
    for circuit in circuits[2:]:
        quick.fail(circuit)
    for circuit in circuits[3:]:
        quick.waited_out(circuit)
        quick.breakers.guard(circuit, LEASE).__enter__()
    quick.breakers.reset(circuits[4])
    with quick.breakers.guard(circuits[0], 600):
        keys = [str(key) for key in redis.scan_iter()]
        assert len(keys) == 5
        assert all(60 < redis.ttl(key) <= 700 for key in keys)
        longest = redis.ttl(f"orchestrator:circuit:{circuits[0].id}")
        assert longest > 600, "the record outlives the calls that it admitted"


def test_a_guarded_call_makes_two_round_trips_and_a_neutral_one_makes_one(
    server: Valkey, slow: Caller
) -> None:
    circuit, redis = new_circuit(), admin(server.url)
    slow.call(circuit, S)

    def asked(health: Health) -> dict[str, int]:
        redis.config_resetstat()
        for _ in range(10):
            slow.call(circuit, health)
        stats = redis.info("commandstats")
        sent = ("evalsha", "eval", "ping", "get", "script|load", "client|setinfo")
        return {name: stats[f"cmdstat_{name}"]["calls"] for name in sent if f"cmdstat_{name}" in stats}

    assert asked(S) == {"evalsha": 20}
    assert asked(N) == {"evalsha": 10}


def test_the_callers_clock_plays_no_part(slow: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Ahead":
            return cls.fromtimestamp(datetime.now(UTC).timestamp(), UTC) + timedelta(hours=2)

    circuit = new_circuit()
    monkeypatch.setattr(pybreaker, "datetime", Ahead)
    monkeypatch.setattr(clock, "now", Ahead.now)
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
    slow.fail(circuit)
    assert not slow.call(circuit, S)
    assert 53 < slow.breakers.state(circuit).retry_in <= 66
    assert abs(slow.moves[0].at - datetime.now(UTC).timestamp()) < 60


def test_a_thousand_threads_share_sixteen_connections_and_do_not_wait_for_each_others_calls(
    server: Valkey, slow: Caller
) -> None:
    circuit, redis = new_circuit(), admin(server.url)
    together = threading.Barrier(1000)

    def call() -> None:
        with slow.breakers.guard(circuit, LEASE) as verdict:
            together.wait(60)
            verdict.health = S

    before = redis.info("clients")["connected_clients"]
    threads = [threading.Thread(target=call) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redis.info("clients")["connected_clients"] - before <= 16
    assert slow.breakers.state(circuit) == State(CLOSED, 0, 0, 1000)


def test_a_listener_that_fails_costs_no_call_and_no_probe(server: Valkey) -> None:
    def refuse(_: Transition) -> None:
        raise RuntimeError("nobody listens")

    circuit = new_circuit()
    with caller(server.url, QUICK) as made:
        made.breakers._on_transition = refuse
        made.fail(circuit)
        made.waited_out(circuit)
        assert made.call(circuit, S)
        assert made.phase(circuit) is CLOSED


@pytest.mark.parametrize("foreign", ["SET", "HSET"])
def test_a_key_that_somebody_else_wrote_is_replaced(server: Valkey, slow: Caller, foreign: str) -> None:
    circuit, redis = new_circuit(), admin(server.url)
    key = f"orchestrator:circuit:{circuit.id}"
    if foreign == "SET":
        redis.set(key, "nonsense")
    else:
        redis.hset(key, mapping={"state": "nonsense", "epoch": "none"})
    slow.fail(circuit)
    assert slow.phase(circuit) is OPEN
    assert slow.moves[0].shared


def test_a_success_never_opens_a_circuit(server: Valkey) -> None:
    circuit = new_circuit()
    with caller(server.url, Policy(minimum_calls=3, open_seconds=60)) as made:
        made.call(circuit, F)
        made.call(circuit, F)
        assert made.call(circuit, S)
        assert made.phase(circuit) is CLOSED
        made.call(circuit, F)
        assert made.phase(circuit) is OPEN
