"""A broken promise, as every judge of a run reports it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """The invariant's name, whose id, and what was found."""

    invariant: str
    id: str
    found: str
