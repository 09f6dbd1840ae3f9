"""Answers that are right and badly made, in ways that take turns: which one a task gets, its text decides.

Half of them a good reader takes as they are; the others have to be asked for again.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.code import LABEL, Block, CodeAnswer
from orchestrator.simulator.scripts.dialects import render_in
from orchestrator.simulator.scripts.prompt import Prompt

Kind = Callable[[CodeAnswer, Prompt], str]


def careless(answer: CodeAnswer, prompt: Prompt) -> str:
    """The answer, damaged in the way that is this task's."""
    names = sorted(KINDS)
    number = zlib.crc32(prompt.description.encode("utf-8", "replace"))
    return KINDS[names[number % len(names)]](answer, prompt)


def relapses(prompt: Prompt) -> bool:
    """Whether this answer is damaged: a first one always, later ones as the task's text and its round say."""
    return not prompt.rounds or _drawn(prompt) % 2 == 1


def relapsing(answer: CodeAnswer, prompt: Prompt) -> str:
    """The answer damaged in a way of its own in each round, or the good one."""
    if not relapses(prompt):
        return answer.render()
    kinds = REFUSED if prompt.rounds else KINDS
    names = sorted(kinds)
    return kinds[names[_drawn(prompt) // 2 % len(names)]](answer, prompt)


def _drawn(prompt: Prompt) -> int:
    text = f"{prompt.rounds} {prompt.description}"
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])


def _ahead(indent: str, text: str) -> str:
    return re.sub(r"^(?=.)", indent, text, flags=re.MULTILINE)


def _changed(answer: CodeAnswer, change: Callable[[Block], Block]) -> str:
    return replace(answer, blocks=tuple(change(block) for block in answer.blocks)).render()


def _indented(answer: CodeAnswer, _: Prompt) -> str:
    def more(block: Block) -> Block:
        if not block.search:
            return block
        return replace(block, search=_ahead("    ", block.search), replace=_ahead("    ", block.replace))

    return _changed(answer, more)


def _trailing(answer: CodeAnswer, _: Prompt) -> str:
    def spaced(block: Block) -> Block:
        return replace(block, search=re.sub(r"(?<=.)$", " ", block.search, flags=re.MULTILINE))

    return _changed(answer, spaced)


def _bad_counts(answer: CodeAnswer, prompt: Prompt) -> str:
    text = render_in(answer, Persona.UNIFIED, prompt.files)
    return re.sub(r"^@@ -(\d+),\d+ \+(\d+),\d+ @@", r"@@ -\g<1>1,99 +\g<2>7,1 @@", text, flags=re.MULTILINE)


def _prose(answer: CodeAnswer, _: Prompt) -> str:
    talk = f"{LABEL} Let us look.\n\n- one thing\n- another"
    return f"{talk}\n\n{answer.render()}\nDo tell me how it went!\n"


def _fenced_twice(answer: CodeAnswer, _: Prompt) -> str:
    fenced = answer.blocks[0].render()
    return answer.render().replace(fenced, f"```\n```python\n{fenced}\n```\n```")


def _doubled(answer: CodeAnswer, _: Prompt) -> str:
    return answer.render() * 2


def _misnamed(answer: CodeAnswer, _: Prompt) -> str:
    # A block that makes a file would make it under any name, so that one is made outside.
    def misnamed(block: Block) -> Block:
        return replace(block, path=("misnamed/" if block.search else "../") + block.path)

    return _changed(answer, misnamed)


def _half(answer: CodeAnswer, _: Prompt) -> str:
    return answer.render().rpartition(">>>>>>>")[0]


def _json(answer: CodeAnswer, _: Prompt) -> str:
    files = [{"path": block.path, "content": block.replace} for block in answer.blocks]
    text = json.dumps({"explanation": answer.explanation, "files": files}, indent=2)
    return f"{LABEL}\n\n```json\n{text}\n```\n"


def _abbreviated(answer: CodeAnswer, _: Prompt) -> str:
    return _changed(
        answer, lambda block: replace(block, replace=f"{block.replace}\n# ... rest of the code unchanged ...")
    )


FORGIVEN: Final[dict[str, Kind]] = {
    "indented": _indented,
    "trailing": _trailing,
    "bad_counts": _bad_counts,
    "prose": _prose,
    "fenced_twice": _fenced_twice,
    "doubled": _doubled,
}
"""What still says beyond doubt what is meant."""
REFUSED: Final[dict[str, Kind]] = {
    "misnamed": _misnamed,
    "half": _half,
    "json": _json,
    "abbreviated": _abbreviated,
}
KINDS: Final = FORGIVEN | REFUSED
