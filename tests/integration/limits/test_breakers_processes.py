"""The circuits over eight real processes."""

import signal
from collections.abc import Iterator

import pytest

from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Health, Phase, State
from tests.integration.limits import crowd
from tests.integration.limits.ground import SLOW, caller, new_circuit, own_valkey, until


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with own_valkey() as server:
        yield server


def test_exactly_one_of_eight_processes_and_128_threads_probes(server: Valkey) -> None:
    circuit = new_circuit()
    with caller(server.url) as quick:
        quick.fail(circuit)
        quick.waited_out(circuit)
        through = crowd.crowd(crowd.probe_at_once, server.url, circuit, 16)
        assert sorted(through) == [0] * 7 + [1]
        assert quick.phase(circuit) is Phase.HALF_OPEN


def test_eight_processes_open_a_circuit_together_and_one_of_them_tells(server: Valkey) -> None:
    circuit = new_circuit()
    answers = crowd.crowd(crowd.fail_and_succeed, server.url, circuit, 125)
    # At most every process succeeds once before half of the results are failures, and has a call under way.
    assert 5 <= sum(admitted for admitted, _ in answers) <= 3 * crowd.PROCESSES
    assert sum(moves for _, moves in answers) == 1
    with caller(server.url, SLOW) as looker:
        assert looker.phase(circuit) is Phase.OPEN


def test_eight_processes_count_every_call_once(server: Valkey) -> None:
    circuit = new_circuit()
    crowd.crowd(crowd.succeed, server.url, circuit, 100)
    with caller(server.url, SLOW) as looker:
        assert looker.breakers.state(circuit) == State(Phase.CLOSED, 0, 0, 800)


def test_a_process_killed_while_it_probes_keeps_nobody_out_for_longer_than_its_lease(server: Valkey) -> None:
    circuit = new_circuit()
    with caller(server.url) as quick:
        quick.fail(circuit)
        quick.waited_out(circuit)
        assert crowd.exit_code(crowd.die_probing, server.url, circuit, 0.5) == -signal.SIGKILL
        until(lambda: quick.call(circuit, Health.SUCCESS))
        assert quick.phase(circuit) is Phase.CLOSED
