"""What goes wrong in a run: faults of a menu, in an order and at moments that the seed decides."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.chaos.faults import ACTS
from tests.chaos.ground import Ground

MENU: Final[Mapping[str, int]] = {
    "worker killed": 5,
    "Valkey flushed": 1,
    "Valkey restarted": 1,
    "dispatcher killed": 2,
    "API killed": 2,
    "Postgres restarted": 1,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done, when it began and was over, and what it hit."""

    kind: str
    at: datetime
    hit: str
    over: datetime


@dataclass
class Nemesis:
    """Carries the faults out, one after the other, spread over so many seconds."""

    ground: Ground
    seed: int
    span: float
    menu: Mapping[str, int] = field(default_factory=lambda: MENU)
    done: list[Fault] = field(default_factory=list)

    def run(self) -> None:
        """All faults of the menu."""
        dice = random.Random(self.seed)
        kinds = [kind for kind, count in self.menu.items() for _ in range(count)]
        dice.shuffle(kinds)
        began, step = time.monotonic(), self.span / max(1, len(kinds))
        for index, kind in enumerate(kinds):
            due = began + step * (index + dice.uniform(0.2, 0.8))
            time.sleep(max(0.0, due - time.monotonic()))
            at = datetime.now(UTC)
            hit = ACTS[kind](self.ground, dice)
            self.done.append(Fault(kind, at, hit, datetime.now(UTC)))
