"""Where a finding's verbatim quote stands in the diff; the line number it came with is only a hint.

The named file and side come first, then the other side; then any other file, if the quote occurs once in the
whole diff. What could be meant in two places equally well is refused. The cost of one quote is bounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.results import Side
from workers.diffs.hunks import FileDiff
from workers.verify.quotes import folded, quoted_lines, readings
from workers.verify.sides import IndexedSide, Several, Spot

_QUOTED_LINES: Final = 200
_FILES: Final = 500


@dataclass(frozen=True)
class Anchor:
    """Real lines of the diff: first and last number on the side of the file, and their text.

    `plain`: the quote carried neither markers nor numbers of the diff.
    """

    file: FileDiff
    side: Side
    start_line: int
    end_line: int
    text: str
    plain: bool = True


class Anchorage:
    """A diff, indexed for many quotes."""

    def __init__(self, files: Sequence[FileDiff]) -> None:
        self._files = [_IndexedFile(file) for file in files]
        self._named: dict[str, list[_IndexedFile]] = {}
        for indexed in self._files:
            for name in {indexed.file.path(side) or "" for side in Side}:
                self._named.setdefault(name, []).append(indexed)
        self._shown = {folded(text) for file in files for side in Side for text in file.lines(side).texts}

    def anchor(self, file: str, side: Side, line: int | None, quote: str) -> Anchor | Several | None:
        """Where the quote stands; `Several` where that can't be told, None if nowhere."""
        lines = quoted_lines(quote)
        if not lines or len(lines) > _QUOTED_LINES:
            return None
        named = self._called(file)
        for marked in (False, True):
            for indexed in named:
                if found := next(indexed.places(lines, side, line, marked=marked), None):
                    return found.anchor if isinstance(found, _Place) else found
            if elsewhere := self._elsewhere(lines, side, line, marked=marked):
                return elsewhere.anchor
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
        meant = (reading.lines for one in Side for reading in readings(lines, one, line, marked=marked))
        shown = any(all(folded(text) in self._shown for text in each) for each in meant)
        if not shown or len(self._files) > _FILES:
            return None
        places = [
            place
            for indexed in self._files
            if (place := next(indexed.places(lines, side, line, marked=marked), None))
        ]
        [place] = places if len(places) == 1 else [None]
        return place if isinstance(place, _Place) and place.only else None


@dataclass(frozen=True)
class _Place:
    anchor: Anchor
    only: bool


class _IndexedFile:
    def __init__(self, file: FileDiff) -> None:
        self.file = file
        self._sides = {side: IndexedSide(file.lines(side), file.first_hunk) for side in Side}

    def places(
        self, lines: Sequence[str], side: Side, line: int | None, *, marked: bool
    ) -> Iterator[_Place | Several]:
        """The best place on the side, then on the other; `marked` quotes carry markers or numbers."""
        for one in (side, *(other for other in Side if other is not side)):
            for reading in readings(lines, one, line, marked=marked):
                found = self._sides[one].find(reading)
                if isinstance(found, Spot):
                    yield _Place(self._anchor(one, found, plain=reading.plain), found.only)
                elif found is not None:
                    yield found

    def _anchor(self, side: Side, spot: Spot, *, plain: bool) -> Anchor:
        lines = self.file.lines(side)
        last = spot.index + spot.length - 1
        text = "\n".join(lines.texts[spot.index : last + 1])
        return Anchor(self.file, side, lines.numbers[spot.index], lines.numbers[last], text, plain)
