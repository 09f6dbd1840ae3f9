"""Figures: what was measured, what it should be, and what the plain application did. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure's goal: a bound of its own, or a share of the plain application's figure."""

    at_least: float | None = None
    at_most: float | None = None
    of_plain: float | None = None

    def met(self, value: float, plain: float | None) -> bool | None:
        """Whether the value reaches the goal; None where the plain figure is missing."""
        if self.of_plain is not None:
            return None if plain is None else value <= self.of_plain * plain
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= value <= high

    def __str__(self) -> str:
        if self.of_plain is not None:
            return f"≤ {self.of_plain:g} × plain"
        return f"≥ {self.at_least:,g}" if self.at_least is not None else f"≤ {self.at_most:,g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `value` is ours, `plain` that of the plain application."""

    name: str
    value: float | None
    unit: str
    goal: Goal | None = None
    note: str = ""
    plain: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the plain one's; None without both."""
        if self.value is None or not self.plain:
            return None
        return self.value / self.plain

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal or a value."""
        if self.goal is None or self.value is None:
            return None
        return self.goal.met(self.value, self.plain)

    def as_json(self) -> dict[str, Any]:
        """The figure as a program reads it."""
        goal = str(self.goal) if self.goal else None
        return {**asdict(self), "goal": goal, "ratio": self.ratio, "met": self.met}


def merged(figures: Iterable[Figure]) -> list[Figure]:
    """Figures of the same name in one line, in the order of their first mention."""
    found: dict[str, Figure] = {}
    for figure in figures:
        known = found.get(figure.name)
        found[figure.name] = figure if known is None else _joined(known, figure)
    return list(found.values())


def _joined(one: Figure, other: Figure) -> Figure:
    return replace(
        one,
        value=other.value if one.value is None else one.value,
        plain=other.plain if one.plain is None else one.plain,
        goal=one.goal or other.goal,
        note=one.note or other.note,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all are not above (nearest rank). Raises `ValueError` on none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
