"""A model's answer as edits, whichever of the four dialects it speaks, or several of them.

One pass over the lines: each block is read by the dialect that its first line belongs to, the rest is
prose. What could be a piece of a block and was not read as one is a problem: no change gets lost in silence.
"""

import re
import unicodedata
from collections.abc import Callable, Set
from typing import Final, NamedTuple

from workers.verify.blocks import FORM, read_block
from workers.verify.edits import AnyEdit, Parsed, Whole, touched
from workers.verify.jsoned import FORM as NO_JSON
from workers.verify.jsoned import is_wrapped, wraps_code
from workers.verify.problems import Problem, Reason
from workers.verify.reading import Reading
from workers.verify.unified import read_diff_part
from workers.verify.v4a import read_patch
from workers.verify.verdict import clipped
from workers.verify.whole import doubtful_ends, nameless, read_file

_SHOWN: Final = 60
_HEADING: Final = 2
"""Lines above a block that may name its file."""
_LEFT_OUT: Final = "[… blocks that are kept are left out here …]"
_READERS: Final[dict[str, Callable[[Reading, int], int | None]]] = {
    "<": read_block,
    "*": read_patch,
    **dict.fromkeys("d-@", read_diff_part),
    **dict.fromkeys("`~ ", read_file),
}
_STRAY: Final = (
    "<<<<<", ">>>>>", "@@ ", "*** Begin Patch", "*** End Patch", "*** Update File", "*** Add File",
    "*** Delete File", "*** Move to", "*** End of File", "GIT binary patch",
)  # fmt: skip
# A path and the marker below it, run together.
_GLUED: Final = re.compile(r"\S*\w(?:<{5,20}\s?(?:SEARCH|DELETE)|[`~]{3,})\s*")
_GLUED_ENDS: Final = ("H", "E", "`", "~")
_LONGEST: Final = 300
_DIFF_FENCE: Final = re.compile(r"(?:`{3,}|~{3,})\s?(?:diff|patch|udiff)\b")


def parse_edits(answer: str, known: Set[str]) -> Parsed:
    """The edits of an answer in order; `known` are the paths of the tree."""
    reading = Reading(answer, known)
    starts = [block.start for block in _read(reading)]
    problems = [
        *reading.problems,
        *_left_over(reading),
        *doubtful_ends(reading, starts),
        *nameless(reading),
        *_mixed(reading),
    ]
    if wraps_code(reading.prose) or (not reading.number and is_wrapped(answer)):
        problems.append(Problem(Reason.JSON, NO_JSON))
    if not reading.edits and not problems:
        problems.append(Problem(Reason.NO_EDITS, f"The answer holds no edit block. {FORM}"))
    prose = "\n".join(reading.prose).strip()
    return Parsed(tuple(reading.edits), prose, tuple(problems), tuple(reading.notes))


def excerpt(answer: str, known: Set[str], numbers: Set[int]) -> str:
    """The blocks of these numbers with the lines that name their files, and a mark where others are left out.

    Empty where the answer holds none of them."""
    reading = Reading(answer, known)
    shown, left_out, above = list[str](), False, 0
    for block in _read(reading):
        if numbers.isdisjoint(block.numbers):
            left_out = True
        else:
            shown += [_LEFT_OUT] if left_out else []
            shown += reading.lines[max(above, block.start - _HEADING) : block.after]
            left_out = False
        above = block.after
    return "\n".join([*shown, _LEFT_OUT] if shown and left_out else shown)


class _Block(NamedTuple):
    """Where something was read that edits are made of, and the numbers that its blocks got."""

    start: int
    after: int
    numbers: range


def _read(reading: Reading) -> list[_Block]:
    """Go through the answer; what stands where in it."""
    lines, at, blocks = reading.lines, 0, list[_Block]()
    while at < len(lines) and not reading.full:
        reader, number = _READERS.get(lines[at][:1]), reading.number
        after = reader(reading, at) if reader else None
        if after is None:
            reading.say(lines[at])
            at += 1
        else:
            blocks.append(_Block(at, after, range(number + 1, reading.number + 1)))
            reading.floor, at = len(reading.prose), after
    return blocks


def _left_over(reading: Reading) -> list[Problem]:
    """A block whose first marker is lost must not pass for prose: the rest would apply without it."""
    # Of a file that is never changed, a path alone on a line is the head of a block that got lost.
    lone = reading.known - {path for edit in reading.edits for path in touched(edit)} if reading.edits else ()
    stray = next((line.strip() for line in reading.prose if _is_stray(line)), None)
    stray = stray or next((line.strip() for line in reading.prose if line.strip() in lone), None)
    if stray is None:
        return []
    text = f"`{clipped(stray, _SHOWN)}` stands outside of any block, as if one began wrongly. {FORM}"
    return [Problem(Reason.GARBLED, text)]


def _is_stray(line: str) -> bool:
    start = line.lstrip()
    if start.rstrip()[-1:] in _GLUED_ENDS and _GLUED.fullmatch(start[-_LONGEST:]):
        return True
    if start[:1] > "\x7f":
        start = unicodedata.normalize("NFKC", start[:20])
    return start.startswith(_STRAY) or (start[:1] in "`~" and _DIFF_FENCE.match(start) is not None)


def _mixed(reading: Reading) -> list[Problem]:
    """Files that are given whole and changed by blocks as well, or whole in two versions."""
    wholes: dict[str, Whole] = {}
    doubtful: dict[str, AnyEdit] = {}
    for edit in reading.edits:
        if isinstance(edit, Whole) and wholes.setdefault(edit.path, edit) != edit:
            doubtful[edit.path] = edit
    for edit in reading.edits:
        if not isinstance(edit, Whole):
            doubtful |= {path: edit for path in touched(edit) if path in wholes}
    return [
        Problem(
            Reason.MIXED,
            f"Block {edit.number} ({path}): the file is given whole and changed in another way as well. "
            "Give it in one way.",
            path,
            edit.number,
        )
        for path, edit in doubtful.items()
    ]
