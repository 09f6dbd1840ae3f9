"""Search/replace blocks: the dialect that is asked for.

What a block means is never guessed. The three markers of a block have the same length, so code that holds
marker lines is quoted with longer ones.
"""

import re
from typing import Final

from workers.verify.edits import Deletion, Edit
from workers.verify.problems import Reason
from workers.verify.reading import Reading

_MARKER_WIDTH: Final = 60
_OPEN: Final = re.compile(r"(<{5,20})\s?(SEARCH|DELETE)\s*")
_DIVIDER: Final = re.compile(r"(={5,20})\s*")
_CLOSE: Final = re.compile(r"(>{5,20})\s?(?:REPLACE|DELETE)\s*")
_SLACK: Final = 2
FORM: Final = (
    "Write the path alone on a line, then `<<<<<<< SEARCH`, the old lines, `=======`, the new lines, "
    "`>>>>>>> REPLACE`."
)
_LONGER: Final = (
    "If the code itself holds such lines, write all three markers of the block with nine characters."
)


def opens_block(lines: list[str], at: int) -> bool:
    """Whether a block begins at a line."""
    return _marker(_OPEN, lines[at]) is not None


def read_block(reading: Reading, at: int) -> int | None:
    """Read the block that opens here, if one does; where to go on."""
    opening = _marker(_OPEN, reading.lines[at])
    if opening is None:
        return None
    if not reading.begin():
        return at
    width, lines = len(opening[1]), reading.lines
    heading = reading.heading()
    inherited, reading.path = reading.path, heading or reading.path
    if opening[2] == "DELETE":
        _delete(reading, heading)
        return _past_markers(lines, at + 1)
    end = _next_opening(lines, at + 1, width)
    close = _closing(lines, at + 1, end, width)
    if close is None:
        reading.refuse(Reason.UNCLOSED, f"is not closed by `>>>>>>> REPLACE`. {_LONGER}")
        return end
    _replace(reading, lines[at + 1 : close], width, (heading, inherited))
    return close + 1


def _delete(reading: Reading, heading: str | None) -> None:
    if heading is None:
        reading.refuse(
            Reason.NO_PATH,
            "deletes without saying what: write the path alone on the line before `<<<<<<< DELETE`.",
        )
    else:
        reading.edits.append(Deletion(heading, reading.number))


def _replace(reading: Reading, body: list[str], width: int, paths: tuple[str | None, str | None]) -> None:
    dividers = _dividers(body, width)
    if len(dividers) != 1:
        count = "no" if not dividers else str(len(dividers))
        reading.refuse(
            Reason.GARBLED, f"holds {count} `=======` lines, where exactly one has to stand. {_LONGER}"
        )
        return
    heading, inherited = paths
    search, replace = tuple(body[: dividers[0]]), tuple(body[dividers[0] + 1 :])
    # A block that quotes lines proves its file by finding them; one that creates a file does not.
    path = heading or (inherited if any(line.strip() for line in search) else None)
    if path is None:
        reading.refuse(Reason.NO_PATH, f"has no path. {FORM}")
    else:
        reading.edits.append(Edit(path, search, replace, reading.number))


def _next_opening(lines: list[str], start: int, width: int) -> int:
    for at in range(start, len(lines)):
        opening = _marker(_OPEN, lines[at])
        if opening and len(opening[1]) == width:
            return at
    return len(lines)


def _closing(lines: list[str], start: int, end: int, width: int) -> int | None:
    found = [(at, close) for at in range(start, end) if (close := _marker(_CLOSE, lines[at]))]
    exact = [at for at, close in found if len(close[1]) == width]
    similar = [at for at, close in found if abs(len(close[1]) - width) <= _SLACK]
    return next(iter(exact or similar), None)


def _past_markers(lines: list[str], at: int) -> int:
    while at < len(lines) and (_marker(_DIVIDER, lines[at]) or _marker(_CLOSE, lines[at])):
        at += 1
    return at


def _dividers(body: list[str], width: int) -> list[int]:
    found = [(at, divider) for at, line in enumerate(body) if (divider := _marker(_DIVIDER, line))]
    exact = [at for at, divider in found if len(divider[1]) == width]
    return exact or [at for at, divider in found if abs(len(divider[1]) - width) <= _SLACK]


def _marker(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    return (
        pattern.fullmatch(line)
        if line[:5] in ("<<<<<", "=====", ">>>>>") and len(line) <= _MARKER_WIDTH
        else None
    )
