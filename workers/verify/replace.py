"""What is put in the place of quoted lines: shifted as they were, with the bytes of lines that stay."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from workers.verify.documents import BOM, Document, bare
from workers.verify.edits import Edit
from workers.verify.locate import Shift, occurrences

_DOTS: Final = ("...", "…")
_LONGEST: Final = 160
_COMMENT: Final = re.compile(r"\s*(?:#+|//+|/\*+|<!--|--|\*|;+|%+|\{/\*)\s*(.*)")
_ELIDED: Final = re.compile(
    r"\b(?:existing|rest of|rest as|remaining|remainder|unchanged|same as|as before|previous|other)\b"
    r"[\w\s,'`().-]{0,80}|(?:the )?rest\b",
    re.IGNORECASE,
)


def without_mark(edit: Edit) -> Edit:
    """The byte order mark is the file's; a model that copies it into its lines means the same lines."""
    search = tuple(line.removeprefix(BOM) for line in edit.search)
    return replace(edit, search=search, replace=tuple(line.removeprefix(BOM) for line in edit.replace))


def created(document: Document | None, lines: Sequence[str], *, open_end: bool = False) -> Document:
    """A file of these lines; an empty one that was there keeps its byte order mark."""
    text = "".join(line + "\n" for line in lines)
    return Document.of((document.mark if document else "") + (text.removesuffix("\n") if open_end else text))


def replacement(edit: Edit, real: tuple[str, ...], shift: Shift) -> list[str] | None:
    """The new lines; one that SEARCH holds too is taken from the file, with its own bytes."""
    kept = dict(zip(reversed(edit.search), reversed(real), strict=True))
    lines = [kept.get(line) or shift.of(line) for line in edit.replace]
    return None if None in lines else [line for line in lines if line is not None]


def stand_around(document: Document, lines: list[str], start: int, end: int) -> bool:
    """Whether the quoted lines were found inside their own replacement: it was made before."""
    places = occurrences(document.bare, [bare(line) for line in lines], 2)
    return any(place <= start and end <= place + len(lines) for place in places)


def abbreviation(lines: Iterable[str], real: Iterable[str]) -> str | None:
    """A comment that stands for code left out (`# ... rest of the code ...`) and is not the file's own."""
    dotted = [line for line in lines if line and ("..." in line or "…" in line)]
    suspects = [line.strip() for line in dotted if len(line) <= _LONGEST and _elides(line)]
    known = {line.strip() for line in real} if suspects else set()
    return next((line for line in suspects if line not in known), None)


def _elides(line: str) -> bool:
    comment = _COMMENT.fullmatch(line)
    if comment is None:
        return False
    said = comment[1].removesuffix("*/}").removesuffix("*/").removesuffix("-->").strip()
    if not said.startswith(_DOTS) and not said.endswith(_DOTS):
        return False
    words = said.replace("...", " ").replace("…", " ").strip(" [](){}.")
    return not words or _ELIDED.search(words) is not None
