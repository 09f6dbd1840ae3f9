"""Correct answers damaged at random: lines lost, doubled, moved, glued, cut, and pieces of other dialects."""

import random
from collections.abc import Iterator, Mapping
from typing import Final

from tests.corpus.edits.cases import CASES
from tests.corpus.edits.dialects import Dialect, answer
from tests.corpus.edits.hostile import HOSTILE

PIECES: Final = (
    "```", "````", "~~~", "```python src/shop.py", "```diff", "src/shop.py", "../../etc/passwd",
    "/etc/passwd",
    ".git/config", "<<<<<<< SEARCH", "<<<<<<< DELETE", "=======", ">>>>>>> REPLACE", "*** Begin Patch",
    "*** End Patch", "*** Update File: src/shop.py", "*** Add File: ../x", "*** Delete File: README.md",
    "*** Move to: .git/hooks/x", "*** End of File", "@@", "@@ def load(path):", "@@ -1,3 +1,4 @@",
    "@@ -0,0 +1 @@", "diff --git a/../x b/../x", "--- /dev/null", "+++ b/.git/config", "+++ /dev/null",
    "rename from src/shop.py", "rename to ../shop.py", "new file mode 120000", "GIT binary patch", "+", "-",
    " ",
    "", "\\ No newline at end of file", "\ufeff", "\r", "\x00", "\u2028", "\ud800",
    '{"path": "x", "content": "',
)  # fmt: skip


def mutations(count: int, seed: int) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """So many damaged answers with their trees; `name` tells how to get one again."""
    good = [(case.before, answer(case, dialect)) for case in CASES for dialect in Dialect]
    good += [(before, text) for _, before, text, _ in HOSTILE]
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        before, text = dice.choice(good)
        if dice.random() < 0.2:
            text += dice.choice(good)[1]
        yield f"{seed} {number}", before, _mutated(text, dice)


def _mutated(text: str, dice: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(lines))
        lines = _changed(lines, at, dice) or [""]
    return "\n".join(lines)


def _changed(lines: list[str], at: int, dice: random.Random) -> list[str]:
    piece = dice.choice(PIECES)
    match dice.randrange(12):
        case 0:
            return lines[:at] + lines[at + dice.randint(1, 4) :]
        case 1:
            return lines[: at + 1] + lines[at:]
        case 2:
            return [*lines[:at], piece, *lines[at:]]
        case 3:
            return [*lines[:at], piece, *lines[at + 1 :]]
        case 4:
            return [*lines[:at], lines[at] + piece, *lines[at + 1 :]]
        case 5:
            return [*lines[:at], *("  " + line for line in lines[at : at + 4]), *lines[at + 4 :]]
        case 6:
            return [*lines[:at], lines[at][: len(lines[at]) // 2]]
        case 7:
            return lines[:at] + lines[at : at + 6][::-1] + lines[at + 6 :]
        case 8:
            return [line + "\r" for line in lines]
        case 9:
            other = dice.randrange(len(lines))
            return lines[:at] + lines[other : other + 5] + lines[at:]
        case 10:
            cut = dice.randrange(len(lines[at]) + 1)
            return [*lines[:at], lines[at][:cut], lines[at][cut:], *lines[at + 1 :]]
        case _:
            return [line[1:] if number == at else line for number, line in enumerate(lines)]
