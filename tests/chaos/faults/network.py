"""Links that are slow, parted or reset, one at a time."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Final

from tests.chaos.ground import Ground
from tests.chaos.proxy import Link, Links, Weather

SLOW_SECONDS: Final = 4.0
DELAY: Final = 0.15


def _to_postgres(role: str) -> Callable[[Links], Link]:
    return lambda links: links.to_postgres[role]


_LINKS: Final[Mapping[str, Callable[[Links], Link]]] = {
    "API and Postgres": _to_postgres("api"),
    "workers and Postgres": _to_postgres("worker"),
    "dispatchers and Postgres": _to_postgres("dispatcher"),
    "Valkey": lambda links: links.to_valkey,
    "workers and provider": lambda links: links.to_provider,
}


def _part(find: Callable[[Links], Link], ground: Ground, _dice: Random) -> str:
    """For longer than a lease lasts."""
    seconds = ground.times.lease + 1
    _for(_found(ground, find), Weather.PARTED, seconds)
    return f"{seconds:g} s"


def _slow(find: Callable[[Links], Link], ground: Ground, _dice: Random) -> str:
    _for(_found(ground, find), Weather.SLOW, SLOW_SECONDS)
    return f"{DELAY * 1000:g} ms a piece"


def _reset(find: Callable[[Links], Link], ground: Ground, dice: Random) -> str:
    link, ended = _found(ground, find), 0
    for _ in range(3):
        ended += link.reset()
        time.sleep(dice.uniform(0.2, 0.6))
    return f"{ended} connections"


def _for(link: Link, weather: Weather, seconds: float) -> None:
    link.become(weather, DELAY)
    try:
        time.sleep(seconds)
    finally:
        link.become(Weather.FAIR)


def _found(ground: Ground, find: Callable[[Links], Link]) -> Link:
    assert ground.links is not None
    return find(ground.links)


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    f"{name}: {what}": partial(act, find)
    for name, find in _LINKS.items()
    for what, act in (("parted", _part), ("slow", _slow), ("reset", _reset))
}
