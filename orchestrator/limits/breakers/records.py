"""Where circuits are kept: one record that all processes share, and this process's own while it is away.

Both answer alike. The own one starts from what the shared one said last: what was open stays open.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Final

from orchestrator import clock, telemetry
from orchestrator.limits.breakers import window
from orchestrator.limits.breakers.circuits import Health, Phase, Policy
from orchestrator.limits.breakers.window import JITTER, MICROSECONDS, Ruling, Standing, micros
from orchestrator.volatile import Script, Unreachable

SOURCE: Final = files(__package__).joinpath("circuit.lua").read_text(encoding="utf-8")
_PREFIX: Final = "orchestrator:circuit:"


class SharedRecord:
    """Circuits in Redis, by Redis' clock; each step is one round trip. Steps raise `Unreachable`."""

    def __init__(self, script: Script, policy: Policy) -> None:
        self._script, self._policy = script, policy

    def admit(self, key: str, lease: float, own: Policy | None = None) -> Ruling:
        """May a call go ahead, believed in for `lease` seconds? `own`: a policy of this circuit's."""
        return self._ask("admit", key, micros(lease), own=own)

    def report(self, key: str, epoch: int, health: Health, own: Policy | None = None) -> Ruling:
        """Take in how a call ended that was admitted in `epoch`."""
        return self._ask("report", key, epoch, health, jitter(), own=own)

    def renew(self, key: str, epoch: int, lease: float) -> Ruling:
        """The probe admitted in `epoch` is still under way: it is believed in for `lease` seconds more."""
        return self._ask("renew", key, epoch, micros(lease))

    def reset(self, key: str) -> Ruling:
        """Close it, whatever was."""
        return self._ask("reset", key)

    def look(self, key: str) -> Ruling:
        """How it stands; changes nothing."""
        return self._ask("look", key)

    def _ask(self, verb: str, key: str, *arguments: str | float, own: Policy | None = None) -> Ruling:
        given = _figures(own or self._policy)
        was, phase, admitted, *figures = self._script.run(_PREFIX + key, verb, *given, *arguments)
        return Ruling(Phase(str(was)), Phase(str(phase)), bool(admitted), *map(int, figures))


class OwnRecord:
    """Circuits in this process, by its monotonic clock."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._standings: dict[str, Standing] = {}
        self._lock = threading.Lock()

    def admit(self, key: str, lease: float) -> Ruling:
        """May a call go ahead, believed in for `lease` seconds?"""
        return self._step(key, lambda was, now: window.admit(self._policy, was, now, micros(lease)))

    def report(self, key: str, epoch: int | None, health: Health, own: Policy | None = None) -> Ruling:
        """Take in how a call ended that was admitted in `epoch`; None: by the shared record."""
        policy = own or self._policy

        def step(was: Standing, now: int) -> tuple[Standing, Ruling]:
            if epoch is None and was.phase is not Phase.CLOSED:
                return was, window.look(policy, was, now)
            begun = was.epoch if epoch is None else epoch
            return window.report(policy, was, now, begun, health, jitter())

        return self._step(key, step)

    def look(self, key: str) -> Ruling:
        """How it stands; changes nothing."""
        return self._step(key, lambda was, now: (was, window.look(self._policy, was, now)))

    def take_over(self, key: str, ruling: Ruling, own: Policy | None = None) -> None:
        """Remember what the shared record said, for the time when it is away."""
        if ruling.phase is Phase.CLOSED:
            if key in self._standings:
                self._standings.pop(key, None)
        elif not ruling.admitted:
            now = _now()
            left = micros(ruling.wait(own or self._policy))
            self._standings[key] = Standing(Phase.OPEN, now, now + left, ruling.open_for)

    def forget(self) -> None:
        """Begin anew: the shared record answers again."""
        with self._lock:
            self._standings.clear()

    def _step(self, key: str, step: Callable[[Standing, int], tuple[Standing, Ruling]]) -> Ruling:
        with self._lock:
            now = _now()
            after, ruling = step(self._standings.get(key, Standing()), now)
            self._standings[key] = after
        wall = micros(clock.now().timestamp())
        return replace(ruling, now=wall, till=wall + ruling.till - now)


class Records:
    """The shared record as long as it answers, else the own one; True beside a ruling for all processes."""

    def __init__(self, script: Script, policy: Policy) -> None:
        self.shared = SharedRecord(script, policy)
        self._own = OwnRecord(policy)
        self._away = False

    def admit(self, key: str, lease: float, own: Policy) -> tuple[Ruling, bool]:
        """May a call go ahead, believed in for `lease` seconds, by the circuit's `own` policy?"""
        try:
            ruling = self.shared.admit(key, lease, own)
        except Unreachable as error:
            self._note_away(error)
            return self._own.admit(key, lease), False
        self._note_back()
        self._own.take_over(key, ruling, own)
        return ruling, True

    def report(
        self, key: str, admitted: Ruling, shared: bool, health: Health, own: Policy
    ) -> tuple[Ruling, bool]:
        """Take in how the call ended that was admitted so."""
        if not shared:
            return self._own.report(key, admitted.epoch, health, own), False
        try:
            return self.shared.report(key, admitted.epoch, health, own), True
        except Unreachable as error:
            self._note_away(error)
            return self._own.report(key, None, health, own), False

    def look(self, key: str) -> Ruling:
        """How it stands; changes nothing."""
        try:
            return self.shared.look(key)
        except Unreachable as error:
            self._note_away(error)
            return self._own.look(key)

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            telemetry.warn("breakers.own_record", error=f"{type(error).__name__}: {error}")

    def _note_back(self) -> None:
        if self._away:
            self._away = False
            self._own.forget()
            telemetry.tell("breakers.shared_record")


def _figures(policy: Policy) -> tuple[float, ...]:
    """As the script takes it."""
    return (
        policy.minimum_calls,
        policy.failure_ratio,
        micros(policy.open_seconds),
        micros(policy.open_most),
        micros(policy.bucket_seconds),
        policy.buckets,
    )


def jitter() -> float:
    """A factor of 1 ± 10 %."""
    return random.uniform(1 - JITTER, 1 + JITTER)


def _now() -> int:
    return int(clock.monotonic() * MICROSECONDS)
