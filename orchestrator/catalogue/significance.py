"""Whether two shares, or two means, differ by more than chance: a difference, its interval, its p-value.

Shares by a z-test with a pooled variance (the interval is Agresti and Caffo's), means by Welch's t-test.
"""

from math import exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

LEVEL: Final = 0.05
"""What an interval leaves out."""

_NORMAL: Final = NormalDist()
_STEPS: Final = 200
_TINY: Final = 1e-300


class Proportion(NamedTuple):
    """So many good ones of so many."""

    good: int
    size: int


class Mean(NamedTuple):
    """The mean and variance of so many samples."""

    mean: float
    variance: float
    size: int


class Finding(NamedTuple):
    """A difference with its 95 % interval and two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float


def two_proportions(control: Proportion, arm: Proportion) -> Finding | None:
    """The z-test of two proportions with a pooled variance; None where one has no samples."""
    if not control.size or not arm.size:
        return None
    difference = arm.good / arm.size - control.good / control.size
    pooled = (control.good + arm.good) / (control.size + arm.size)
    error = sqrt(pooled * (1 - pooled) * (1 / control.size + 1 / arm.size))
    p_value = 2 * _NORMAL.cdf(-abs(difference) / error) if error else 1.0
    first, second = ((each.good + 1) / (each.size + 2) for each in (control, arm))
    spread = first * (1 - first) / (control.size + 2) + second * (1 - second) / (arm.size + 2)
    reach = _NORMAL.inv_cdf(1 - LEVEL / 2) * sqrt(spread)
    return Finding(difference, max(-1.0, second - first - reach), min(1.0, second - first + reach), p_value)


def welch(control: Mean, arm: Mean) -> Finding | None:
    """Welch's t-test of two means; None where one has fewer than two samples."""
    if control.size < 2 or arm.size < 2:
        return None
    difference = arm.mean - control.mean
    shares = (control.variance / control.size, arm.variance / arm.size)
    error = sqrt(sum(shares))
    if not error:
        return Finding(difference, difference, difference, 0.0 if difference else 1.0)
    # In units of the whole, so that neither very large nor very small variances leave the range of a float.
    parts = [share / sum(shares) for share in shares]
    freedom = 1 / (parts[0] ** 2 / (control.size - 1) + parts[1] ** 2 / (arm.size - 1))
    reach = t_quantile(1 - LEVEL / 2, freedom) * error
    p_value = min(1.0, 2 * t_cdf(-abs(difference) / error, freedom))
    return Finding(difference, difference - reach, difference + reach, p_value)


def t_cdf(t: float, freedom: float) -> float:
    """The share of Student's t-distribution below `t`."""
    square = t * t
    if square < freedom:  # near the middle the other tail's argument is 1 but for a rounding
        tail = (1 - _incomplete_beta(0.5, freedom / 2, square / (freedom + square))) / 2
    else:
        tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square)) / 2
    return tail if t < 0 else 1 - tail


def t_quantile(share: float, freedom: float) -> float:
    """The `t` below which this share (0.5 to 1) of Student's t-distribution lies, by halving."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < share:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (modified Lentz's method)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
