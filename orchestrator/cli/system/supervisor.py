"""Keeps the children running: starts them, restarts those that die, stops all in order.

A child that dies again and again is restarted ever more slowly, and that is said; it never ends the
others. One that does not come up at the start is the concern of who waits for it (`readiness`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from orchestrator import clock
from orchestrator.cli.system.process import Child, Spec, how_it_ended

TICK_SECONDS: Final = 0.1
FORGIVEN_SECONDS: Final = 60.0
LOUD_DEATHS: Final = 5
_FIRST_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 30.0


class Supervisor:
    """The children of one system, in the order in which they were started."""

    def __init__(
        self, home: Path, announce: Callable[[str], None], look_at_servers: Callable[[], None] = lambda: None
    ) -> None:
        self._home = home
        self._announce = announce
        self._look_at_servers = look_at_servers
        self._children: list[Child] = []
        self._began: dict[str, float] = {}
        self._deaths: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def start(self, specs: Sequence[Spec]) -> None:
        """Start these too."""
        for spec in specs:
            child = Child(spec, self._home)
            self._begin(child)
            self._children.append(child)

    def child(self, name: str) -> Child:
        """The child with this name."""
        return next(child for child in self._children if child.spec.name == name)

    def watch(self, until: Event) -> None:
        """Restart what dies until told to end."""
        while not until.wait(TICK_SECONDS):
            self.tick()

    def tick(self) -> None:
        """Look at every child and at the servers once."""
        self._look_at_servers()
        for child in self._children:
            if not child.running:
                self._mend(child)

    def _mend(self, child: Child) -> None:
        name, now = child.spec.name, clock.monotonic()
        if name not in self._due:
            wait = self._died(name, now)
            self._due[name] = now + wait
            self._announce(f"{self._how(child)}; it starts again in {wait:g} s. Its log: {child.log}")
        elif now >= self._due[name]:
            del self._due[name]
            child.let_go()
            self._begin(child)

    def _begin(self, child: Child) -> None:
        self._began[child.spec.name] = clock.monotonic()
        child.start()

    def _died(self, name: str, now: float) -> float:
        """Note a death; the seconds to wait before the next start."""
        lived_long = now - self._began[name] > FORGIVEN_SECONDS
        deaths = self._deaths[name] = 1 if lived_long else self._deaths.get(name, 0) + 1
        return float(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** min(deaths - 1, 10)))

    def _how(self, child: Child) -> str:
        name, ended = child.spec.name, how_it_ended(child.exit_code or 0)
        deaths = self._deaths[name]
        if deaths < LOUD_DEATHS:
            return f"{name} ended ({ended})"
        return f"{name.upper()} KEEPS DYING: it ended {deaths} times in a row, now with {ended}"

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
