"""Code answers: an explanation, search/replace blocks, and a verdict on each criterion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.scripts.prompt import Criterion

_MARKER_WIDTHS: Final = (7, 9, 11, 13, 15)
LABEL: Final = "Simulated answer: no model was asked."


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to find in a file and lines to put there; without lines to find the file is new."""

    path: str
    search: str
    replace: str

    def render(self) -> str:
        """The block as an answer shows it."""
        search = f"{self.search}\n" if self.search else ""
        width = next(width for width in _MARKER_WIDTHS if width == _MARKER_WIDTHS[-1] or self._free(width))
        return (
            f"{self.path}\n{'<' * width} SEARCH\n{search}{'=' * width}\n{self.replace}\n{'>' * width} REPLACE"
        )

    def _free(self, width: int) -> bool:
        """Whether no line of the code looks like a marker of this width."""
        lines = [*self.search.split("\n"), *self.replace.split("\n")]
        markers = tuple(sign * width for sign in "<=>")
        return not any(line.startswith(markers) and line[width : width + 1] != line[0] for line in lines)


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """A change with what is said about it."""

    explanation: str
    blocks: tuple[Block, ...]
    verdicts: tuple[str, ...] = ()

    def render(self) -> str:
        """The whole answer."""
        parts = [f"{LABEL} {self.explanation}", *(block.render() for block in self.blocks)]
        if self.verdicts:
            parts.append("\n".join(self.verdicts))
        return "\n\n".join(parts) + "\n"


def verdicts(criteria: Sequence[Criterion], verdict: str, evidence: str, why: str) -> tuple[str, ...]:
    """The same verdict on every criterion."""
    return tuple(
        f'<criterion number="{criterion.number}" verdict="{verdict}" evidence="{evidence}">{why}</criterion>'
        for criterion in criteria
    )


def edit(path: str, old: str, new: str) -> Block:
    """One block that turns the old text into the new; its search lines occur once in the old text."""
    # The newline at the end of a file ends its last line; it doesn't begin an empty one.
    before, after = old.removesuffix("\n").split("\n"), new.removesuffix("\n").split("\n")
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    first, last = start, len(before) - end
    while not _unique(before, first, last) and (first > 0 or last < len(before)):
        if first > 0:
            first -= 1
        else:
            last += 1
    replaced = after[first : len(after) - (len(before) - last)]
    return Block(path, "\n".join(before[first:last]), "\n".join(replaced))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines the two begin with in common."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        count += 1
    return count


def _unique(lines: Sequence[str], first: int, last: int) -> bool:
    text, wanted = "\n".join(lines), "\n".join(lines[first:last])
    return bool(wanted.strip()) and text.find(wanted) == text.rfind(wanted)
