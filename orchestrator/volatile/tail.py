"""Tail: hear the parts of answers that workers pass on, over one connection for all requests of a process.

Register, then read from the beginning of the task's stream: nothing that came before is missed. What
Redis loses is not made up for here: whoever listens knows the final text from Postgres.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from orchestrator import clock
from orchestrator.volatile import Unreachable, Volatile

MOST_ENTRIES: Final = 10_000
KEPT_SECONDS: Final = 900
"""A task's stream vanishes this long after its last part; longer than a call may pause."""
_BLOCK_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.015
_AWAY_SECONDS: Final = 0.5
_WAKE_SECONDS: Final = 60
_STREAM: Final = "orchestrator:answer:"


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an answer; `at`: how many characters of the same attempt's answer came before it."""

    attempt: int
    at: int
    text: str

    @staticmethod
    def stream(task_id: UUID) -> str:
        """The name of a task's stream."""
        return f"{_STREAM}{task_id}"

    @property
    def fields(self) -> dict[str, str | int]:
        """As an entry of the stream."""
        return {"attempt": self.attempt, "at": self.at, "text": self.text}


@dataclass(eq=False, slots=True)
class Listener:
    """One that hears a task's pieces; `wake` is set when there are some."""

    pieces: list[Piece] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    seen: str = "0"

    def take(self) -> list[Piece]:
        """The pieces that came since the last time."""
        self.wake.clear()
        taken, self.pieces = self.pieces, []
        return taken


class Tail:
    """All listening of a process."""

    def __init__(self, volatile: Volatile) -> None:
        self._volatile = volatile
        self._listeners: dict[str, set[Listener]] = {}
        self._some = asyncio.Event()
        self._bell = f"{_STREAM}bell:{uuid4()}"
        self._rung = "0"

    @contextmanager
    def listening(self, task_id: UUID) -> Iterator[Listener]:
        """A listener from the first piece on, for the block."""
        name, listener = Piece.stream(task_id), Listener()
        self._listeners.setdefault(name, set()).add(listener)
        self._some.set()
        ringing = asyncio.get_running_loop().create_task(self._ring())
        try:
            yield listener
        finally:
            ringing.cancel()
            self._listeners[name].discard(listener)
            if not self._listeners[name]:
                del self._listeners[name]

    async def read(self) -> None:
        """Hear on, as long as anybody listens and Redis answers."""
        while True:
            if not self._listeners:
                self._some.clear()
                await self._some.wait()
            try:
                self._hand_out(await self._volatile.appended(self._positions(), _BLOCK_SECONDS))
            except Unreachable:
                await clock.sleep(_AWAY_SECONDS)
            await clock.sleep(_GATHER_SECONDS)

    def _positions(self) -> dict[str, str]:
        """Where each stream is to be read on: for all that listen to it, where the last to come stands."""
        heard = {
            name: min((each.seen for each in listeners), key=_order)
            for name, listeners in self._listeners.items()
        }
        return {self._bell: self._rung, **heard}

    def _hand_out(self, found: dict[str, list[tuple[str, dict[str, str]]]]) -> None:
        for name, entries in found.items():
            if name == self._bell:
                self._rung = entries[-1][0]
            for listener in self._listeners.get(name, ()):
                fresh = [each for each in entries if _order(each[0]) > _order(listener.seen)]
                if fresh:
                    listener.seen = fresh[-1][0]
                    listener.pieces += [piece for _, fields in fresh if (piece := _piece(fields))]
                    listener.wake.set()

    async def _ring(self) -> None:
        """Have the reading begin anew: it waits at streams that were known when it began."""
        with suppress(*Unreachable):
            await self._volatile.append(self._bell, {"for": "all"}, 1, _WAKE_SECONDS)


def _order(entry_id: str) -> tuple[int, int]:
    """Redis counts entries by milliseconds and, within one, by number."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def _piece(fields: dict[str, str]) -> Piece | None:
    try:
        return Piece(int(fields["attempt"]), int(fields["at"]), fields["text"])
    except (KeyError, ValueError):
        return None
