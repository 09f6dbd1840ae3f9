"""One side of a file in a diff, indexed for quotes: where lines stand, and which of several places is meant.

Several places are told apart by the line that the quote is said to have. A model may have counted the lines
of the diff instead of the file's; what stands equally near to its number twice is not guessed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from workers.diffs.hunks import SideLines
from workers.verify.quotes import Reading, folded

_CANDIDATES: Final = 500
_SHORTEST_PART: Final = 8
_CLOSE: Final = 3
"""A number this near to a place means that place, and is no number of the diff's own lines."""


@dataclass(frozen=True)
class Spot:
    """Where the lines begin, and whether they stand nowhere else on the side as well."""

    index: int
    length: int
    only: bool


@dataclass(frozen=True)
class Several:
    """Places that fit equally, as the numbers of their first lines."""

    numbers: tuple[int, ...]


class IndexedSide:
    """The lines of a side; `first_hunk` is the row of the diff on which the file's hunks begin."""

    def __init__(self, lines: SideLines, first_hunk: int) -> None:
        self._numbers, self._texts, self._rows = lines.numbers, lines.texts, lines.rows
        self._first_hunk = first_hunk

    def find(self, reading: Reading) -> Spot | Several | None:
        """Where the lines stand: exactly, but for space around them, for spelling, or as a part of a line."""
        if not reading.lines:
            return None
        for form, closeness in (
            (self._exact, str),
            (self._trailing, str.rstrip),
            (self._loose, str.strip),
            (self._folded, folded),
        ):
            if found := self._find(form, closeness, reading):
                return found
        return self._part(reading) if len(reading.lines) == 1 and reading.plain else None

    def _form(self, closeness: Callable[[str], str]) -> "_Form":
        return _Form([closeness(text) for text in self._texts])

    @cached_property
    def _exact(self) -> "_Form":
        return self._form(str)

    @cached_property
    def _trailing(self) -> "_Form":
        return self._form(str.rstrip)

    @cached_property
    def _loose(self) -> "_Form":
        return self._form(str.strip)

    @cached_property
    def _folded(self) -> "_Form":
        return self._form(folded)

    @cached_property
    def _joined(self) -> tuple[str, list[int]]:
        """All lines as one text, and where each begins in it."""
        return "\n".join(self._texts), [
            0,
            *accumulate(len(text) + 1 for text in self._texts),
        ]

    def _find(
        self, form: "_Form", closeness: Callable[[str], str], reading: Reading
    ) -> Spot | Several | None:
        quoted = [closeness(line) for line in reading.lines]
        near = 0 if reading.line is None else bisect_left(self._numbers, reading.line)
        last = len(quoted) - 1
        starts = [
            start
            for start in form.candidates(quoted, near)
            if form.texts[start : start + len(quoted)] == quoted
            and self._numbers[start + last] - self._numbers[start] == last
        ]
        return self._meant(starts, len(quoted), reading.line)

    def _part(self, reading: Reading) -> Spot | Several | None:
        """A line that holds the quoted one, which is long enough to mean something."""
        part = reading.lines[0].strip()
        if len(part) < _SHORTEST_PART:
            return None
        text, begins = self._joined
        starts: list[int] = []
        at = text.find(part)
        while at >= 0 and len(starts) < _CANDIDATES:
            starts.append(bisect_right(begins, at) - 1)
            at = text.find(part, begins[starts[-1] + 1])
        return self._meant(starts, 1, reading.line)

    def _meant(self, starts: list[int], length: int, hint: int | None) -> Spot | Several | None:
        if len(starts) < 2:
            return Spot(starts[0], length, only=True) if starts else None
        if hint is None:
            return self._several(starts)
        far = {start: self._distance(start, length, hint) for start in starts}
        least = min(far.values())
        nearest = [start for start in starts if far[start] == least]
        if least > _CLOSE:
            counted = [start for start in starts if self._is_row(start, length, hint)]
            nearest = counted if len(counted) == 1 else nearest
        return Spot(nearest[0], length, only=False) if len(nearest) == 1 else self._several(nearest)

    def _distance(self, start: int, length: int, line: int) -> int:
        first, last = self._numbers[start], self._numbers[start + length - 1]
        return max(first - line, line - last, 0)

    def _is_row(self, start: int, length: int, line: int) -> bool:
        """Whether the number is that of a line of the diff, from its top or from the file's first hunk."""
        rows = self._rows[start : start + length]
        return rows[0] <= line <= rows[-1] or rows[0] <= line + self._first_hunk <= rows[-1]

    def _several(self, starts: Sequence[int]) -> Several:
        return Several(tuple(self._numbers[start] for start in starts))


class _Form:
    """The lines of a side, normalised in one way, with where each text occurs."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self._indexes: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            self._indexes.setdefault(text, []).append(index)

    def candidates(self, quoted: Sequence[str], near: int) -> Iterator[int]:
        """Where the quote could start, told by its rarest line; of very many, those near an index."""
        offset = min(range(len(quoted)), key=lambda at: len(self._indexes.get(quoted[at], ())))
        indexes = self._indexes.get(quoted[offset], [])
        middle = bisect_left(indexes, near)
        for index in indexes[max(0, middle - _CANDIDATES // 2) : middle + _CANDIDATES // 2]:
            if 0 <= index - offset <= len(self.texts) - len(quoted):
                yield index - offset
