"""A finding's quote as a model writes it: its lines, and the lines it may have meant by them.

Beside the verbatim text, models copy the diff's markers along, or the numbers that the prompt shows.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.results import Side

_GUTTER: Final = re.compile(r"\s{0,12}(?:(\d{1,9})\s{1,12})?(\d{1,9})\s{0,12}([-+]?)\s?\|")
_TYPED: Final = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
})  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """Lines that a quote may mean on one side of a file, and the number its first line is said to have."""

    lines: tuple[str, ...]
    line: int | None
    plain: bool = True


def quoted_lines(quote: str) -> list[str]:
    """The lines of a quote without the blank ones around it."""
    lines = [line.removesuffix("\r") for line in quote.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    return lines[first:]


def readings(lines: Sequence[str], side: Side, line: int | None, *, marked: bool) -> Iterator[Reading]:
    """What the quoted lines may mean on a side: as they are, or (`marked`) without numbers and markers."""
    if not marked:
        yield Reading(tuple(lines), line)
        return
    if (numbered := _without_numbers(lines, side)) is not None:
        yield numbered
    if unmarked := _unmarked(lines, side):
        yield Reading(tuple(unmarked), line, plain=False)


def bare(text: str) -> str:
    """Text without the numbers and markers that every one of its lines carries; else as it is."""
    lines = text.split("\n")
    found = [_GUTTER.match(line) for line in lines if line.strip()]
    if found and all(found):
        return "\n".join(_GUTTER.sub("", line, count=1) for line in lines)
    if lines and all(line[:1] in ("+", "") for line in lines):
        return "\n".join(line[1:] for line in lines)
    return text


def folded(text: str) -> str:
    """Text but for how its characters and spaces are written: composed, wide, typographic, invisible."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_TYPED)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(text.split())


def _without_numbers(lines: Sequence[str], side: Side) -> Reading | None:
    """The lines of a side out of a quote that kept the numbers of the prompt; None if it kept none."""
    kept: list[str] = []
    hint: int | None = None
    dropped = "+" if side is Side.OLD else "-"
    for text in lines:
        found = _GUTTER.match(text)
        if found is None and text.strip():
            return None
        if found is None or found[3] == dropped:
            kept += [text] if found is None else []
            continue
        kept.append(text[found.end() :])
        if hint is None:
            hint = int(found[1] if side is Side.OLD and found[1] else found[2])
    return Reading(tuple(kept), hint, plain=False) if kept and hint is not None else None


def _unmarked(lines: Sequence[str], side: Side) -> list[str]:
    """The lines of a side out of a quote that kept the diff's markers; none if it kept none."""
    if not all(line[:1] in ("+", "-", " ", "") for line in lines):
        return []
    dropped = "+" if side is Side.OLD else "-"
    return [line[1:] for line in lines if line[:1] != dropped]
