"""Workers whose clock is two hours ahead or behind."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.children import Stalled, eventually
from tests.chaos.faults.processes import busiest
from tests.chaos.ground import Ground

SECONDS: Final = 8.0
_PLACES: Final = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))


def library() -> Path | None:
    """The library of `faketime`, if this machine has it."""
    found = (path for place in _PLACES for path in place.glob("**/faketime/libfaketimeMT.so.1"))
    return next(found, None)


def _shift(by: str, ground: Ground, _dice: Random) -> str:
    """The busiest worker starts again in another time, works there for a while, and comes back."""
    faked = library()
    if faked is None:
        return "skipped: faketime is not installed"
    victim, held = busiest(ground)
    victim.kill()
    settings = {"LD_PRELOAD": str(faked), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ground.start(victim.name, **settings)
    try:
        eventually(lambda: ground.enlisted(victim), "the worker is enlisted", 20)
        time.sleep(SECONDS)
        at_work = "at work"
    except Stalled:
        at_work = "never enlisted"
    victim.kill()
    ground.start(victim.name)
    return f"{victim.name}, {at_work} ({held} leases held before)"


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    "worker's clock 2 h ahead": partial(_shift, "+2h"),
    "worker's clock 2 h behind": partial(_shift, "-2h"),
}
