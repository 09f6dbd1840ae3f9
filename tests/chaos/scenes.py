"""Scenes: one task each, and one process that is struck at a named step of its way.

The failpoint is armed in one process only; whoever follows it runs on. What the provider may see
afterwards is known to the single request: a paid answer is never asked for again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.chaos.asks import SLOPPILY, SLOWLY
from tests.chaos.checker import Expected
from tests.chaos.ground import Times
from tests.chaos.violations import Violation

SHORT: Final = Times(lease=3, heartbeat=0.5, dead_after=2, nudge=1.5)
LATENCY_MS: Final = 200.0


class Strike(StrEnum):
    """What happens to whom at the failpoint."""

    WORKER_KILLED = "worker killed"
    WORKER_HALTED = "worker halted past its lease"
    API_KILLED = "API killed"
    DISPATCHER_KILLED = "dispatcher killed"


@dataclass(frozen=True, slots=True)
class Scene:
    """A process is struck at `failpoint` (`name@n`: at the nth pass); what there is to see afterwards."""

    failpoint: str
    expected: Expected
    strike: Strike = Strike.WORKER_KILLED
    manner: str = "carefully"

    @property
    def name(self) -> str:
        """For people, tests and keys."""
        return f"{self.strike.replace(' ', '-')}-at-{self.failpoint}"

    def armed(self, action: str) -> str:
        """The failpoint as the setting of a process."""
        name, _, count = self.failpoint.partition("@")
        return f"{name}={action}@{count or 1}"


@dataclass(frozen=True, slots=True)
class Played:
    """How a scene went: whether its process was struck where it should be, and what was found."""

    scene: Scene
    struck: bool
    seconds: float
    violations: tuple[Violation, ...]

    @property
    def good(self) -> bool:
        """Whether it went as it must."""
        return self.struck and not self.violations


UNHURT: Final = Expected(requests=1, calls=1, crashes=0)
RESUMED: Final = Expected(requests=1, calls=1, crashes=1)
UNSENT: Final = Expected(requests=1, calls=2, crashes=1)
AGAIN: Final = Expected(requests=2, calls=2, crashes=1)

LANE_SCENES: Final = (
    Scene("run.claimed", RESUMED, Strike.WORKER_HALTED, manner=SLOWLY),
    Scene("call.answered", AGAIN, Strike.WORKER_HALTED, manner=SLOWLY),
    Scene("run.nudged", UNHURT),
    Scene("run.claimed", RESUMED),
    Scene("call.intended", UNSENT),
    Scene("call.began", AGAIN),
    Scene("call.answered", AGAIN),
    Scene("call.booked", RESUMED),
    # Both calls were paid and booked: the repair is not made again.
    Scene("call.booked@2", AGAIN, manner=SLOPPILY),
    Scene("run.verified", RESUMED),
    Scene("settle.uncommitted", RESUMED),
    Scene("run.settled", UNHURT),
)
DOOR_SCENES: Final = (
    Scene("submit.committed", UNHURT, Strike.API_KILLED),
    Scene("dispatch.marked", UNHURT, Strike.DISPATCHER_KILLED),
    Scene("dispatch.published", UNHURT, Strike.DISPATCHER_KILLED),
)
SCENES: Final = (*LANE_SCENES, *DOOR_SCENES)
ONE_A_KIND: Final = tuple(
    scene
    for scene in SCENES
    if scene.name
    not in {
        "worker-killed-at-run.nudged",
        "worker-killed-at-run.claimed",
        "worker-killed-at-call.answered",
        "worker-killed-at-call.booked",
        "worker-killed-at-run.verified",
        "worker-killed-at-run.settled",
        "dispatcher-killed-at-dispatch.published",
    }
)
"""Those that differ in what must follow; `make chaos` plays all."""
