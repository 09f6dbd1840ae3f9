"""What a worker may use to verify an answer, beyond reading it: set by its operator, never by a task."""

from collections.abc import Callable
from dataclasses import dataclass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Means:
    """`tests`: whether a task's tests may run, contained; `reads`: folders they may read beyond the usual.

    `unwanted` says, while they run, whether nobody waits for them any more.
    """

    tests: bool = False
    reads: tuple[str, ...] = ()
    unwanted: Callable[[], bool] = _never


NONE = Means()
