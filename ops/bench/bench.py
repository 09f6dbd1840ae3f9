"""What measures share: the stage, the sizes, and what an earlier measure of the run found."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.bench.sizes import Sizes
from ops.bench.stage import Stage


@dataclass
class Bench:
    """One run."""

    stage: Stage
    sizes: Sizes
    announce: Callable[[str], None]
    rates: dict[str, float] = field(default_factory=dict)
    """Rates a second that later measures build on, by name."""
