"""What does not fit a language's grammar, by tree-sitter, within a time.

A parser recovers from errors, so that one file may have several; each is known by the text of its line,
which stays the same when lines move.
"""

from dataclasses import dataclass
from typing import Final

from tree_sitter import Node, Parser, Point

from orchestrator import clock
from workers.grammars import LARGEST, grammar
from workers.verify.verdict import clipped

_SECONDS: Final = 2.0
_PIECE: Final = 65_536
_MOST: Final = 50
_SHOWN: Final = 60
_VISITED: Final = 200_000


@dataclass(frozen=True)
class Fault:
    """One error: its 1-based line, what is wrong, and the text of the line."""

    line: int
    what: str
    text: str


@dataclass(frozen=True)
class TooMuch:
    """Why a source was not looked at to its end."""

    reason: str


def faults(language: str, source: str, seconds: float = _SECONDS) -> tuple[Fault, ...] | TooMuch:
    """The first errors of a source, in their order; none where it fits the grammar."""
    data = source.encode("utf-8", "replace")
    if len(data) > LARGEST:
        return TooMuch("too large to be checked")
    until = clock.monotonic() + seconds
    parser = Parser(grammar(language))
    try:
        tree = parser.parse(
            lambda at, _point: data[at : at + _PIECE],
            progress_callback=lambda _at, _wrong: clock.monotonic() > until,
        )
    except ValueError:
        return TooMuch("takes too long to be checked")
    root = tree.root_node
    return tuple(_found(root, data.split(b"\n"))) if root.has_error else ()


def _found(root: Node, lines: list[bytes]) -> list[Fault]:
    found: list[Fault] = []
    waiting, visited = [root], 0
    while waiting and len(found) < _MOST and visited < _VISITED:
        node = waiting.pop()
        visited += 1
        if node.is_missing or node.is_error:
            found.append(_fault(node, lines))
        else:
            waiting += [child for child in reversed(node.children) if child.has_error or child.is_missing]
    return found or [Fault(1, "does not fit the grammar", "")]


def _fault(node: Node, lines: list[bytes]) -> Fault:
    at: Point = node.start_point
    line = _text(lines[at.row]) if at.row < len(lines) else ""
    if node.is_missing:
        return Fault(at.row + 1, f"`{node.type}` is missing", line)
    here = clipped(_text(node.text or b"").split("\n", 1)[0], _SHOWN)
    return Fault(at.row + 1, f"unexpected `{here}`" if here else "does not fit the grammar", line)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
