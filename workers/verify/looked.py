"""One file's check, and whether it was for that file at all."""

from dataclasses import dataclass

from schemas.results import Check


@dataclass(frozen=True)
class Looked:
    """A check of one file; not `applies`: there is none for a file of its kind."""

    check: Check
    applies: bool = True
