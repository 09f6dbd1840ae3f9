"""How a provider does: the worst that its gates and its calls say."""

import pytest

from orchestrator.limits.standing import judged, moving_average, percentile, summed
from schemas.configured import ProviderHealth, Standing
from schemas.gates import CircuitBreaker, GateKind, GateState
from schemas.manners import HealthPolicy


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


def test_a_provider_may_have_thresholds_of_its_own() -> None:
    patient = HealthPolicy(minimum_calls=1, degraded_error_rate=0.3, down_error_rate=0.9)
    assert judged([], 100, 0.25, patient)[0] is Standing.HEALTHY
    assert judged([], 1, 0.6, patient)[0] is Standing.DEGRADED
    quick = HealthPolicy(degraded_latency_ms=500)
    assert judged([], 10, 0.0, quick, 499.0)[0] is Standing.HEALTHY
    assert judged([], 10, 0.0, quick, 501.0) == (
        Standing.DEGRADED,
        ["answers take 501 ms on average, more than 500 ms"],
    )
    assert judged([], 4, 0.0, quick, 501.0)[0] is Standing.HEALTHY


def test_newer_calls_count_more_in_the_average() -> None:
    assert moving_average([]) is None
    assert moving_average([0.1]) == 100.0
    assert moving_average([1.0, 2.0]) == 1200.0
    assert moving_average([*[1.0] * 50, *[3.0] * 20]) == pytest.approx(3000, rel=0.01)


def health(status: Standing) -> ProviderHealth:
    return ProviderHealth(
        provider="p", status=status, reasons=[], paused=False, calls=0, failed=0, error_rate=0.0,
        availability=None, latency_ewma_ms=None, latency_p50_ms=None, latency_p95_ms=None,
        first_token_p50_ms=None, last_success_at=None, last_failure_at=None, check=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("each", "all_of_them"),
    [
        ("", "down"), ("h", "healthy"), ("hh", "healthy"), ("hd", "degraded"), ("hx", "degraded"),
        ("dx", "degraded"), ("xx", "down"),
    ],
)  # fmt: skip
def test_one_word_for_all(each: str, all_of_them: str) -> None:
    words = {"h": Standing.HEALTHY, "d": Standing.DEGRADED, "x": Standing.DOWN}
    found = summed([health(words[letter]) for letter in each])
    assert found.status == all_of_them
    assert (found.healthy, found.degraded, found.down) == tuple(map(each.count, "hdx"))


def test_percentiles_are_of_what_was_measured() -> None:
    assert percentile([], 0.5) is None
    assert percentile([0.1], 0.95) == 100.0
    assert percentile([0.001 * each for each in range(1, 101)], 0.95) == 96.0
