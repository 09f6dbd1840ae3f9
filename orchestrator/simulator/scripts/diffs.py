"""The new side of a unified diff as a reviewer sees it: line by line, with file, number and neighbours.

A prompt may show the hunks with line numbers (`  12   14  |text`); those are read as they stand there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NUMBERED: Final = re.compile(r" *(?:(\d+) +)?(\d+) *([-+ ])\|")


@dataclass(frozen=True, slots=True)
class Line:
    """One line on the new side; `added` or as it was before."""

    file: str
    number: int
    text: str
    added: bool


class Hunk:
    """Neighbouring lines of the new side."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines

    def after(self, at: int, most: int = 50) -> Iterator[str]:
        """The texts that follow a line."""
        for line in self.lines[at + 1 : at + 1 + most]:
            yield line.text

    def before(self, at: int, most: int = 50) -> Iterator[str]:
        """The texts that stand before a line, the nearest first."""
        for line in reversed(self.lines[max(0, at - most) : at]):
            yield line.text

    def following(self, at: int) -> str | None:
        """The next line that isn't blank."""
        return next((text for text in self.after(at) if text.strip()), None)


@dataclass(frozen=True, slots=True)
class AddedLine:
    """One added line; `follower` is the added line right after it."""

    file: str
    number: int
    text: str
    follower: str | None = None


def hunks(diff: str) -> list[Hunk]:
    """The hunks of all files, in the diff's order."""
    found: list[list[Line]] = []
    for line in _lines(diff):
        last = found[-1][-1] if found else None
        if last is None or (last.file, last.number + 1) != (line.file, line.number):
            found.append([])
        found[-1].append(line)
    return [Hunk(lines) for lines in found]


def added_lines(diff: str) -> list[AddedLine]:
    """Every added line, in the diff's order."""
    found = []
    for hunk in hunks(diff):
        for at, line in enumerate(hunk.lines):
            following = hunk.lines[at + 1] if at + 1 < len(hunk.lines) else None
            follower = following.text if following is not None and following.added else None
            if line.added:
                found.append(AddedLine(line.file, line.number, line.text, follower))
    return found


def _lines(diff: str) -> Iterator[Line]:
    file, number, old_left, new_left = "", 0, 0, 0
    for line in diff.split("\n"):
        if old_left > 0 or new_left > 0:
            shown = _NUMBERED.match(line)
            mark = shown[3] if shown else line[:1] or " "
            text = line[shown.end() :] if shown else line[1:]
            if mark not in "-\\":
                yield Line(file, number, text.removesuffix("\r"), mark == "+")
                number += 1
            old_left -= mark not in "+\\"
            new_left -= mark not in "-\\"
        elif line.startswith("+++ "):
            file = _path(line[4:])
        elif found := _HUNK.match(line):
            old_left, new_left = int(found[1] or 1), int(found[3] or 1)
            number = int(found[2])


def _path(name: str) -> str:
    return name.partition("\t")[0].strip().strip('"').removeprefix("b/")
