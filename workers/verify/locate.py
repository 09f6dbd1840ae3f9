"""Where quoted lines stand in a file: exactly, else but for trailing space, else uniformly re-indented.

A place counts only when it is the only one at its degree of closeness. Every search is linear in the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from workers.verify.scopes import scopes

_CANDIDATES: Final = 20
_COMPARED: Final = 200_000
_NARROWED: Final = 200
_REGION: Final = 12
_FUZZY_OPTIONS: Final = 200
_FUZZY_WIDTH: Final = 60


@dataclass(frozen=True)
class Shift:
    """How the quoted lines were indented differently: `added` is missing in them, `removed` is too much."""

    added: str = ""
    removed: str = ""

    def of(self, line: str) -> str | None:
        """A line moved to where the file has it; None where it is not indented far enough."""
        if not line.strip():
            return line
        if not line.startswith(self.removed):
            return None
        return self.added + line[len(self.removed) :]


@dataclass(frozen=True)
class Found:
    """The one place, and how the replacement has to be shifted."""

    start: int
    shift: Shift


@dataclass(frozen=True)
class Ambiguous:
    """Several places fit equally; the first of them, as indexes."""

    starts: tuple[int, ...]


def locate(
    lines: Sequence[str], quoted: Sequence[str], within: Sequence[str] = (), *, at_end: bool = False
) -> Found | Ambiguous | None:
    """Where the quoted lines (at least one) stand among the lines, all without endings.

    Of several equal places, the only one below the lines of `within`, or at the end, is the one.
    """
    for trim in (False, True):
        there, wanted = (_trimmed(lines), _trimmed(quoted)) if trim else (lines, quoted)
        starts = occurrences(there, wanted, 3)
        if len(starts) > 1 and (within or at_end):
            starts = _narrowed(lines, occurrences(there, wanted, _NARROWED), len(quoted), within) or starts
        if starts:
            return Found(starts[0], Shift()) if len(starts) == 1 else Ambiguous(tuple(starts[:3]))
    return _reindented(lines, quoted)


def _narrowed(lines: Sequence[str], starts: list[int], length: int, within: Sequence[str]) -> list[int]:
    """The only start that the hints leave, if one is left; without `within`, the end is the hint."""
    if len(starts) >= _NARROWED:
        return []
    if within:
        spans = scopes(lines, within)
        fits = [
            start for start in starts if any(top <= start and start + length <= end for top, end in spans)
        ]
    else:
        fits = [start for start in starts if start + length == len(lines)]
    return fits if len(fits) == 1 else []


def occurrences(lines: Sequence[str], quoted: Sequence[str], most: int) -> list[int]:
    """The first indexes at which the quoted lines stand exactly."""
    text = "\n" + "\n".join(lines) + "\n"
    wanted = "\n" + "\n".join(quoted) + "\n"
    starts: list[int] = []
    index, seen, at = 0, 0, text.find(wanted)
    while at >= 0 and len(starts) < most:
        index, seen = index + text.count("\n", seen, at), at
        starts.append(index)
        at = text.find(wanted, at + 1)
    return starts


def nearest(lines: Sequence[str], quoted: Sequence[str], *, guess: bool) -> tuple[int, int] | None:
    """The region (start, end) most like the quoted lines, at most a dozen lines long; None if nothing is.

    Without a line in common, only a guess is left: the line that looks most alike.
    """
    stripped = [line.strip() for line in quoted]
    wanted = set(stripped) - {""}
    length = max(1, min(len(quoted), _REGION))
    hits = [index for index, line in enumerate(lines) if line.strip() in wanted]
    if not hits:
        return _lookalike(lines, wanted, length) if guess else None
    first, most, hit = 0, 0, 0
    for last, index in enumerate(hits):
        while index - hits[first] >= length:
            first += 1
        if last - first >= most:
            most, hit = last - first + 1, hits[first]
    start = max(0, hit - min(stripped.index(lines[hit].strip()), length - 1))
    return start, min(len(lines), start + length)


def closest(wanted: str, options: Sequence[str]) -> str | None:
    """The option most like the wanted text, if any is; long texts count by their ends, later options not."""
    tails = {option[-_FUZZY_WIDTH:]: option for option in reversed(options[:_FUZZY_OPTIONS]) if option}
    found = get_close_matches(wanted[-_FUZZY_WIDTH:], list(tails), n=1)
    return tails[found[0]] if found else None


def _lookalike(lines: Sequence[str], wanted: set[str], length: int) -> tuple[int, int] | None:
    shown = [line.strip() for line in lines[:_FUZZY_OPTIONS]]
    close = closest(max(wanted, key=len, default=""), shown)
    if close is None:
        return None
    start = shown.index(close)
    return start, min(len(lines), start + length)


def _reindented(lines: Sequence[str], quoted: Sequence[str]) -> Found | Ambiguous | None:
    if not any(line.strip() for line in quoted):
        return None
    most = max(2, min(_CANDIDATES, _COMPARED // len(quoted)))
    starts = occurrences([line.strip() for line in lines], [line.strip() for line in quoted], most)
    fits = [(start, _uniform(lines[start : start + len(quoted)], quoted)) for start in starts]
    found = [Found(start, shift) for start, shift in fits if shift is not None]
    if not found:
        return None
    if len(found) == 1 and len(starts) < most:
        return found[0]
    return Ambiguous(tuple(place.start for place in found[:3]))


def _uniform(real: Sequence[str], quoted: Sequence[str]) -> Shift | None:
    """The one shift that turns each quoted line into the real one."""
    uniform: Shift | None = None
    for line, other in zip(real, quoted, strict=True):
        if not other.strip():
            continue
        shift = _shift(line, other)
        if shift is None or (uniform is not None and shift != uniform):
            return None
        uniform = shift
    return uniform


def _shift(real: str, quoted: str) -> Shift | None:
    there, here = _indent(real), _indent(quoted)
    if there.endswith(here):
        return Shift(added=there.removesuffix(here))
    if here.endswith(there):
        return Shift(removed=here.removesuffix(there))
    return None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _trimmed(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines]
