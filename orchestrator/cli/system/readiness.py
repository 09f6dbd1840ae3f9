"""Waiting until a launched system works, or saying which part doesn't."""

import re
import socket
from collections.abc import Mapping
from threading import Event
from typing import Final

from orchestrator import clock
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.system.network import fetch
from orchestrator.cli.system.supervisor import Supervisor

DEADLINE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 2.0
_WORKERS: Final = re.compile(rb"^orchestrator_workers_live(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


def wait_until_ready(
    api_url: str, workers: int, ports: Mapping[str, int], supervisor: Supervisor, stop: Event
) -> None:
    """Return when the API is ready, the workers are registered and the named children's ports listen.

    Returns early when told to stop. Raises `Ending` at the deadline.
    """
    deadline = clock.monotonic() + DEADLINE_SECONDS
    while (missing := _missing(api_url, workers, ports)) is not None:
        if clock.monotonic() > deadline:
            raise _not_ready(supervisor, *missing)
        if stop.wait(_LOOK_SECONDS):
            return
        supervisor.tick()


def _missing(api_url: str, workers: int, ports: Mapping[str, int]) -> tuple[str, str] | None:
    """What is not there yet, and whose log tells why."""
    if fetch(f"{api_url}/readyz", _ANSWER_SECONDS) is None:
        return "the API is not ready", "api"
    live = live_workers(api_url)
    if live < workers:
        return f"{live} of {workers} workers are registered", "worker-1"
    silent = next((name for name, port in ports.items() if not _connects(port)), None)
    return (f"{silent} does not listen", silent) if silent else None


def live_workers(api_url: str) -> int:
    """How many worker processes the API counts as living."""
    found = _WORKERS.search(fetch(f"{api_url}/metrics", _ANSWER_SECONDS) or b"")
    return int(float(found[1])) if found else 0


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _not_ready(supervisor: Supervisor, missing: str, name: str) -> Ending:
    child = supervisor.child(name)
    return Ending(
        f"After {DEADLINE_SECONDS:g} s {missing}. The end of {child.log}:\n{child.last_lines()}",
        code=Code.UNAVAILABLE,
    )
