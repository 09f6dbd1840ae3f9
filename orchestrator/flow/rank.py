"""Rank: put scored providers in the order they are tried, as a strategy has it. Pure.

What is not the provider's own (a count, a random number) comes in. A model that its maker has shut
down comes last, unless the order is the operator's own.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, assert_never

from schemas.providers import Vendor
from schemas.routing import Strategy

ALIKE: Final = 5.0
"""Accounts of one vendor with the same model are balanced while their scores differ by no more."""

_BALANCES: Final = frozenset({Strategy.BALANCED, Strategy.CHEAPEST, Strategy.FASTEST})


class Contender(NamedTuple):
    """What an order is made from; `named` is the place in the list that the strategy goes by, if any."""

    offer: int
    """Which of the caller's offers it is."""
    provider: str
    vendor: Vendor
    model: str
    total: float
    cost: int
    free: bool
    seconds: float
    position: int
    named: int | None
    share: float
    in_flight: int
    gate: str | None
    full: bool
    retired: bool


class Chance(NamedTuple):
    """What changes from task to task: a count for taking turns, a number in [0, 1) for drawing."""

    turn: int = 0
    draw: float = 0.0


def rank(strategy: Strategy, offers: Sequence[Contender], chance: Chance) -> list[Contender]:
    """The offers in the order they are tried."""
    ordered = sorted(offers, key=_usual)
    match strategy:
        case Strategy.BALANCED:
            pass
        case Strategy.CHEAPEST:
            ordered.sort(key=lambda each: (not each.free, each.cost))
        case Strategy.FASTEST:
            ordered.sort(key=lambda each: each.seconds)
        case Strategy.PREFERRED:
            ordered.sort(key=_named_first)
        case Strategy.ROUND_ROBIN:
            ordered = _rotated(sorted(offers, key=_place), chance.turn)
        case Strategy.FIXED:
            return sorted(offers, key=lambda each: (_named_first(each), _place(each)))
        case Strategy.WEIGHTED:
            ordered = _drawn(ordered, chance.draw)
        case _ as never:
            assert_never(never)
    if strategy in _BALANCES:
        ordered = _balanced(ordered, chance.turn)
    ordered.sort(key=lambda each: each.retired)
    return ordered


def _usual(offer: Contender) -> tuple[float, int, str]:
    return (-offer.total, offer.position, offer.provider)


def _place(offer: Contender) -> tuple[int, str]:
    return (offer.position, offer.provider)


def _named_first(offer: Contender) -> float:
    return float("inf") if offer.named is None else offer.named


def _rotated(offers: list[Contender], turn: int) -> list[Contender]:
    start = turn % len(offers) if offers else 0
    return offers[start:] + offers[:start]


def _drawn(offers: list[Contender], draw: float) -> list[Contender]:
    """One drawn in proportion to its share comes first, the others stay as they stood."""
    left = draw * sum(each.share for each in offers)
    for index, each in enumerate(offers):
        left -= each.share
        if left < 0:
            return [each, *offers[:index], *offers[index + 1 :]]
    return offers


def _balanced(offers: list[Contender], turn: int) -> list[Contender]:
    """The same order, in which accounts that are as good as each other changed places by their headroom."""
    groups: dict[tuple[Vendor, str, int], list[int]] = defaultdict(list)
    leaders: dict[tuple[Vendor, str], tuple[float, int]] = {}
    for index, each in enumerate(offers):
        kind = (each.vendor, each.model)
        best, number = leaders.get(kind, (float("-inf"), -1))
        if abs(best - each.total) > ALIKE:
            best, number = each.total, number + 1
            leaders[kind] = (best, number)
        groups[*kind, number].append(index)
    result = list(offers)
    for places in groups.values():
        if len(places) > 1:
            members = _rotated(sorted((offers[index] for index in places), key=_place), turn)
            members.sort(key=_busy)
            for index, member in zip(places, members, strict=True):
                result[index] = member
    return result


def _busy(offer: Contender) -> tuple[bool, bool, int]:
    """Headroom: not behind a gate, not full, then running tasks in coarse steps, so that turns are taken."""
    return (offer.gate is not None, offer.full, (offer.in_flight // 8).bit_length())
