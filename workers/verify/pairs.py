"""Which lines stay from one text to another: common ends, then lines unique on both sides (patience).

Nearly linear; what lies between counts as replaced. So a hostile file costs no more than a plain one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

_DEPTH: Final = 8

Span = tuple[int, int, int, int, int]


def paired(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
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
