"""Patches in V4A, the dialect of `apply_patch`: file sections in an envelope, places found by their lines.

`@@` lines name what the place stands below; line numbers there mean nothing. Everything inside the envelope
is accounted for, and without its end a patch counts as broken off.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from workers.verify.edits import Deletion, Edit, Move
from workers.verify.problems import Reason
from workers.verify.reading import Reading

_LONGEST: Final = 600
_SECTION: Final = re.compile(r"\*\*\* (Update|Add|Delete) File: ?(.+)")
_MOVE: Final = re.compile(r"\*\*\* Move to: ?(.+)")
_BEGIN: Final = "*** Begin Patch"
_END: Final = "*** End Patch"
_END_OF_FILE: Final = "*** End of File"
_NUMBERS: Final = re.compile(r"@@ -[\d,]+ \+[\d,]+ @@")
_NO_NEWLINE: Final = "\\ No newline"


def opens_patch(lines: list[str], at: int) -> bool:
    """Whether a patch begins at a line; its first marker may be missing."""
    line = lines[at]
    return line.startswith("*** ") and (line.rstrip() == _BEGIN or _section(line) is not None)


def read_patch(reading: Reading, at: int) -> int | None:
    """Read the patch that opens here, if one does; where to go on."""
    lines = reading.lines
    if not opens_patch(lines, at):
        return None
    reading.heading()
    reading.path = None
    at += lines[at].rstrip() == _BEGIN
    while at < len(lines) and not reading.full:
        section = _section(lines[at])
        if lines[at].rstrip() == _END:
            return at + 1
        if reading.closes(at):
            return at
        if section is not None:
            at = _read_section(reading, section, at + 1)
        elif lines[at].rstrip() == _BEGIN:
            break
        else:
            if lines[at].strip():
                _outside(reading)
                return _after(lines, at)
            at += 1
    if not reading.full:
        _begin(reading, Reason.UNCLOSED, f"is not closed by `{_END}`: the patch may be broken off.")
    return at


def _begin(reading: Reading, reason: Reason, what: str) -> None:
    if reading.begin():
        reading.refuse(reason, what)


def _outside(reading: Reading) -> None:
    _begin(
        reading,
        Reason.GARBLED,
        "holds a line outside of its sections: each begins with `*** Update File: path`, "
        "`*** Add File: path` or `*** Delete File: path`.",
    )


def _after(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at].rstrip() != _END:
        at += 1
    return min(at + 1, len(lines))


def _section(line: str) -> tuple[str, str] | None:
    match = _SECTION.fullmatch(line.rstrip()) if line[:4] == "*** " and len(line) <= _LONGEST else None
    return (match[1], _path(match[2])) if match else None


def _path(text: str) -> str:
    return text.strip().strip("`").removeprefix("./")


def _read_section(reading: Reading, section: tuple[str, str], start: int) -> int:
    lines, end = reading.lines, start
    while end < len(lines) and not _ends_section(reading, end):
        end += 1
    kind, reading.path = section
    body = lines[start:end]
    while body and not body[-1].strip():
        body.pop()
    if kind == "Update":
        _update(reading, body)
    elif reading.begin():
        (_add if kind == "Add" else _delete)(reading, body)
    return end


def _ends_section(reading: Reading, at: int) -> bool:
    line = reading.lines[at]
    if line.startswith("*** "):
        return line.rstrip() in (_BEGIN, _END) or _section(line) is not None
    return reading.closes(at)


def _add(reading: Reading, body: list[str]) -> None:
    """A new file; lines that all lack the `+` are taken as they are."""
    path = reading.path or ""
    if body and body[-1].rstrip() == _END_OF_FILE:
        body = body[:-1]
    marked = [line for line in body if line.startswith("+")]
    if marked and any(line and not line.startswith("+") for line in body):
        reading.refuse(Reason.GARBLED, "adds a file, but not every line of it begins with `+`.")
        return
    taken = tuple(line[1:] for line in body) if marked else tuple(body)
    reading.edits.append(Edit(path, (), taken, reading.number))


def _delete(reading: Reading, body: list[str]) -> None:
    if body:
        reading.refuse(Reason.GARBLED, "deletes a file, and nothing may follow its `*** Delete File` line.")
    else:
        reading.edits.append(Deletion(reading.path or "", reading.number))


@dataclass
class _Chunk:
    within: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    at_end: bool = False
    blank: int = 0

    def add(self, line: str) -> None:
        """One line; without a mark it is context that lost its space."""
        mark, text = (line[0], line[1:]) if line[:1] in (" ", "+", "-") else (" ", line)
        self.blank = self.blank + 1 if not line else 0
        if mark != "+":
            self.old.append(text)
        if mark != "-":
            self.new.append(text)

    def edit(self, path: str, number: int) -> Edit:
        """The chunk as an edit; blank lines without a mark at its end are space between chunks."""
        kept = slice(None, -self.blank or None)
        old, new = tuple(self.old[kept]), tuple(self.new[kept])
        return Edit(path, old, new, number, tuple(self.within), self.at_end, existing=True)


def _update(reading: Reading, body: list[str]) -> None:
    path = reading.path or ""
    move = _MOVE.fullmatch(body[0].rstrip()) if body and len(body[0]) <= _LONGEST else None
    if move and reading.begin():
        reading.edits.append(Move(path, _path(move[1]), reading.number))
        reading.path = path = _path(move[1])
    chunks = _chunks(reading, body[1:] if move else body)
    for chunk in chunks:
        if not reading.begin():
            return
        reading.edits.append(chunk.edit(path, reading.number))
    if not chunks and not move:
        _begin(reading, Reason.GARBLED, "updates a file without saying how.")


def _chunks(reading: Reading, body: list[str]) -> list[_Chunk]:
    chunks = [_Chunk()]
    for line in body:
        chunk = chunks[-1]
        if line.startswith("@@"):
            if chunk.old or chunk.new:
                chunk = _Chunk()
                chunks.append(chunk)
            if anchor := anchor_of(line):
                chunk.within.append(anchor)
        elif line.rstrip() == _END_OF_FILE:
            chunk.at_end = True
        elif line.startswith("*** "):
            _begin(reading, Reason.GARBLED, f"holds a line that means nothing there: `{line[:60]}`.")
        elif not line.startswith(_NO_NEWLINE):
            chunk.add(line)
    return [chunk for chunk in chunks if chunk.old or chunk.new]


def anchor_of(line: str) -> str:
    """What an `@@` line names, without line numbers."""
    text = _NUMBERS.sub("", line, count=1) if _NUMBERS.match(line) else line.removeprefix("@@")
    return text.strip().removesuffix("@@").strip()
