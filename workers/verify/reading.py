"""An answer on its way to edits: its lines, what was read, and the prose that is left.

Each dialect takes the lines of its blocks; the path above a block and the fences around it are taken out of
the prose again. Whatever question a dialect has about fences is answered without a search through the text.
"""

import re
from bisect import bisect_left
from collections.abc import Set
from functools import cached_property
from typing import Final

from workers.verify.documents import BOM
from workers.verify.edits import AnyEdit
from workers.verify.headings import fence_path, is_fence, path_in
from workers.verify.problems import Problem, Reason

MAX_BLOCKS: Final = 500
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})\s*([^`]{0,500})")
_WIDEST: Final = 8
_LONGEST: Final = 600


class Fence:
    """A line that opens or closes a fenced block; `info` is what follows the marks."""

    __slots__ = ("at", "info", "sign", "width")

    def __init__(self, at: int, match: re.Match[str]) -> None:
        self.at = at
        self.sign = match[1][0]
        self.width = min(len(match[1]), _WIDEST)
        self.info = match[2].strip()


class Reading:
    """Goes once through the lines; `floor` is where the prose since the last block begins."""

    def __init__(self, answer: str, known: Set[str]) -> None:
        self.lines = answer.removeprefix(BOM).replace("\r\n", "\n").split("\n")
        self.known = known
        self.edits: list[AnyEdit] = []
        self.prose: list[str] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.path: str | None = None
        self.number, self.floor, self.fences = 0, 0, 0
        self.full = False
        # Of whole files by their number: the path, and the line after the fence.
        self.ends: dict[int, tuple[str, int]] = {}

    def begin(self) -> bool:
        """Count one block more; False when that is too many, which is then a problem."""
        if self.number >= MAX_BLOCKS:
            self.full = True
            text = f"The answer holds more than {MAX_BLOCKS} blocks. Use fewer, larger ones."
            self.problems.append(Problem(Reason.TOO_MUCH, text))
            return False
        self.number += 1
        return True

    def refuse(self, reason: Reason, what: str, path: str | None = None) -> None:
        """Say what is wrong with the block that was begun last."""
        path = path or self.path
        where = f" ({path})" if path else ""
        text = f"Block {self.number}{where} {what}"
        self.problems.append(Problem(reason, text, path, self.number))

    def say(self, line: str) -> None:
        """A line of prose, unless it closes a fence around a block."""
        if self.fences and is_fence(line) and not any(text.strip() for text in self.prose[self.floor :]):
            self.fences -= 1
        else:
            self.prose.append(line)

    def heading(self) -> str | None:
        """The path above a block; it and the fences around it are taken out of the prose."""
        top = self._skip(len(self.prose))
        path = next(
            (path for line in self.prose[top:] if (path := fence_path(line, self.known)) is not None), None
        )
        if path is None and top > self.floor:
            path = path_in(self.prose[top - 1], self.known, adjacent=top == len(self.prose))
            if path is not None:
                top = self._skip_fence(top - 1)
        self.fences += sum(map(_opens, self.prose[top:]))
        del self.prose[top:]
        return path

    def closes(self, at: int) -> bool:
        """Whether the fence around the block ends at a line."""
        return self.fences > 0 and self.lines[at].strip(" \t`~") == "" and is_fence(self.lines[at])

    def fence(self, at: int) -> Fence | None:
        """The fence that a line is."""
        line = self.lines[at]
        match = _FENCE.fullmatch(line) if len(line) <= _LONGEST else None
        return Fence(at, match) if match else None

    @cached_property
    def all_fences(self) -> list[Fence]:
        """Every fence of the answer, in its order."""
        starts = ("`", "~", " ")
        found = (self.fence(at) for at, line in enumerate(self.lines) if line.startswith(starts))
        return [fence for fence in found if fence is not None]

    @cached_property
    def _closers(self) -> dict[tuple[str, int], list[int]]:
        closers: dict[tuple[str, int], list[int]] = {}
        for fence in self.all_fences:
            for width in range(3, fence.width + 1) if not fence.info else ():
                closers.setdefault((fence.sign, width), []).append(fence.at)
        return closers

    def closing(self, fence: Fence) -> int | None:
        """Where a fenced block ends: at the next bare fence of its kind that is as wide."""
        places = self._closers.get((fence.sign, fence.width), [])
        index = bisect_left(places, fence.at + 1)
        return places[index] if index < len(places) else None

    def fences_between(self, start: int, end: int) -> list[Fence]:
        """The fences in lines `start` to `end`."""
        first = bisect_left(self.all_fences, start, key=lambda fence: fence.at)
        last = bisect_left(self.all_fences, end, key=lambda fence: fence.at)
        return self.all_fences[first:last]

    def _skip(self, top: int) -> int:
        while top > self.floor and (not self.prose[top - 1].strip() or _opens(self.prose[top - 1])):
            top -= 1
        return top

    def _skip_fence(self, top: int) -> int:
        return top - 1 if top > self.floor and _opens(self.prose[top - 1]) else top


def _opens(line: str) -> bool:
    return is_fence(line) or fence_path(line, frozenset()) is not None
