"""A submitted diff, read for its lines: which stand on which side of which file, with their numbers.

Read as leniently as people and tools write them: with and without prefixes, quoted names, renames, counts
that are too small, mail signatures. What is no hunk is skipped, never an error.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from schemas.results import Side
from workers.diffs.diff_names import Names, names_of

_HUNK: Final = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_SIGNATURE: Final = "-- "


@dataclass(frozen=True)
class SideLines:
    """The lines of one side that the diff shows; the numbers ascend and jump between hunks.

    `rows` are the lines' own numbers in the text of the diff, from 1.
    """

    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, number: int, text: str, row: int) -> None:
        self.numbers.append(number)
        self.texts.append(text)
        self.rows.append(row)


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff; a path is None where the file does not exist on that side.

    `first_hunk` is the row of the diff on which its first hunk begins.
    """

    old_path: str | None
    new_path: str | None
    old: SideLines
    new: SideLines
    first_hunk: int

    def lines(self, side: Side) -> SideLines:
        return self.old if side is Side.OLD else self.new

    def path(self, side: Side) -> str | None:
        """The file's name on a side, else the one it has."""
        old, new = self.old_path, self.new_path
        return (old or new) if side is Side.OLD else (new or old)


def read_diff(diff: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff in its order."""
    reader = _Reader([line.removesuffix("\r") for line in diff.split("\n")])
    reader.read()
    return tuple(reader.files)


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.files: list[FileDiff] = []
        self._reset()

    def _reset(self) -> None:
        self.names = Names()
        self.old, self.new = SideLines(), SideLines()
        self.first_hunk = 0

    def read(self) -> None:
        at = 0
        while at < len(self.lines):
            hunk = _HUNK.match(self.lines[at])
            if hunk and not self.first_hunk:
                self.first_hunk = at + 1
            at = self._hunk(at + 1, hunk) if hunk else self._header(at)
        self._finish()

    def _finish(self) -> None:
        if self.old.numbers or self.new.numbers:
            old, new = names_of(self.names)
            self.files.append(FileDiff(old, new, self.old, self.new, self.first_hunk))
        self._reset()

    def _header(self, at: int) -> int:
        line = self.lines[at]
        if line.startswith("diff --git "):
            self._finish()
            self.names.header = line.removeprefix("diff --git ")
        elif _begins_file(self.lines, at):
            if self.names.minus is not None or self.old.numbers or self.new.numbers:
                self._finish()
            self.names.minus, self.names.plus = line[4:], self.lines[at + 1][4:]
            return at + 2
        elif line.startswith(("rename from ", "copy from ")):
            self.names.moved_from = line.split(" from ", 1)[1]
        elif line.startswith(("rename to ", "copy to ")):
            self.names.moved_to = line.split(" to ", 1)[1]
        return at + 1

    def _hunk(self, at: int, hunk: re.Match[str]) -> int:
        """Read the lines of a hunk; its counts decide as long as they last."""
        old, new = int(hunk[1]), int(hunk[3])
        old_end = old + int(hunk[2] if hunk[2] is not None else 1)
        new_end = new + int(hunk[4] if hunk[4] is not None else 1)
        while at < len(self.lines):
            line = self.lines[at]
            counted = old < old_end or new < new_end
            if not counted and (not line or line == _SIGNATURE or _begins_file(self.lines, at)):
                break
            mark, text = line[:1] or " ", line[1:]
            if mark not in " +-\\":
                break
            if mark in " -":
                self.old.add(old, text, at + 1)
                old += 1
            if mark in " +":
                self.new.add(new, text, at + 1)
                new += 1
            at += 1
        return at


def _begins_file(lines: list[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
