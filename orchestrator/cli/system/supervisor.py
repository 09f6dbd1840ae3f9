"""Keeps the children running: starts them, restarts those that die, stops all in order.

A child that dies again and again is not restarted for ever: then the whole system gives up, with the
last lines of its log.
"""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from orchestrator import clock
from orchestrator.cli.system.process import Child, Spec, how_it_ended

MOST_DEATHS: Final = 5
WITHIN_SECONDS: Final = 60.0
TICK_SECONDS: Final = 0.1
_FIRST_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 8.0


class GaveUp(Exception):
    """A process keeps dying."""

    def __init__(self, child: Child) -> None:
        ended = how_it_ended(child.exit_code or 0)
        super().__init__(f"{child.spec.name} died {MOST_DEATHS} times within a minute, last with {ended}")
        self.child = child


class Supervisor:
    """The children of one system, in the order in which they were started."""

    def __init__(
        self, home: Path, announce: Callable[[str], None], look_at_servers: Callable[[], None] = lambda: None
    ) -> None:
        self._home = home
        self._announce = announce
        self._look_at_servers = look_at_servers
        self._children: list[Child] = []
        self._deaths: dict[str, deque[float]] = {}
        self._due: dict[str, float] = {}

    def start(self, specs: Sequence[Spec]) -> None:
        """Start these too."""
        for spec in specs:
            child = Child(spec, self._home)
            child.start()
            self._children.append(child)

    def child(self, name: str) -> Child:
        """The child with this name."""
        return next(child for child in self._children if child.spec.name == name)

    def watch(self, until: Event) -> None:
        """Restart what dies until told to end; raises `GaveUp`."""
        while not until.wait(TICK_SECONDS):
            self.tick()

    def watch_quietly(self, until: Event) -> None:
        """Watch in a thread beside other work, which notices by itself when the system gave up."""
        try:
            self.watch(until)
        except GaveUp as error:
            self._announce(f"{error}. Its log: {error.child.log}")

    def tick(self) -> None:
        """Look at every child and at the servers once."""
        self._look_at_servers()
        for child in self._children:
            if not child.running:
                self._mend(child)

    def _mend(self, child: Child) -> None:
        name, now = child.spec.name, clock.monotonic()
        if name not in self._due:
            wait = self._died(child, now)
            self._due[name] = now + wait
            ended = how_it_ended(child.exit_code or 0)
            self._announce(f"{name} ended ({ended}); it starts again in {wait:g} s. Its log: {child.log}")
        elif now >= self._due[name]:
            del self._due[name]
            child.let_go()
            child.start()

    def _died(self, child: Child, now: float) -> float:
        """Note a death; the seconds to wait before the next start."""
        deaths = self._deaths.setdefault(child.spec.name, deque(maxlen=MOST_DEATHS))
        deaths.append(now)
        recent = sum(now - death <= WITHIN_SECONDS for death in deaths)
        if recent >= MOST_DEATHS:
            raise GaveUp(child)
        return float(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (recent - 1)))

    def stop(self, order: Sequence[str], hurry: Event) -> None:
        """Stop all, one group of names (by their beginnings) after the other; at once when hurried."""
        for beginning in (*order, ""):
            group = [child for child in self._children if child.spec.name.startswith(beginning)]
            _stop(group, hurry)

    def kill(self) -> None:
        """End all at once."""
        for child in self._children:
            child.kill()


def _stop(children: Sequence[Child], hurry: Event) -> None:
    if not hurry.is_set():
        for child in children:
            child.ask_to_stop()
    start = clock.monotonic()
    for child in children:
        while child.running and not hurry.is_set() and clock.monotonic() - start < child.spec.stops_within:
            hurry.wait(TICK_SECONDS / 4)
        child.kill()
        child.let_go()
