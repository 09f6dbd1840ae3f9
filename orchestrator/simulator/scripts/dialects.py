"""The same change written in other forms than the one asked for, as models do: patch, diff, whole file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.code import LABEL, Block, CodeAnswer

Files = Mapping[str, str]


def render_in(answer: CodeAnswer, persona: Persona, files: Files) -> str:
    """The answer with its blocks in the form that the persona writes."""
    parts = [f"{LABEL} {answer.explanation}", _FORMS[persona](answer.blocks, files), *answer.verdicts]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a block: those that stay at both ends, those that go, those that come."""

    head: tuple[str, ...]
    old: tuple[str, ...]
    new: tuple[str, ...]
    tail: tuple[str, ...]

    @classmethod
    def of(cls, block: Block) -> "_Lines":
        old = block.search.split("\n") if block.search else []
        new = block.replace.split("\n")
        most, head, tail = min(len(old), len(new)), 0, 0
        while head < most and old[head] == new[head]:
            head += 1
        while tail < most - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        return cls(
            tuple(old[:head]),
            tuple(old[head : len(old) - tail]),
            tuple(new[head : len(new) - tail]),
            tuple(old[len(old) - tail :]),
        )

    @property
    def marked(self) -> list[str]:
        """The lines as a diff marks them."""
        sides = ((" ", self.head), ("-", self.old), ("+", self.new), (" ", self.tail))
        return [mark + line for mark, lines in sides for line in lines]


def _patch(blocks: tuple[Block, ...], _: Files) -> str:
    made = ["*** Begin Patch"]
    for block in blocks:
        new = not block.search
        made += [f"*** {'Add' if new else 'Update'} File: {block.path}", *([] if new else ["@@"])]
        made += _Lines.of(block).marked
    return "\n".join([*made, "*** End Patch"])


def _diff(blocks: tuple[Block, ...], files: Files) -> str:
    made = ["```diff"]
    for block in blocks:
        lines = _Lines.of(block)
        old = len(lines.head) + len(lines.old) + len(lines.tail)
        new = old - len(lines.old) + len(lines.new)
        at = _line(files.get(block.path, ""), block.search) if old else 0
        made += [f"--- a/{block.path}" if old else "--- /dev/null", f"+++ b/{block.path}"]
        made += [f"@@ -{at},{old} +{at or 1},{new} @@", *lines.marked]
    return "\n".join([*made, "```"])


def _line(text: str, search: str) -> int:
    return text[: max(0, f"\n{text}".find(f"\n{search}\n"))].count("\n") + 1


def _wholes(blocks: tuple[Block, ...], files: Files) -> str:
    """Each file once, after all its blocks."""
    after: dict[str, str] = {}
    for block in blocks:
        text = "\n" + after.get(block.path, files.get(block.path, "")).removesuffix("\n") + "\n"
        made = text.replace(f"\n{block.search}\n", f"\n{block.replace}\n", 1) if block.search else ""
        after[block.path] = made.removeprefix("\n").removesuffix("\n") if made else block.replace
    return "\n\n".join(f"{path}\n{_FENCE}\n{text}\n{_FENCE}" for path, text in after.items())


# Longer than the fences that code holds.
_FENCE: Final = "`" * 5
_FORMS: Final[dict[Persona, Callable[[tuple[Block, ...], Files], str]]] = {
    Persona.V4A: _patch,
    Persona.UNIFIED: _diff,
    Persona.WHOLE: _wholes,
}
DIALECTS: Final = frozenset(_FORMS)
