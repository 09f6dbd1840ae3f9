"""Valkey killed, stopped, flushed or full: each process goes on with a record of its own, and comes back."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from orchestrator import clock
from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Health, Phase, State
from orchestrator.volatile import Unreachable
from tests.integration.limits.ground import LEASE, SLOW, Caller, admin, caller, new_circuit, own_valkey, until

S, F, N = Health.SUCCESS, Health.FAILURE, Health.NEUTRAL


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Valkey]:
    with own_valkey() as server:
        yield server


@pytest.fixture
def server(shared_server: Valkey) -> Iterator[Valkey]:
    """A server that is up again for the next test."""
    yield shared_server
    shared_server.start()


@pytest.fixture
def slow(server: Valkey) -> Iterator[Caller]:
    with caller(server.url, SLOW) as made:
        yield made


def _answers(caller: Caller) -> bool:
    """Whether a new circuit opens for everyone, not for this process alone."""
    circuit = new_circuit()
    caller.fail(circuit)
    return caller.moves[-1].shared


def test_without_the_server_a_process_opens_its_own_circuits(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    server.kill()
    assert all(slow.call(circuit, S) for _ in range(3))
    assert sum(slow.call(circuit, F) for _ in range(100)) == 3
    assert slow.phase(circuit) is Phase.OPEN
    assert [move.shared for move in slow.moves] == [False]


def test_without_the_server_one_of_a_processs_calls_probes(server: Valkey) -> None:
    circuit = new_circuit()
    server.kill()
    with caller(server.url) as quick, ExitStack() as probing:
        quick.fail(circuit)
        quick.waited_out(circuit)
        probe = probing.enter_context(quick.breakers.guard(circuit, LEASE))
        assert not any(quick.call(circuit, S) for _ in range(16))
        probe.health = S
        probing.close()
        assert quick.phase(circuit) is Phase.CLOSED


def test_an_open_circuit_stays_open_when_the_server_goes(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    slow.fail(circuit, 6)
    server.kill()
    assert not any(slow.call(circuit, S) for _ in range(10))


def test_calls_under_way_when_the_server_goes_count_in_the_process(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    with ExitStack() as under_way:
        verdicts = [under_way.enter_context(slow.breakers.guard(circuit, LEASE)) for _ in range(5)]
        server.kill()
        for verdict in verdicts:
            verdict.health = F
    assert slow.phase(circuit) is Phase.OPEN
    assert not slow.moves[-1].shared


def test_the_shared_record_is_back_soon_after_the_server(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    server.kill()
    slow.fail(circuit)
    server.start()
    until(lambda: _answers(slow))
    assert slow.phase(circuit) is Phase.CLOSED, "what the process decided for itself is forgotten"


def test_a_server_that_hangs_is_tried_once_a_second_not_by_every_call(server: Valkey, slow: Caller) -> None:
    slow.call(new_circuit(), S)
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        began = clock.monotonic()
        for _ in range(50):
            assert slow.call(new_circuit(), S)
        assert clock.monotonic() - began < 5, "a hundred tries of half a second would take fifty"
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: _answers(slow))


def test_the_shared_record_is_back_for_all_threads_with_their_old_connections(
    server: Valkey, slow: Caller
) -> None:
    circuit = new_circuit()
    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(lambda _: slow.call(circuit, S), range(500)))
        server.kill()
        assert all(pool.map(lambda _: slow.call(circuit, S), range(500)))
        server.start()
        until(lambda: _answers(slow))
        assert all(pool.map(lambda _: slow.call(circuit, S), range(500)))
    assert slow.breakers.state(circuit) == State(Phase.CLOSED, 0, 0, 500)


def test_a_flushed_server_has_forgotten_open_circuits_and_opens_them_again(
    server: Valkey, slow: Caller
) -> None:
    circuit = new_circuit()
    slow.fail(circuit, 6)
    with admin(server.url) as redis:
        redis.flushall()
        redis.script_flush()
    assert slow.phase(circuit) is Phase.CLOSED
    slow.fail(circuit)
    assert slow.phase(circuit) is Phase.OPEN
    assert all(move.shared for move in slow.moves)


def test_results_of_calls_begun_before_a_flush_change_nothing(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    with ExitStack() as under_way, admin(server.url) as redis:
        verdicts = [under_way.enter_context(slow.breakers.guard(circuit, LEASE)) for _ in range(10)]
        redis.flushall()
        for verdict in verdicts:
            verdict.health = F
    assert slow.phase(circuit) is Phase.CLOSED


def test_a_server_out_of_memory_is_as_good_as_none(server: Valkey, slow: Caller) -> None:
    circuit = new_circuit()
    with admin(server.url) as redis:
        redis.config_set("maxmemory", 1)
        try:
            slow.fail(circuit, 10)
            assert [move.shared for move in slow.moves] == [False]
        finally:
            redis.config_set("maxmemory", 0)
    until(lambda: _answers(slow))


def test_a_reset_that_reaches_nobody_says_so(server: Valkey, slow: Caller) -> None:
    server.kill()
    with pytest.raises(Unreachable):
        slow.breakers.reset(new_circuit())


def test_breakers_are_made_without_a_server(server: Valkey) -> None:
    server.kill()
    with caller(server.url, SLOW) as made:
        assert made.call(new_circuit(), N)
