"""A finding's suggestion, tried in memory before it is kept: does it apply to the new side, and still parse?

Where the submitter gave the whole file, it is applied there; else within the lines that the diff shows of it.
What the tree was like before is no fault of a suggestion: only an error that it brings along counts.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from schemas.results import Side
from workers.diffs.hunks import FileDiff, SideLines
from workers.verify.anchor import Anchor
from workers.verify.check import check_syntax
from workers.verify.locate import Found, locate
from workers.verify.quotes import bare, quoted_lines

_LONGEST: Final = 400
_EFFORT: Final = 1_000_000
"""Characters that all suggestions of one answer may have parsed."""
_PLACE: Final = re.compile(r"^(?:line )?\d+: ")
_PYTHON: Final = frozenset({".py", ".pyi"})


@dataclass(frozen=True)
class Tried:
    """Lines to put in place of the anchored ones, or None with the reason; `parsed` None: can't be told."""

    text: str | None
    parsed: bool | None = None
    note: str = ""


class Trial:
    """Suggestions tried against the new side of a diff, with the whole files where they were given."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._given = files
        self._whole: dict[int, list[str] | None] = {}
        self._left = _EFFORT

    def of(self, anchor: Anchor, quote: str, suggestion: str) -> Tried:
        """What becomes of a suggestion for the anchored lines, which the model quoted as `quote`."""
        if anchor.side is Side.OLD:
            return Tried(None, note="it is for removed lines, which can't be replaced")
        wanted = suggestion if anchor.plain else bare(suggestion)
        lines = _indented_alike(anchor.text.split("\n"), quoted_lines(quote), wanted.split("\n"))
        if [line.rstrip() for line in lines] == [line.rstrip() for line in anchor.text.split("\n")]:
            return Tried(None, note="it is what stands there already")
        if len(lines) > _LONGEST:
            return Tried(None, note=f"it is longer than {_LONGEST} lines")
        path = anchor.file.path(Side.NEW) or ""
        parsed, said = self._parses(anchor, path, lines)
        if parsed is False:
            return Tried(None, parsed=False, note=f"with it the code does not parse: {said}")
        return Tried("\n".join(lines), parsed, said)

    def _parses(self, anchor: Anchor, path: str, lines: Sequence[str]) -> tuple[bool | None, str]:
        whole = self._file(anchor.file)
        if whole is not None:
            shown, start = whole, anchor.start_line - 1
            before, after = "\n".join(shown), "\n".join(_replaced(shown, start, anchor, lines))
        else:
            shown, start = _hunk(anchor.file.new, anchor.start_line)
            before = _standing_alone(path, shown)
            after = _standing_alone(path, _replaced(shown, start, anchor, lines))
        self._left -= len(after)
        if self._left < 0:
            return None, "too much to be checked"
        check = check_syntax({path: before}, {path: after})[path].check
        said = check.detail.removeprefix(path).lstrip(": ")
        # A line of the piece is none of the file's.
        return check.passed, said if whole is not None else _PLACE.sub("", said)

    def _file(self, file: FileDiff) -> list[str] | None:
        """The lines of the file after the change, if it was given before or after it."""
        key = id(file)
        if key not in self._whole:
            new, old = (self._given.get(file.path(side) or "") for side in (Side.NEW, Side.OLD))
            self._whole[key] = _after(file, new) or _after(file, old)
        return self._whole[key]


def _after(file: FileDiff, given: str | None) -> list[str] | None:
    """The new side of a file, from its text on either side; None where the diff is of another text."""
    if given is None:
        return None
    lines = [line.removesuffix("\r") for line in given.split("\n")]
    if _agrees(lines, file.new):
        return lines
    return _patched(lines, file) if _agrees(lines, file.old) else None


def _agrees(lines: Sequence[str], side: SideLines) -> bool:
    return all(
        0 < number <= len(lines) and lines[number - 1] == text
        for number, text in zip(side.numbers, side.texts, strict=True)
    )


def _patched(lines: Sequence[str], file: FileDiff) -> list[str]:
    """The file after the change: what the diff does not show of it stays as it is."""
    gone = set(file.old.numbers)
    hidden = [line for number, line in enumerate(lines, 1) if number not in gone]
    shown = dict(zip(file.new.numbers, file.new.texts, strict=True))
    after: list[str] = []
    waiting = iter(hidden)
    for number in range(1, len(hidden) + len(shown) + 1):
        after.append(shown[number] if number in shown else next(waiting, ""))
    return after


def _hunk(side: SideLines, line: int) -> tuple[list[str], int]:
    """The neighbouring lines that the diff shows around a line, and the line's index among them."""
    at = side.numbers.index(line)
    first = last = at
    while first > 0 and side.numbers[first - 1] == side.numbers[first] - 1:
        first -= 1
    while last + 1 < len(side.numbers) and side.numbers[last + 1] == side.numbers[last] + 1:
        last += 1
    return side.texts[first : last + 1], at - first


def _replaced(shown: Sequence[str], start: int, anchor: Anchor, lines: Sequence[str]) -> list[str]:
    return [*shown[:start], *lines, *shown[start + anchor.end_line - anchor.start_line + 1 :]]


def _indented_alike(real: list[str], quoted: list[str], suggested: list[str]) -> list[str]:
    """The suggestion moved as the quote would have to be moved to stand where it really stands."""
    found = locate(real, quoted) if quoted else None
    if not isinstance(found, Found):
        return suggested
    moved = [found.shift.of(line) for line in suggested]
    return [line for line in moved if line is not None] if None not in moved else suggested


def _standing_alone(path: str, lines: Sequence[str]) -> str:
    """A piece of a file as a source of its own, where the language lets it be one.

    Python's blocks are what keeps a piece from being parsed: it is put where every statement may stand, below
    a line for each step by which it begins further in than it goes on, and its last block gets a body.
    """
    text = textwrap.dedent("\n".join(lines))
    filled = [line for line in text.split("\n") if line.strip()]
    if PurePosixPath(path).suffix not in _PYTHON or not filled:
        return text
    depths = [len(line) - len(line.lstrip()) for line in filled]
    above = [f"{' ' * depth}if True:" for depth in sorted(set(depths)) if depth < depths[0]]
    below = [f"{' ' * depths[-1]} pass"] if filled[-1].rstrip().endswith(":") else []
    inner = textwrap.indent("\n".join([*above, text, *below]), "  ")
    return f"async def _():\n while True:\n{inner}"
