"""Where a finding's verbatim quote stands in the diff; the line number it came with is only a hint.

The named file and side come first, exactly, then but for space around the lines; then the other side; then
any other file, if the quote occurs once in the whole diff. The cost of one quote is bounded.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from schemas.results import Side
from workers.verify.hunks import FileDiff, SideLines

_QUOTED_LINES: Final = 200
_CANDIDATES: Final = 500
_FILES: Final = 500


@dataclass(frozen=True)
class Anchor:
    """Real lines of the diff: first and last number on the side of the file, and their text."""

    file: FileDiff
    side: Side
    start_line: int
    end_line: int
    text: str


class Anchorage:
    """A diff, indexed for many quotes."""

    def __init__(self, files: Sequence[FileDiff]) -> None:
        self._files = [_IndexedFile(file) for file in files]
        self._named: dict[str, list[_IndexedFile]] = {}
        for indexed in self._files:
            for name in {indexed.file.path(side) or "" for side in Side}:
                self._named.setdefault(name, []).append(indexed)
        self._shown = {text.strip() for file in files for side in Side for text in file.lines(side).texts}

    def anchor(self, file: str, side: Side, line: int | None, quote: str) -> Anchor | None:
        """Where the quote stands, if anywhere."""
        lines = _quoted_lines(quote)
        if not lines or len(lines) > _QUOTED_LINES:
            return None
        named = self._called(file)
        for marked in (False, True):
            for indexed in named:
                if found := next(indexed.places(lines, side, line, marked=marked), None):
                    return found.anchor
            if found := self._elsewhere(lines, side, line, marked=marked):
                return found.anchor
        return None

    def _called(self, file: str) -> list["_IndexedFile"]:
        """The files of a name on either side, as the model may write it; else those without a name."""
        for name in (file, file.removeprefix("./"), file[2:] if file[1:2] == "/" else file, ""):
            if found := self._named.get(name):
                return found
        return []

    def _elsewhere(
        self, lines: Sequence[str], side: Side, line: int | None, *, marked: bool
    ) -> "_Place | None":
        shown = all(
            text.strip() in self._shown or (marked and text[1:].strip() in self._shown) for text in lines
        )
        if not shown or len(self._files) > _FILES:
            return None
        places = [
            place
            for indexed in self._files
            if (place := next(indexed.places(lines, side, line, marked=marked), None))
        ]
        return places[0] if len(places) == 1 and places[0].only else None


@dataclass(frozen=True)
class _Place:
    anchor: Anchor
    only: bool


class _IndexedFile:
    def __init__(self, file: FileDiff) -> None:
        self.file = file
        self.sides = {side: _IndexedSide(file.lines(side)) for side in Side}

    def places(self, lines: Sequence[str], side: Side, line: int | None, *, marked: bool) -> Iterator[_Place]:
        """The best place on the side, then on the other; `marked` quotes carry the diff's markers."""
        for one in (side, *(other for other in Side if other is not side)):
            wanted = _unmarked(lines, one) if marked else lines
            found = self.sides[one].find(wanted, line) if wanted else None
            if found is not None:
                start, only = found
                yield _Place(self._anchor(one, start, len(wanted)), only)

    def _anchor(self, side: Side, start: int, length: int) -> Anchor:
        lines = self.file.lines(side)
        text = "\n".join(lines.texts[start : start + length])
        return Anchor(self.file, side, lines.numbers[start], lines.numbers[start + length - 1], text)


class _IndexedSide:
    def __init__(self, lines: SideLines) -> None:
        self.numbers = lines.numbers
        self.texts = lines.texts

    @cached_property
    def exact(self) -> "_Form":
        return _Form(self.texts)

    @cached_property
    def trailing(self) -> "_Form":
        return _Form([text.rstrip() for text in self.texts])

    @cached_property
    def loose(self) -> "_Form":
        return _Form([text.strip() for text in self.texts])

    def find(self, quoted: Sequence[str], hint: int | None) -> tuple[int, bool] | None:
        """The index nearest to the hinted line, and whether it is the only one at its closeness."""
        stripped = [line.strip() for line in quoted]
        return (
            self._find(self.exact, quoted, hint)
            or self._find(self.trailing, [line.rstrip() for line in quoted], hint)
            or self._find(self.loose, stripped, hint)
        )

    def _find(self, form: "_Form", quoted: Sequence[str], hint: int | None) -> tuple[int, bool] | None:
        near = 0 if hint is None else bisect_left(self.numbers, hint)
        last = len(quoted) - 1
        starts = [
            start
            for start in form.candidates(quoted, near)
            if form.texts[start : start + len(quoted)] == list(quoted)
            and self.numbers[start + last] - self.numbers[start] == last
        ]
        if not starts:
            return None
        target = 0 if hint is None else hint
        return min(starts, key=lambda start: abs(self.numbers[start] - target)), len(starts) == 1


class _Form:
    """The lines of a side, normalised in one way, with where each text occurs."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.indexes: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            self.indexes.setdefault(text, []).append(index)

    def candidates(self, quoted: Sequence[str], near: int) -> Iterator[int]:
        """Where the quote could start, told by its rarest line; of very many, those near an index."""
        offset = min(range(len(quoted)), key=lambda at: len(self.indexes.get(quoted[at], ())))
        indexes = self.indexes.get(quoted[offset], [])
        middle = bisect_left(indexes, near)
        for index in indexes[max(0, middle - _CANDIDATES // 2) : middle + _CANDIDATES // 2]:
            if 0 <= index - offset <= len(self.texts) - len(quoted):
                yield index - offset


def _quoted_lines(quote: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in quote.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    return lines[first:]


def _unmarked(lines: Sequence[str], side: Side) -> list[str]:
    """The lines of a side out of a quote that kept the diff's markers; none if it kept none."""
    if not all(line[:1] in ("+", "-", " ", "") for line in lines):
        return []
    dropped = "+" if side is Side.OLD else "-"
    return [line[1:] for line in lines if line[:1] != dropped]
