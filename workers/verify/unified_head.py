"""The head of a file's part of a diff: which file it is about, and what else it does to it."""

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final

from workers.diffs.diff_names import Names, header_names, names_of
from workers.verify.problems import Reason

_MODE: Final = re.compile(r"(?:old mode|new mode|new file mode|deleted file mode|index \S+) (\d{6})")
_PLAIN: Final = frozenset({"100644", "100755"})
_QUIET: Final = ("index ", "similarity index ", "dissimilarity index ", "old mode ", "new mode ")
LONGEST: Final = 2_000


@dataclass
class Head:
    """What the lines before the first hunk said; `heading` is the path line above the diff."""

    heading: str | None
    names: Names = field(default_factory=Names)
    modes: set[str] = field(default_factory=set)
    creates: bool = False
    deletes: bool = False
    copies: bool = False
    binary: bool = False

    @property
    def executable(self) -> bool:
        """Whether it sets a mode that a tree of texts has no place for."""
        return "100755" in self.modes and not self.deletes


@dataclass(frozen=True)
class Target:
    """The file it is about; with a reason, why that can't be told or is refused."""

    path: str
    creates: bool = False
    deletes: bool = False
    moved_from: str | None = None
    reason: Reason | None = None
    why: str = ""


def read_head(lines: list[str], at: int, heading: str | None) -> tuple[Head, int]:
    """Read from where a part begins up to its first hunk; where that is."""
    head, start = Head(heading), at
    while at < len(lines) and len(lines[at]) <= LONGEST:
        line = lines[at]
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            head.names.minus, head.names.plus = line[4:], lines[at + 1][4:]
            return head, at + 2
        if line.startswith("GIT binary patch") or (line.startswith("Binary ") and line.endswith(" differ")):
            head.binary = True
            return head, _past_binary(lines, at + 1)
        if not (_extended(head, line) if at > start else _first(head, line)):
            return head, at
        at += 1
    return head, at


def _first(head: Head, line: str) -> bool:
    if not line.startswith("diff --git "):
        return False
    head.names.header = line.removeprefix("diff --git ").rstrip()
    return True


def _extended(head: Head, line: str) -> bool:
    mode = _MODE.fullmatch(line.rstrip())
    if mode:
        head.modes.add(mode[1])
    if line.startswith("new file mode "):
        head.creates = True
    elif line.startswith("deleted file mode "):
        head.deletes = True
    elif line.startswith("rename from "):
        head.names.moved_from = line.removeprefix("rename from ")
    elif line.startswith("rename to "):
        head.names.moved_to = line.removeprefix("rename to ")
    elif line.startswith(("copy from ", "copy to ")):
        head.copies = True
    else:
        return line.startswith(_QUIET)
    return True


def _past_binary(lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].startswith(("diff --git ", "```", "~~~")):
        at += 1
    return at


def target_of(head: Head, known: Set[str]) -> Target:
    """The file, by what the head says and what the tree holds."""
    old, new = _names(head)
    path = _known(new if new is not None else old or head.heading or "", known)
    if refusal := _refusal(head, path):
        return refusal
    if head.names.moved_from is not None and old is not None and new is not None:
        return Target(_known(new, known), moved_from=_known(old, known))
    if old is None or head.creates:
        return Target(path, creates=True) if new is not None else _nameless(path)
    if new is None or head.deletes:
        return Target(_known(old, known), deletes=True)
    return _one_of(_known(old, known), path, known)


def _one_of(old: str, new: str, known: Set[str]) -> Target:
    if old == new or (new in known and old not in known):
        return Target(new)
    why = f"names two files, {old} and {new}. To move a file, write `rename from` and `rename to`."
    return Target(new, reason=Reason.NO_PATH, why=why)


def _nameless(path: str) -> Target:
    why = "names no file: write `--- a/path` and `+++ b/path` above the hunks."
    return Target(path, reason=Reason.NO_PATH, why=why)


def _refusal(head: Head, path: str) -> Target | None:
    found: tuple[Reason, str] | None = None
    if "120000" in head.modes:
        found = Reason.SYMLINK, "makes or changes a symbolic link: only plain files may change."
    elif "160000" in head.modes:
        found = Reason.SUBMODULE, "makes or changes a submodule: only plain files may change."
    elif head.modes - _PLAIN:
        found = Reason.GARBLED, "sets a file mode that git does not know."
    elif head.binary:
        found = Reason.BINARY, "is a binary patch: only text files may change."
    elif head.copies:
        found = Reason.COPY, "copies a file: create the new file with its whole content."
    return Target(path, reason=found[0], why=found[1]) if found else None


def _names(head: Head) -> tuple[str | None, str | None]:
    """The paths on both sides; None where the file does not exist, both None where nobody says."""
    names = head.names
    if names.moved_from is None and names.minus is None:
        if names.header is None:
            return head.heading, head.heading
        return header_names(names.header) or (None, None)
    return names_of(names)


def _known(path: str, known: Set[str]) -> str:
    """The path as the tree has it: models write prefixes where none belong."""
    if path in known:
        return path
    plain = path.removeprefix("./")
    return plain[2:] if plain[:2] in ("a/", "b/") and plain[2:] in known else plain
