"""Unified diffs, as models write them: counts and line numbers mean little, the quoted lines all.

With or without `diff --git`, in a fence or not. In a fence every line belongs to the diff; without one it
ends where its counts or its marks do, and what might still belong to it is refused, never left out.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from workers.verify.edits import Deletion, Edit, Move
from workers.verify.problems import Reason
from workers.verify.reading import Reading
from workers.verify.unified_head import LONGEST, Head, Target, read_head, target_of
from workers.verify.v4a import anchor_of

_COUNTS: Final = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_SIGNATURE: Final = "-- "


def opens_diff(lines: list[str], at: int) -> bool:
    """Whether a file's part of a diff, or a hunk without one, begins at a line."""
    line = lines[at]
    if len(line) > LONGEST:
        return False
    if line.startswith("--- "):
        return at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    return line.startswith("diff --git ") or (line.startswith("@@ -") and _COUNTS.match(line) is not None)


def read_diff_part(reading: Reading, at: int) -> int | None:
    """Read the part of a diff that is about one file, if one begins here; where to go on."""
    lines = reading.lines
    if not opens_diff(lines, at):
        return None
    heading = reading.heading()
    head, at = read_head(lines, at, heading)
    hunks: list[_Hunk] = []
    while at < len(lines) and lines[at].startswith("@@") and len(hunks) <= 500:
        hunk = _Hunk.of(lines[at])
        at = _read_hunk(reading, hunk, at + 1)
        hunks.append(hunk)
    _convert(reading, head, hunks)
    return _to_the_end(reading, at, hunks[-1] if hunks else None)


@dataclass
class _Hunk:
    """One hunk; `counts` are how many old and new lines it says it has, None where it does not."""

    anchor: str
    counts: tuple[int, int] | None
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    blank: int = 0
    last: str = " "
    open_old: bool = False
    open_new: bool = False

    @classmethod
    def of(cls, line: str) -> "_Hunk":
        found = _COUNTS.match(line)
        counts = (int(found[1] or 1), int(found[2] or 1)) if found else None
        return cls(anchor_of(line), counts)

    @property
    def full(self) -> bool:
        """Whether it has all lines that it says it has."""
        return self.counts is not None and len(self.old) >= self.counts[0] and len(self.new) >= self.counts[1]

    @property
    def exact(self) -> bool:
        return self.counts == (len(self.old), len(self.new))

    def add(self, mark: str, text: str) -> None:
        self.last = mark
        if mark != "+":
            self.old.append(text)
        if mark != "-":
            self.new.append(text)

    def unend(self) -> None:
        """The last line has no newline at its end."""
        self.open_old |= self.last != "+"
        self.open_new |= self.last != "-"

    def trim(self) -> None:
        """Blank lines without a mark at the end are what lies between, not context."""
        if self.blank:
            del self.old[-self.blank :], self.new[-self.blank :]
            self.blank = 0

    @property
    def open_end(self) -> bool | None:
        return self.open_new if self.open_old != self.open_new else None


def _read_hunk(reading: Reading, hunk: _Hunk, at: int) -> int:
    lines, fenced = reading.lines, reading.fences > 0
    while at < len(lines):
        line = lines[at]
        if reading.closes(at) or line.startswith("@@") or _next_file(lines, at, full=hunk.full):
            break
        if line == _SIGNATURE and hunk.full:
            break
        mark = line[:1]
        if not line:
            if not fenced and hunk.exact:
                break
            hunk.add(" ", "")
        elif mark in " +-":
            hunk.add(mark, line[1:])
        elif mark == "\\":
            hunk.unend()
        elif fenced:
            hunk.add(" ", line)
        else:
            break
        hunk.blank = 0 if line else hunk.blank + 1
        at += 1
    hunk.trim()
    return at


def _next_file(lines: list[str], at: int, *, full: bool) -> bool:
    """Whether the next file begins; a removed `-- x` before an added `++ y` looks like that too."""
    if lines[at].startswith("diff --git "):
        return True
    if not (lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")):
        return False
    return full or (at + 2 < len(lines) and lines[at + 2].startswith("@@"))


def _to_the_end(reading: Reading, at: int, hunk: _Hunk | None) -> int:
    """Go past what may follow the last hunk; refuse what might be a piece of the diff that got lost."""
    lines = reading.lines
    if at < len(lines) and lines[at] == _SIGNATURE:
        return min(at + 2, len(lines))
    if at == len(lines) and hunk is not None and not hunk.full:
        reading.refuse(Reason.UNCLOSED, "ends before its counts do, with the answer: it may be broken off.")
        return at
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at == len(lines) or reading.closes(at) or opens_diff(lines, at):
        return at
    if reading.fences or lines[at][:1] in ("+", "-", " ") or lines[at].startswith("@@"):
        reading.refuse(
            Reason.GARBLED, f"is followed by a line that may or may not belong to it: `{lines[at][:60]}`."
        )
    elif hunk is not None and not hunk.full and hunk.counts is not None and _goes_on(reading, at):
        reading.refuse(Reason.GARBLED, f"has a line without a mark in its middle: `{lines[at][:60]}`.")
    return at


def _goes_on(reading: Reading, at: int) -> bool:
    """Whether marked lines stand between here and the next part."""
    lines = reading.lines
    while at < len(lines) and not opens_diff(lines, at) and reading.fence(at) is None:
        if lines[at].startswith(("+", "-")):
            return True
        at += 1
    return False


def _convert(reading: Reading, head: Head, hunks: list[_Hunk]) -> None:
    target = target_of(head, reading.known)
    reading.path = target.path
    if not reading.begin():
        return
    if target.reason is not None:
        reading.refuse(target.reason, target.why)
        return
    if head.executable:
        reading.notes.append(f"Block {reading.number} ({target.path}) sets a mode, which is not kept.")
    if target.deletes:
        _delete(reading, target, hunks)
        return
    if head.names.minus is not None and not hunks:
        reading.refuse(Reason.UNCLOSED, "has no `@@` hunk below its names: it may be broken off.")
        return
    if target.moved_from is not None:
        reading.edits.append(Move(target.moved_from, target.path, reading.number))
    if target.creates and not hunks:
        reading.edits.append(Edit(target.path, (), (), reading.number))
    for index, hunk in enumerate(hunks):
        if (index or target.moved_from is not None) and not reading.begin():
            return
        reading.edits.append(_edit(reading.number, target, hunk))
    if not hunks and not target.creates and target.moved_from is None and not head.executable:
        reading.refuse(Reason.UNCLOSED, "names a file without saying what changes: it may be broken off.")


def _delete(reading: Reading, target: Target, hunks: list[_Hunk]) -> None:
    if any(hunk.new for hunk in hunks):
        reading.refuse(Reason.GARBLED, "deletes the file, but keeps lines of it.")
    else:
        reading.edits.append(Deletion(target.path, reading.number))


def _edit(number: int, target: Target, hunk: _Hunk) -> Edit:
    return Edit(
        target.path,
        tuple(hunk.old),
        tuple(hunk.new),
        number,
        within=(hunk.anchor,) if hunk.anchor else (),
        existing=not target.creates,
        open_end=hunk.open_end,
    )
