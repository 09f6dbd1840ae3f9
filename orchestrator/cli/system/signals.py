"""Ctrl-C and SIGTERM as two events: the first asks to stop, the second asks to hurry."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from types import FrameType
from typing import Final

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Asked:
    """What was asked for so far. While `interrupts`, the first signal also ends what is running."""

    stop: Event = field(default_factory=Event)
    hurry: Event = field(default_factory=Event)
    interrupts: bool = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Take note of one signal."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt


@contextmanager
def listening() -> Iterator[Asked]:
    """Signals become events until the end of the block; under `nohup` a closed terminal is none."""
    asked = Asked()
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in _NUMBERS if not (deaf and number is signal.SIGHUP)]
    before = {number: signal.signal(number, asked.note) for number in heard}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
