"""Statistics against values that are known: tables, closed forms, published trials."""

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.catalogue.significance import Mean, Proportion, t_cdf, t_quantile, two_proportions, welch
from orchestrator.flow.compare import compare
from schemas.experiments import Metric, Verdict


@pytest.mark.parametrize(
    ("share", "freedom", "t"),
    [
        (0.975, 1, 12.7062047), (0.975, 10, 2.2281389), (0.995, 5, 4.0321430), (0.95, 30, 1.6972609),
        (0.975, 1_000_000, 1.9599664),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_tables(share: float, freedom: float, t: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(t, rel=1e-6)
    assert t_cdf(t, freedom) == pytest.approx(share, abs=1e-7)


@settings(max_examples=50)
@given(st.floats(-50, 50))
def test_two_degrees_of_freedom_have_a_closed_form(t: float) -> None:
    assert t_cdf(t, 2) == pytest.approx(0.5 + t / (2 * sqrt(2 + t * t)), abs=1e-12)


@settings(max_examples=50)
@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(1, 500))
def test_the_distribution_grows_and_is_symmetric(first: float, second: float, freedom: float) -> None:
    low, high = sorted((first, second))
    assert t_cdf(low, freedom) <= t_cdf(high, freedom) + 1e-12
    assert t_cdf(-high, freedom) == pytest.approx(1 - t_cdf(high, freedom), abs=1e-12)


def test_the_physicians_health_study() -> None:
    found = two_proportions(Proportion(189, 11034), Proportion(104, 11037))
    assert found is not None
    assert found.difference == pytest.approx(-0.0077, abs=5e-5)
    assert found.p_value == pytest.approx(5.7e-7, rel=0.02)
    assert found.low == pytest.approx(-0.0107, abs=2e-4)
    assert found.high == pytest.approx(-0.0047, abs=2e-4)


def test_two_proportions_by_hand() -> None:
    found = two_proportions(Proportion(30, 100), Proportion(45, 100))
    assert found is not None
    assert found.p_value == pytest.approx(0.02846, abs=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "t", "freedom"),
    [
        (Mean(20.6, 9.0, 10), Mean(22.1, 0.9, 20), 1.543, 9.858),
        (Mean(19.4, 1.4, 10), Mean(21.6, 17.1, 20), 2.205, 24.56),
    ],
)
def test_welch_by_its_own_formulas(first: Mean, second: Mean, t: float, freedom: float) -> None:
    found = welch(first, second)
    assert found is not None
    assert found.p_value == pytest.approx(2 * t_cdf(-t, freedom), abs=2e-4)
    reach = t_quantile(0.975, freedom) * found.difference / t
    assert found.high - found.difference == pytest.approx(reach, rel=1e-3)


def test_with_equal_samples_and_variances_it_is_students_test() -> None:
    found = welch(Mean(0.0, 2.0, 6), Mean(2.228139 * sqrt(2 / 3), 2.0, 6))
    assert found is not None
    assert found.p_value == pytest.approx(0.05, abs=1e-6)
    assert found.low == pytest.approx(0.0, abs=1e-5)


def test_nothing_can_be_said_of_nothing() -> None:
    assert two_proportions(Proportion(0, 0), Proportion(1, 2)) is None
    assert welch(Mean(1.0, 0.0, 1), Mean(2.0, 1.0, 50)) is None
    assert compare(Metric.ACCEPTED, Proportion(0, 0), Proportion(0, 0), 1) is None


def test_samples_that_do_not_vary_are_no_division_by_zero() -> None:
    same, other = welch(Mean(1.0, 0.0, 9), Mean(1.0, 0.0, 9)), welch(Mean(1.0, 0.0, 9), Mean(2.0, 0.0, 9))
    assert (same and same.p_value, other and other.p_value) == (1.0, 0.0)
    alike = two_proportions(Proportion(9, 9), Proportion(40, 40))
    assert alike is not None
    assert (alike.difference, alike.p_value) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("metric", "control", "arm", "verdict"),
    [
        (Metric.SUCCESS_RATE, Proportion(150, 200), Proportion(190, 200), Verdict.BETTER),
        (Metric.SUCCESS_RATE, Proportion(190, 200), Proportion(150, 200), Verdict.WORSE),
        (Metric.SUCCESS_RATE, Proportion(10, 20), Proportion(20, 20), Verdict.UNDECIDED),
        (Metric.SUCCESS_RATE, Proportion(99, 100), Proportion(100, 100), Verdict.UNDECIDED),
        (Metric.COST, Mean(0.02, 1e-4, 500), Mean(0.01, 1e-4, 500), Verdict.BETTER),
        (Metric.LATENCY, Mean(5.0, 4.0, 100), Mean(8.0, 4.0, 100), Verdict.WORSE),
        (Metric.LATENCY, Mean(5.0, 4.0, 29), Mean(8.0, 4.0, 100), Verdict.UNDECIDED),
    ],
)
def test_a_verdict_knows_which_way_is_better(
    metric: Metric, control: Proportion | Mean, arm: Proportion | Mean, verdict: Verdict
) -> None:
    found = compare(metric, control, arm, 1)
    assert found is not None
    assert found.verdict is verdict
    assert found.low <= found.high
    assert found.confidence == 1 - found.p_value


def test_many_comparisons_share_the_level() -> None:
    control, arm = Proportion(30, 100), Proportion(45, 100)
    alone, of_four = (compare(Metric.SUCCESS_RATE, control, arm, count) for count in (1, 4))
    assert (alone and alone.verdict, of_four and of_four.verdict) == (Verdict.BETTER, Verdict.UNDECIDED)
