"""Search/replace blocks out of a model's answer, as canonical edits; the rest is its explanation.

Fences, bold and backticks around a path are tolerated; what a block means is never guessed. The three
markers of a block have the same length, so code that holds marker lines is quoted with longer ones.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final

from workers.verify.headings import is_fence, path_in
from workers.verify.verdict import clipped

MAX_BLOCKS: Final = 500
_MARKER_WIDTH: Final = 60
_OPEN: Final = re.compile(r"(<{5,20})\s?(SEARCH|DELETE)\s*")
_DIVIDER: Final = re.compile(r"(={5,20})\s*")
_CLOSE: Final = re.compile(r"(>{5,20})\s?(?:REPLACE|DELETE)\s*")
_STRAY: Final = ("<<<<<", ">>>>>")
_SLACK: Final = 2
_FORM: Final = (
    "Write the path alone on a line, then `<<<<<<< SEARCH`, the old lines, `=======`, the new lines, "
    "`>>>>>>> REPLACE`."
)
_LONGER: Final = (
    "If the code itself holds such lines, write all three markers of the block with nine characters."
)


@dataclass(frozen=True)
class Edit:
    """Lines in place of others; without old lines the file is created."""

    path: str
    search: tuple[str, ...]
    replace: tuple[str, ...]
    number: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Deletion:
    """A file goes away."""

    path: str
    number: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Parsed:
    """What an answer asks for, what it says around it, and what could not be read."""

    edits: tuple[Edit | Deletion, ...]
    prose: str
    problems: tuple[str, ...]


def parse_blocks(answer: str, known: Set[str]) -> Parsed:
    """The blocks of an answer in order; `known` are the paths of the tree."""
    reader = _Reader(answer.replace("\r\n", "\n").split("\n"), known)
    reader.read()
    # A block whose first marker is lost or garbled must not pass for prose: the rest would apply without it.
    stray = [line.strip() for line in reader.prose if line.lstrip().startswith(_STRAY)]
    if stray:
        shown = clipped(stray[0], _MARKER_WIDTH)
        reader.problems.append(f"`{shown}` stands outside of any block, as if one began wrongly. {_FORM}")
    if not reader.edits and not reader.problems:
        reader.problems.append(f"The answer holds no edit block. {_FORM}")
    return Parsed(tuple(reader.edits), "\n".join(reader.prose).strip(), tuple(reader.problems))


class _Reader:
    """Goes once through the lines; `floor` is where the prose since the last block begins."""

    def __init__(self, lines: list[str], known: Set[str]) -> None:
        self.lines, self.known = lines, known
        self.edits: list[Edit | Deletion] = []
        self.prose: list[str] = []
        self.problems: list[str] = []
        self.path: str | None = None
        self.number, self.floor, self.fences = 0, 0, 0

    def read(self) -> None:
        at = 0
        while at < len(self.lines):
            opening = _marker(_OPEN, self.lines[at])
            if opening and self.number >= MAX_BLOCKS:
                self.problems.append(
                    f"The answer holds more than {MAX_BLOCKS} blocks. Use fewer, larger ones."
                )
                return
            if opening:
                at = self._block(at, len(opening[1]), opening[2] == "DELETE")
                self.floor = len(self.prose)
            else:
                self._say(self.lines[at])
                at += 1

    def _say(self, line: str) -> None:
        if self.fences and is_fence(line) and not any(text.strip() for text in self.prose[self.floor :]):
            self.fences -= 1
        else:
            self.prose.append(line)

    def _block(self, at: int, width: int, deletion: bool) -> int:
        """Read the block that opens here; where to go on."""
        self.number += 1
        heading = self._heading()
        inherited, self.path = self.path, heading or self.path
        if deletion:
            self._delete(heading)
            return self._past_markers(at + 1)
        end = self._next_opening(at + 1, width)
        close = self._closing(at + 1, end, width)
        if close is None:
            self._refuse(f"is not closed by `>>>>>>> REPLACE`. {_LONGER}")
            return end
        self._replace(self.lines[at + 1 : close], width, heading, inherited)
        return close + 1

    def _delete(self, heading: str | None) -> None:
        if heading is None:
            self._refuse(
                "deletes without saying what: write the path alone on the line before `<<<<<<< DELETE`."
            )
        else:
            self.edits.append(Deletion(heading, self.number))

    def _replace(self, body: list[str], width: int, heading: str | None, inherited: str | None) -> None:
        dividers = _dividers(body, width)
        if len(dividers) != 1:
            count = "no" if not dividers else str(len(dividers))
            self._refuse(f"holds {count} `=======` lines, where exactly one has to stand. {_LONGER}")
            return
        search, replace = tuple(body[: dividers[0]]), tuple(body[dividers[0] + 1 :])
        # A block that quotes lines proves its file by finding them; one that creates a file does not.
        path = heading or (inherited if any(line.strip() for line in search) else None)
        if path is None:
            self._refuse(f"has no path. {_FORM}")
        else:
            self.edits.append(Edit(path, search, replace, self.number))

    def _refuse(self, what: str) -> None:
        where = f" ({self.path})" if self.path else ""
        self.problems.append(f"Block {self.number}{where} {what}")

    def _heading(self) -> str | None:
        """The path above the block; it and the fences around it are taken out of the prose."""
        top = self._skip(len(self.prose))
        path = None
        if top > self.floor:
            path = path_in(self.prose[top - 1], self.known, adjacent=top == len(self.prose))
            if path is not None:
                top = self._skip_fence(top - 1)
        self.fences += sum(map(is_fence, self.prose[top:]))
        del self.prose[top:]
        return path

    def _skip(self, top: int) -> int:
        while top > self.floor and (not self.prose[top - 1].strip() or is_fence(self.prose[top - 1])):
            top -= 1
        return top

    def _skip_fence(self, top: int) -> int:
        return top - 1 if top > self.floor and is_fence(self.prose[top - 1]) else top

    def _next_opening(self, start: int, width: int) -> int:
        for at in range(start, len(self.lines)):
            opening = _marker(_OPEN, self.lines[at])
            if opening and len(opening[1]) == width:
                return at
        return len(self.lines)

    def _closing(self, start: int, end: int, width: int) -> int | None:
        found = [(at, close) for at in range(start, end) if (close := _marker(_CLOSE, self.lines[at]))]
        exact = [at for at, close in found if len(close[1]) == width]
        similar = [at for at, close in found if abs(len(close[1]) - width) <= _SLACK]
        return next(iter(exact or similar), None)

    def _past_markers(self, at: int) -> int:
        while at < len(self.lines) and (_marker(_DIVIDER, self.lines[at]) or _marker(_CLOSE, self.lines[at])):
            at += 1
        return at


def _dividers(body: list[str], width: int) -> list[int]:
    found = [(at, divider) for at, line in enumerate(body) if (divider := _marker(_DIVIDER, line))]
    exact = [at for at, divider in found if len(divider[1]) == width]
    return exact or [at for at, divider in found if abs(len(divider[1]) - width) <= _SLACK]


def _marker(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    return (
        pattern.fullmatch(line)
        if line[:5] in ("<<<<<", "=====", ">>>>>") and len(line) <= _MARKER_WIDTH
        else None
    )
