"""Our own unified diff in git's format, made from the files before and after.

Lines are paired by common ends and by lines that are unique on both sides (patience diff), which is nearly
linear; between those, everything is replaced. So a hostile file costs no more than a plain one.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from workers.diffs.git_paths import quoted
from workers.verify.documents import split_lines
from workers.verify.pairs import paired

_CONTEXT: Final = 3
_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"

NO_MOVES: Final[Mapping[str, str]] = MappingProxyType({})

Gap = tuple[int, int, int, int]


def tree_diff(
    before: Mapping[str, str], after: Mapping[str, str], moves: Mapping[str, str] = NO_MOVES
) -> str:
    """The diff of two trees (path to text), by path; `moves` are new paths with the old ones they had."""
    left = set(moves.values())
    paths = sorted((before.keys() | after.keys()) - left)
    return "".join(
        moved_diff(moves[path], path, before[moves[path]], after[path])
        if path in moves
        else file_diff(path, before.get(path), after.get(path))
        for path in paths
    )


def file_diff(path: str, before: str | None, after: str | None) -> str:
    """The diff of one file; None where it does not exist, empty where nothing changed."""
    if before == after:
        return ""
    old, new = quoted(f"a/{path}"), quoted(f"b/{path}")
    header = f"diff --git {old} {new}\n"
    if before is None:
        header, old = header + "new file mode 100644\n", "/dev/null"
    if after is None:
        header, new = header + "deleted file mode 100644\n", "/dev/null"
    return header + _body(old, new, before or "", after or "")


def moved_diff(old_path: str, path: str, before: str, after: str) -> str:
    """The diff of a file that got another path, and may have changed as well."""
    old, new = quoted(f"a/{old_path}"), quoted(f"b/{path}")
    header = f"diff --git {old} {new}\nrename from {quoted(old_path)}\nrename to {quoted(path)}\n"
    return header + _body(old, new, before, after)


def _body(old: str, new: str, before: str, after: str) -> str:
    hunks = "".join(_hunks(split_lines(before), split_lines(after)))
    # Git takes an unquoted name with a space to end at a tab.
    return f"--- {_tabbed(old)}\n+++ {_tabbed(new)}\n{hunks}" if hunks else ""


def _tabbed(name: str) -> str:
    return name + "\t" if " " in name and not name.startswith('"') else name


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for gaps in _grouped(list(_gaps(paired(old, new), len(old), len(new)))):
        lead = min(_CONTEXT, gaps[0][0])
        tail = min(_CONTEXT, len(old) - gaps[-1][1])
        first, last = gaps[0][0] - lead, gaps[-1][1] + tail
        new_first, new_last = gaps[0][2] - lead, gaps[-1][3] + tail
        yield f"@@ -{_range(first, last)} +{_range(new_first, new_last)} @@\n"
        at = first
        for old_from, old_to, new_from, new_to in gaps:
            yield from (_marked(" ", line) for line in old[at:old_from])
            yield from (_marked("-", line) for line in old[old_from:old_to])
            yield from (_marked("+", line) for line in new[new_from:new_to])
            at = old_to
        yield from (_marked(" ", line) for line in old[at:last])


def _range(first: int, last: int) -> str:
    return f"{first + 1 if last > first else first},{last - first}"


def _marked(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else mark + line + _NO_NEWLINE


def _grouped(gaps: Sequence[Gap]) -> Iterator[list[Gap]]:
    """Gaps that share context lines stand in one hunk."""
    group: list[Gap] = []
    for gap in gaps:
        if group and gap[0] - group[-1][1] > 2 * _CONTEXT:
            yield group
            group = []
        group.append(gap)
    if group:
        yield group


def _gaps(pairs: Sequence[tuple[int, int]], old: int, new: int) -> Iterator[Gap]:
    """What lies between the paired lines, as (old from, old to, new from, new to)."""
    at, new_at = 0, 0
    for index, new_index in (*pairs, (old, new)):
        if index > at or new_index > new_at:
            yield at, index, new_at, new_index
        at, new_at = index + 1, new_index + 1
