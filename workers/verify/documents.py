"""A file's text as lines that carry their own endings.

Lines end at LF only: form feeds, lone carriage returns and Unicode separators are content. Whatever is not
replaced keeps its bytes: endings, byte order mark, a missing end of the last line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from workers.verify.pairs import paired

BOM: Final = "\ufeff"


@dataclass(frozen=True)
class Document:
    """One file, taken apart; `text` puts it together again unchanged."""

    mark: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Document":
        """Any text; an empty one has no lines."""
        mark = BOM if text.startswith(BOM) else ""
        return cls(mark, tuple(split_lines(text.removeprefix(mark))))

    @cached_property
    def text(self) -> str:
        """The file's content."""
        return self.mark + "".join(self.lines)

    @cached_property
    def bare(self) -> list[str]:
        """The lines without their endings."""
        return [bare(line) for line in self.lines]

    @property
    def blank(self) -> bool:
        """Whether there is nothing in it."""
        return not "".join(self.lines).strip()

    @property
    def effort(self) -> int:
        """What one search in this file costs, in characters."""
        return len(self.text) + 20 * len(self.lines)

    def replaced(self, start: int, end: int, lines: Sequence[str]) -> "Document":
        """The document with lines in place of `start` to `end`; those without an ending get the local one."""
        ending = self._ending(start)
        result = [*self.lines[:start], *lines, *self.lines[end:]]
        last = len(result) - 1
        for at in range(max(0, start - 1), min(start + len(lines), last)):
            result[at] = _ended(result[at], ending)
        if result:
            open_end = bool(self.lines) and not self.lines[-1].endswith("\n")
            result[last] = bare(result[last]) if open_end else _ended(result[last], ending)
        return Document(self.mark, tuple(result))

    def ended(self, *, open_end: bool) -> "Document":
        """The document whose last line ends without a newline, or with one."""
        if not self.lines:
            return self
        last = (
            bare(self.lines[-1])
            if open_end
            else _ended(bare(self.lines[-1]), self._ending(len(self.lines) - 1))
        )
        return Document(self.mark, (*self.lines[:-1], last))

    def rewritten(self, lines: Sequence[str]) -> "Document":
        """The document with these lines instead; those that stay keep their bytes, its end stays as it is."""
        fresh = [line.removeprefix(BOM) for line in lines[:1]] + list(lines[1:])
        stays = {new: self.lines[old] for old, new in paired(self.bare, fresh)}
        result: list[str] = []
        ending = "\r\n" if self.lines[0].endswith("\r\n") else "\n"
        for at, line in enumerate(fresh):
            result.append(_ended(stays.get(at, line), ending))
            ending = "\r\n" if result[-1].endswith("\r\n") else "\n"
        if result and not self.lines[-1].endswith("\n"):
            result[-1] = bare(result[-1])
        return Document(self.mark, tuple(result))

    def _ending(self, start: int) -> str:
        near = [line for line in self.lines[max(0, start - 1) : start + 1] if line.endswith("\n")]
        return "\r\n" if near and near[-1].endswith("\r\n") else "\n"


def split_lines(text: str) -> list[str]:
    """Lines with their endings; only LF ends one."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def _ended(line: str, ending: str) -> str:
    return line if line.endswith("\n") else line + ending


def bare(line: str) -> str:
    """A line without its ending."""
    return line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")
