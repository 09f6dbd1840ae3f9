"""What stands below a line by its indentation: the body of a class or function, in any language.

Wholly blank lines, and lines that begin with a bracket, as at the end of a signature, end no body.
"""

from collections.abc import Sequence
from typing import Final

_MOST: Final = 50
_BRACKETS: Final = ("(", ")", "[", "]", "{", "}")

Span = tuple[int, int]


def scopes(lines: Sequence[str], anchors: Sequence[str]) -> list[Span]:
    """The bodies (start, end) below the anchors, outermost first; each begins with its anchor's own line.

    None where an anchor stands nowhere, or nearly everywhere.
    """
    spans: list[Span] = [(0, len(lines))]
    for anchor in anchors:
        wanted = anchor.strip()
        found = [
            at
            for at, line in enumerate(lines)
            if line.strip() == wanted and any(start <= at < end for start, end in spans)
        ]
        if len(found) > _MOST:
            return []
        spans = [(at, _end(lines, at)) for at in found]
    return spans


def _end(lines: Sequence[str], at: int) -> int:
    depth = _depth(lines[at])
    for below in range(at + 1, len(lines)):
        line = lines[below].strip()
        if line and not line.startswith(_BRACKETS) and _depth(lines[below]) <= depth:
            return below
    return len(lines)


def _depth(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())
