"""Whether lines that are given as a whole file may be less than that."""

from collections.abc import Sequence
from typing import Final

from workers.verify.documents import Document
from workers.verify.locate import occurrences
from workers.verify.problems import Reason
from workers.verify.replace import abbreviation

_SHORT: Final = 20
_PART: Final = 3
_CUT: Final = (
    "Change lines with SEARCH/REPLACE blocks; to really cut it so far, delete the file first, then create "
    "it in a block."
)


def doubt(document: Document, lines: Sequence[str]) -> tuple[Reason, str] | None:
    """Why the lines had better not replace a file that holds something."""
    if word := abbreviation(lines, document.bare):
        return Reason.ABBREVIATED, f"`{word}` stands for lines that are left out. Write every line."
    told = [line for line in lines if line.strip()]
    real = [line for line in document.bare if line.strip()]
    if told and occurrences(document.bare, lines, 1):
        return Reason.EXCERPT, "what is fenced is a piece of the file as it is, not the whole file changed."
    if told and told[0][:1] in (" ", "\t") and real[0][:1] not in (" ", "\t"):
        return Reason.EXCERPT, "what is fenced begins indented, so it is a piece of the file, not the whole."
    if len(real) >= _SHORT and _PART * len(told) < len(real):
        counts = f"of the file's {len(real)} lines that are not blank only {len(told)} are left."
        return Reason.EXCERPT, f"{counts} {_CUT}"
    return None
