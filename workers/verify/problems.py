"""Why an answer, or one block of it, can't be applied: a class to act on, and words for the model.

A repair round asks again for exactly the blocks that are named here, and shows the nearest real region.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The classes of refusal."""

    NO_EDITS = "no_edits"
    JSON = "json"
    UNCLOSED = "unclosed"
    GARBLED = "garbled"
    NO_PATH = "no_path"
    MIXED = "mixed"
    NESTED_FENCES = "nested_fences"
    TOO_MUCH = "too_much"
    BINARY = "binary"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    COPY = "copy"
    PATH = "path"
    MISSING_FILE = "missing_file"
    EXISTS = "exists"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    INDENTATION = "indentation"
    ENDING = "ending"
    ABBREVIATED = "abbreviated"
    EXCERPT = "excerpt"
    UNCHANGED = "unchanged"
    CLASH = "clash"


@dataclass(frozen=True)
class Region:
    """Real lines of a file, without endings, from a 1-based number on."""

    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that keeps an answer from being applied; `number` is the block's, counted from 1."""

    reason: Reason
    text: str
    path: str | None = None
    number: int | None = None
    region: Region | None = None

    def __str__(self) -> str:
        return self.text


def texts(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """What is said to the model."""
    return tuple(problem.text for problem in problems)
