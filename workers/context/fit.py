"""Files fitted into the room that a prompt has for them, by how much each matters for the task.

Everything is shown whole where it fits. Else the files that matter most come whole, long ones cut with a mark
for every gap, and the rest by name: the manifest lists each file of the tree, so that nothing is left out in
silence. Sizes are UTF-8 bytes; equal input gives an equal choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from workers.context.fence import fence
from workers.context.map import CodeMap, Mentions, code_map, outlined

CAP_SHARE: Final = 3
"""One file takes at most this part of the room, so that a few long ones leave some for the others."""
MAP_SHARE: Final = 8
"""The part of the room for what files define that are not shown whole."""

_AROUND: Final = 40
_MOST_PLACES: Final = 10
_MARK: Final = 100
_SMALLEST_CUT: Final = 600
_TAGS: Final = 120


class TooLong(Exception):
    """What can't be left out of a prompt has no room in it: `needed` bytes, of `room`."""

    def __init__(self, needed: int, room: int) -> None:
        super().__init__(f"what can't be left out takes {needed:,} bytes, and there is room for {room:,}")
        self.needed, self.room = needed, room


@dataclass(frozen=True, slots=True)
class Piece:
    """A file as the prompt shows it; `hidden` are the lines that it leaves out."""

    path: str
    text: str
    whole: bool = True
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A file of the tree that can't be shown at all, and why."""

    path: str
    size: int
    why: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a prompt shows of the tree; `manifest` and `outline` are empty where all of it is whole."""

    pieces: tuple[Piece, ...] = ()
    manifest: str = ""
    outline: str = ""
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def whole(files: Mapping[str, str], unread: Sequence[Unread] = ()) -> Shown:
    """Every file as it is."""
    pieces = tuple(Piece(path, files[path]) for path in sorted(files))
    return Shown(pieces, _manifest(files, {piece.path: piece for piece in pieces}, unread) if unread else "")


def fit(files: Mapping[str, str], unread: Sequence[Unread], said: Mentions, room: int) -> Shown:
    """What is shown in `room` bytes. Raises `TooLong` where not even the manifest has room."""
    taken = 1 + sum(_row_size(path, _size(text)) for path, text in files.items())
    taken += sum(_row_size(each.path, each.size) + len(each.why) for each in unread) + 2 * _TAGS
    if taken > room:
        raise TooLong(taken, room)
    found = code_map(files, said)
    chosen = _chosen(files, found, said, room - taken - (room - taken) // MAP_SHARE)
    left = room - taken - sum(_cost(piece) for piece in chosen.values())
    hidden = {path: tuple(text.split("\n")) for path, text in files.items() if path not in chosen}
    hidden |= {piece.path: piece.hidden for piece in chosen.values() if not piece.whole}
    # Whole files first: their order doesn't change with the task, and vendors' caches go by the beginning.
    pieces = sorted(chosen.values(), key=lambda piece: (not piece.whole, piece.path))
    return Shown(
        tuple(pieces),
        _manifest(files, chosen, unread),
        _outline(found, hidden, left - _TAGS),
        hidden,
    )


def _chosen(files: Mapping[str, str], found: CodeMap, said: Mentions, room: int) -> dict[str, Piece]:
    cap, left = max(room // CAP_SHARE, _SMALLEST_CUT), room
    chosen: dict[str, Piece] = {}
    for path in found.order:
        piece = Piece(path, files[path])
        if _cost(piece) > min(cap, left):
            lines = frozenset(sorted(said.lines.get(path, ()))[:_MOST_PLACES])
            piece = _cut(path, files[path], min(cap, left) - _cost(Piece(path, "", whole=False)), lines)
        if (piece.text or not files[path]) and _cost(piece) <= left:
            chosen[path] = piece
            left -= _cost(piece)
    return chosen


def _cut(path: str, text: str, room: int, wanted: frozenset[int]) -> Piece:
    """The lines around those that are wanted, then those from the beginning; a mark stands for each gap."""
    lines = text.split("\n")
    windows = {line for want in wanted for line in range(want - 1 - _AROUND, want + _AROUND)}
    near = sorted(
        windows & set(range(len(lines))),
        key=lambda line: (min(abs(line + 1 - want) for want in wanted), line),
    )
    kept: set[int] = set()
    gaps = 1 + 2 * len(wanted)
    left = room - gaps * _MARK
    if left < min(_SMALLEST_CUT, room // 2):
        return Piece(path, "", whole=False, hidden=tuple(lines))
    for line in [*near, *range(len(lines))]:
        size = len(lines[line].encode("utf-8", "replace")) + 1
        if line not in kept and size > left:
            break
        left -= 0 if line in kept else size
        kept.add(line)
    if not any(lines[line].strip() for line in kept):
        return Piece(path, "", whole=False, hidden=tuple(lines))
    hidden = tuple(text for number, text in enumerate(lines) if number not in kept)
    return Piece(path, _with_marks(lines, kept), whole=False, hidden=hidden)


def _with_marks(lines: list[str], kept: set[int]) -> str:
    shown: list[str] = []
    gap = 0
    for number, line in enumerate([*lines, ""]):
        if number < len(lines) and number not in kept:
            gap += 1
            continue
        if gap:
            shown.append(f"[… lines {number - gap + 1} to {number} of {len(lines)} are not shown …]")
        gap = 0
        if number < len(lines):
            shown.append(line)
    return "\n".join(shown)


def _manifest(files: Mapping[str, str], chosen: Mapping[str, Piece], unread: Sequence[Unread]) -> str:
    rows = [(path, _size(text), _state(chosen.get(path))) for path, text in files.items()]
    rows += [(each.path, each.size, each.why) for each in unread]
    return "\n".join(f"{path} ({size} bytes): {state}" for path, size, state in sorted(rows))


def _state(piece: Piece | None) -> str:
    if piece is None:
        return "not shown"
    return "whole" if piece.whole else "cut"


def _outline(found: CodeMap, hidden: Mapping[str, tuple[str, ...]], room: int) -> str:
    """What the files define that are not shown whole, those that matter first, while there is room."""
    parts: list[str] = []
    for path in found.order:
        definitions = found.definitions.get(path, ())
        if path not in hidden or not definitions:
            continue
        part = f"{path}\n{outlined(definitions)}\n"
        if _size(part) + 1 > room:
            continue
        parts.append(part)
        room -= _size(part) + 1
    return "\n".join(parts)


def _cost(piece: Piece) -> int:
    """The bytes that a file takes in a prompt, its tags with it."""
    if piece.whole:
        return _size(fence("file", piece.text, path=piece.path)) + 1
    return _size(fence("file", piece.text, path=piece.path, shown="part")) + 1


def _row_size(path: str, size: int) -> int:
    return _size(f"{path} ({size} bytes): not shown\n")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
