"""Places in the way of a task where a fault test may strike.

Off unless `ORCHESTRATOR_FAILPOINTS` names one, and refused in production. A failpoint's action is
`kill` (SIGKILL of this process), `stop` (SIGSTOP) or `error`; `name=kill@3` strikes at the third pass.
"""

import os
import signal
import threading
from collections import Counter
from functools import cache

from orchestrator.config import config

_passes: Counter[str] = Counter()


class FailpointError(Exception):
    """A failpoint was asked to raise here."""


@cache
def _armed() -> dict[str, tuple[str, int]]:
    armed = {}
    for entry in filter(None, config().failpoints.split(";")):
        name, _, action = entry.partition("=")
        verb, _, count = action.partition("@")
        armed[name.strip()] = (verb.strip(), int(count or 1))
    return armed


def reach(name: str) -> None:
    """Strike here if a test armed this failpoint; costs one dictionary lookup otherwise."""
    armed = _armed()
    if name not in armed:
        return
    verb, count = armed[name]
    _passes[name] += 1
    if _passes[name] != count:
        return
    if verb == "error":
        raise FailpointError(name)
    if verb == "stop":
        # To this thread: sent to the process, it may stop another one first while this one goes on.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
