"""A git diff in the form that answers have, each hunk an edit block, so that it is verified like any other.

What edit blocks can't say (renames, binary files, modes) is refused whole, never left out.
"""

import re
from collections.abc import Iterator
from typing import Final

from workers.verify.diff_names import Names, names_of
from workers.verify.verdict import clipped

_HUNK: Final = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_UNSAYABLE: Final = ("rename from ", "copy from ", "Binary files ", "GIT binary patch", "old mode ")
_MARKER: Final = re.compile(r"([<=>])\1{4,19}\s?(?:SEARCH|DELETE|REPLACE)?\s*")
_WIDTHS: Final = range(7, 20, 2)


class NotSayable(ValueError):
    """The diff holds what edit blocks can't express, or is no diff."""


def blocks_of(diff: str) -> str:
    """The edit blocks that do what a diff does. Raises `NotSayable`."""
    lines = [line.removesuffix("\r") for line in diff.split("\n")]
    starts = [at for at, line in enumerate(lines) if line.startswith("diff --git ")]
    if not starts:
        raise NotSayable("It is no git diff: no line begins with `diff --git`.")
    ends = [*starts[1:], len(lines)]
    files = [_file(lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    return "\n\n".join(files) + "\n"


def _file(lines: list[str]) -> str:
    first = next((at for at, line in enumerate(lines) if _HUNK.match(line)), len(lines))
    head = lines[:first]
    names = Names(header=lines[0].removeprefix("diff --git "))
    for line in head[1:]:
        if line.startswith(_UNSAYABLE):
            raise NotSayable(f"It holds what edit blocks can't say: {clipped(line, 200)!r}.")
        if line.startswith("--- "):
            names.minus = line[4:]
        elif line.startswith("+++ "):
            names.plus = line[4:]
    created = any(line.startswith("new file mode ") for line in head)
    deleted = any(line.startswith("deleted file mode ") for line in head)
    if names.minus is None:
        names.minus = "/dev/null" if created else "a/" + _named_twice(lines[0])
        names.plus = "/dev/null" if deleted else "b/" + _named_twice(lines[0])
    old, new = names_of(names)
    if deleted and old:
        return f"{_heading(old)}\n<<<<<<< DELETE"
    path = new or old
    if path is None:
        raise NotSayable(f"A file has no name: {clipped(lines[0], 200)!r}.")
    if created and first == len(lines):
        return _block(path, [], [])
    return "\n\n".join(_block(path, before, after) for before, after in _hunks(lines, first))


def _heading(path: str) -> str:
    """A path with spaces is read as prose unless it is marked as one."""
    return f"`{path}`" if any(char.isspace() for char in path) else path


def _named_twice(header: str) -> str:
    """The name in `diff --git a/NAME b/NAME`; only empty files have no other line with it."""
    both = header.removeprefix("diff --git ")
    half = (len(both) - 1) // 2
    if both[:2] != "a/" or both[half + 1 :] != "b/" + both[2:half]:
        raise NotSayable(f"A file's name can't be read: {clipped(header, 200)!r}.")
    return both[2:half]


def _hunks(lines: list[str], at: int) -> Iterator[tuple[list[str], list[str]]]:
    """The lines before and after of each hunk, as its counts say."""
    while at < len(lines):
        hunk = _HUNK.match(lines[at])
        if hunk is None:
            at += 1
            continue
        old, new = (int(count) if count is not None else 1 for count in hunk.groups())
        before: list[str] = []
        after: list[str] = []
        at += 1
        while len(before) < old or len(after) < new:
            if at == len(lines):
                raise NotSayable("A hunk ends before its counts do: the diff is cut off.")
            mark, text = lines[at][:1] or " ", lines[at][1:]
            if mark not in " +-\\":
                raise NotSayable(f"A hunk holds a line that is none: {clipped(lines[at], 200)!r}.")
            before += [text] if mark in " -" else []
            after += [text] if mark in " +" else []
            at += 1
        yield before, after


def _block(path: str, before: list[str], after: list[str]) -> str:
    taken = {len(line.split(" ")[0].strip()) for line in (*before, *after) if _MARKER.fullmatch(line)}
    width = next((each for each in _WIDTHS if each not in taken), None)
    if width is None:
        raise NotSayable(f"{path}: its lines look like the markers of edit blocks, in every width.")
    middle = ["=" * width]
    block = [_heading(path), "<" * width + " SEARCH", *before, *middle, *after, ">" * width + " REPLACE"]
    return "\n".join(block)
