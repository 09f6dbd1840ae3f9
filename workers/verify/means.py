"""What a worker may use to verify an answer, beyond reading it: set by its operator, never by a task."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Means:
    """`tests`: whether a task's tests may run, contained; `reads`: folders they may read beyond the usual."""

    tests: bool = False
    reads: tuple[str, ...] = ()


NONE = Means()
