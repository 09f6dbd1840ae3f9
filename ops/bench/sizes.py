"""How much is measured: enough for steady figures in six minutes, or a glance in ninety seconds."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Durations in seconds, counts in tasks, rates a second."""

    limit: float
    """The whole run is given up after this."""
    closed: float
    """Each measure of a highest rate."""
    paced: float
    """Each measure at a fixed rate."""
    tasks: int
    plain_tasks: int
    slots: int
    in_flight: int
    in_flight_latency: float
    concurrency: int = 32
    paced_rate: float = 1000.0
    providers: int = 100


FULL: Final = Sizes(
    limit=360,
    closed=5,
    paced=10,
    tasks=3000,
    plain_tasks=2000,
    slots=200,
    in_flight=1000,
    in_flight_latency=20,
)
QUICK: Final = Sizes(
    limit=90,
    closed=1.5,
    paced=2,
    tasks=500,
    plain_tasks=300,
    slots=200,
    in_flight=200,
    in_flight_latency=6,
)
