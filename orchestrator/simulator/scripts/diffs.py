"""The added lines of a unified diff, with the file and line number each one gets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class AddedLine:
    """One line on the new side; `follower` is the added line right after it."""

    file: str
    number: int
    text: str
    follower: str | None = None


def added_lines(diff: str) -> list[AddedLine]:
    """Every added line, in the diff's order."""
    lines = list(_added(diff))
    following: list[AddedLine | None] = [*lines[1:], None]
    return [
        replace(line, follower=_follower(line, after)) for line, after in zip(lines, following, strict=False)
    ]


def _added(diff: str) -> Iterator[AddedLine]:
    file, number, old_left, new_left = "", 0, 0, 0
    for line in diff.split("\n"):
        if old_left > 0 or new_left > 0:
            if line.startswith("+"):
                yield AddedLine(file, number, line[1:].removesuffix("\r"))
            if not line.startswith(("-", "\\")):
                number += 1
            old_left -= not line.startswith(("+", "\\"))
            new_left -= not line.startswith(("-", "\\"))
        elif line.startswith("+++ "):
            file = _path(line[4:])
        elif found := _HUNK.match(line):
            old_left, new_left = int(found[1] or 1), int(found[3] or 1)
            number = int(found[2])


def _path(name: str) -> str:
    return name.partition("\t")[0].strip().strip('"').removeprefix("b/")


def _follower(line: AddedLine, following: AddedLine | None) -> str | None:
    if following and following.file == line.file and following.number == line.number + 1:
        return following.text
    return None
