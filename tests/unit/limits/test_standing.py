"""How a provider does: the worst that its gates and its calls say."""

import pytest

from orchestrator.limits.standing import judged, percentile
from schemas.configured import Standing
from schemas.gates import CircuitBreaker, GateKind, GateState


def gate(kind: GateKind, state: GateState) -> CircuitBreaker:
    return CircuitBreaker(
        id="x", provider="p", kind=kind, model=None, state=state, reason="why", closed_until=None, calls=None,
        failures=None, transitions=[],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gates", "calls", "rate", "status"),
    [
        ([], 0, 0.0, Standing.HEALTHY),
        ([(GateKind.CIRCUIT, GateState.CLOSED)], 100, 0.05, Standing.HEALTHY),
        ([], 100, 0.06, Standing.DEGRADED),
        ([], 100, 0.6, Standing.DOWN),
        ([], 4, 1.0, Standing.HEALTHY),
        ([(GateKind.CIRCUIT, GateState.OPEN)], 0, 0.0, Standing.DOWN),
        ([(GateKind.CIRCUIT, GateState.HALF_OPEN)], 0, 0.0, Standing.DEGRADED),
        ([(GateKind.COOL_DOWN, GateState.OPEN)], 0, 0.0, Standing.DEGRADED),
        (
            [(GateKind.CREDENTIAL, GateState.OPEN), (GateKind.COOL_DOWN, GateState.OPEN)],
            0,
            0.0,
            Standing.DOWN,
        ),
    ],
)
def test_the_worst_word_counts(
    gates: list[tuple[GateKind, GateState]], calls: int, rate: float, status: Standing
) -> None:
    found, reasons = judged([gate(*each) for each in gates], calls, rate)
    assert found is status
    assert bool(reasons) is (status is not Standing.HEALTHY)


def test_percentiles_are_of_what_was_measured() -> None:
    assert percentile([], 0.5) is None
    assert percentile([0.1], 0.95) == 100.0
    assert percentile([0.001 * each for each in range(1, 101)], 0.95) == 96.0
