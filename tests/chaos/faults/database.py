"""A Postgres that crashes, drops connections, or commits and does not live to say so."""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.chaos import reading
from tests.chaos.ground import Ground

PAUSE: Final = 3.0
CUTS: Final = 8
_TERMINATE: Final = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def _restart(ground: Ground, _dice: Random) -> str:
    ground.stack.postgres.restart(mode="immediate")
    return "immediate"


def _restart_often(ground: Ground, dice: Random) -> str:
    for _ in range(3):
        ground.stack.postgres.restart(mode="immediate")
        time.sleep(PAUSE * dice.uniform(0.5, 1.0))
    return "3 × immediate"


def _terminate(ground: Ground, _dice: Random) -> str:
    return f"{reading.count(ground.database_url, _TERMINATE)} connections"


def _ambiguous(ground: Ground, _dice: Random) -> str:
    """The next answers of Postgres are cut in the middle: whoever asked can't know what was committed."""
    assert ground.links is not None
    links = ground.links.to_postgres.values()
    for link in links:
        link.cut(CUTS)
    time.sleep(PAUSE)
    left = sum(link.cuts for link in links)
    for link in links:
        link.cut(0)
    return f"{CUTS * len(links) - left} answers cut"


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    "Postgres restarted": _restart,
    "Postgres restarted again and again": _restart_often,
    "connections terminated": _terminate,
    "commits left ambiguous": _ambiguous,
}
