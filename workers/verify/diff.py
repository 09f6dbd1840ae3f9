"""Our own unified diff in git's format, made from the files before and after.

Lines are paired by common ends and by lines that are unique on both sides (patience diff), which is nearly
linear; between those, everything is replaced. So a hostile file costs no more than a plain one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from workers.verify.documents import split_lines
from workers.verify.git_paths import quoted

_CONTEXT: Final = 3
_DEPTH: Final = 8
_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"

Gap = tuple[int, int, int, int]
Span = tuple[int, int, int, int, int]


def tree_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The diff of two trees (path to text), by path."""
    paths = sorted(before.keys() | after.keys())
    return "".join(file_diff(path, before.get(path), after.get(path)) for path in paths)


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
    hunks = "".join(_hunks(split_lines(before or ""), split_lines(after or "")))
    # Git takes an unquoted name with a space to end at a tab.
    names = f"--- {_tabbed(old)}\n+++ {_tabbed(new)}\n" if hunks else ""
    return header + names + hunks


def _tabbed(name: str) -> str:
    return name + "\t" if " " in name and not name.startswith('"') else name


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for gaps in _grouped(list(_gaps(_pairs(old, new), len(old), len(new)))):
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


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Indexes of lines that stay, ascending on both sides."""
    pairs: list[tuple[int, int]] = []
    spans = [(0, len(old), 0, len(new), _DEPTH)]
    while spans:
        start, end, new_start, new_end, depth = spans.pop()
        while start < end and new_start < new_end and old[start] == new[new_start]:
            pairs.append((start, new_start))
            start, new_start = start + 1, new_start + 1
        while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
            end, new_end = end - 1, new_end - 1
            pairs.append((end, new_end))
        anchors = _anchors(old[start:end], new[new_start:new_end]) if depth else []
        pairs += [(start + index, new_start + new_index) for index, new_index in anchors]
        spans += _between(anchors, (start, end, new_start, new_end, depth))
    return sorted(pairs)


def _between(anchors: Sequence[tuple[int, int]], span: Span) -> list[Span]:
    """The spans around the anchors, which count from the start of the span."""
    if not anchors:
        return []
    start, end, new_start, new_end, depth = span
    spans: list[Span] = []
    at, new_at = start, new_start
    for index, new_index in anchors:
        spans.append((at, start + index, new_at, new_start + new_index, depth - 1))
        at, new_at = start + index + 1, new_start + new_index + 1
    return [*spans, (at, end, new_at, new_end, depth - 1)]


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Lines unique on both sides, the longest run of them that ascends on both."""
    once, new_once = Counter(old), Counter(new)
    where = {line: index for index, line in enumerate(new) if new_once[line] == 1}
    shared = [(index, where[line]) for index, line in enumerate(old) if line in where and once[line] == 1]
    return _ascending(shared)


def _ascending(shared: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second parts ascend (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for at, (_, new_index) in enumerate(shared):
        pile = bisect_left(tops, new_index)
        before.append(piles[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(new_index)
            piles.append(at)
        else:
            tops[pile], piles[pile] = new_index, at
    chain: list[tuple[int, int]] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        chain.append(shared[at])
        at = before[at]
    return chain[::-1]
