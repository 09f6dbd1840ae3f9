"""Whole files: a fenced block right below a line that is a path, or whose fence names one.

Where a fence ends must be beyond doubt: a file cut short at a fence of its own would pass for the whole.
"""

import re
from typing import Final

from workers.verify.blocks import opens_block
from workers.verify.edits import Whole
from workers.verify.headings import fence_path, is_fence, path_in
from workers.verify.problems import Problem, Reason
from workers.verify.reading import Fence, Reading
from workers.verify.unified import opens_diff
from workers.verify.v4a import opens_patch

_PROSE: Final = (".md", ".mdx", ".markdown", ".rst", ".txt")
_NO_FILES: Final = frozenset(
    {
        "node.js",
        "next.js",
        "vue.js",
        "nuxt.js",
        "react.js",
        "express.js",
        "three.js",
        "d3.js",
        "socket.io",
        "e.g",
    }
)
_USUAL: Final = 3
_DIFFS: Final = frozenset({"diff", "patch", "udiff"})
_TALK: Final = frozenset(
    {"sh", "bash", "shell", "zsh", "console", "shell-session", "text", "txt", "plain", "output", "powershell"}
)
_SUFFIX: Final = re.compile(r"\w\.[a-z]{1,5}$")
_NESTED: Final = (
    "is fenced, and holds fences itself, so its end is in doubt: put a longer fence around the file, "
    "or change it with SEARCH/REPLACE blocks."
)


def opens_any(lines: list[str], at: int) -> bool:
    """Whether something of another dialect begins at a line."""
    match lines[at][:1]:
        case "<":
            return opens_block(lines, at)
        case "*":
            return opens_patch(lines, at)
        case "d" | "-" | "@":
            return opens_diff(lines, at)
        case _:
            return False


def read_file(reading: Reading, at: int) -> int | None:
    """Read the file that the fence holds which opens here, if it holds one; where to go on."""
    fence = reading.fence(at)
    path = _path(reading, fence) if fence is not None else None
    if fence is None or path is None or fence.info.lower() in _DIFFS:
        return None
    close = reading.closing(fence)
    end = len(reading.lines) if close is None else close
    inner = next((line for line in range(at + 1, end) if opens_any(reading.lines, line)), None)
    if inner is not None and _dress(reading, at + 1, inner):
        return None
    # Who takes a longer fence than usual means whatever stands in it.
    inner = inner if fence.width == _USUAL else None
    if not reading.begin():
        return at
    reading.heading()
    reading.path = path
    if inner is not None or any(line.startswith("@@") for line in reading.lines[at + 1 : at + 2]):
        reading.refuse(
            Reason.MIXED, "is fenced like a whole file, but holds blocks or a diff. Give one of them."
        )
        return end
    if close is None:
        reading.refuse(Reason.UNCLOSED, "is a whole file whose fence is not closed: it may be broken off.")
        return end
    return _take(reading, path, fence, close)


def _path(reading: Reading, fence: Fence) -> str | None:
    """The file that is fenced: named by the fence, else by the line above, which one blank may follow."""
    if fence.info and (path := fence_path(reading.lines[fence.at], reading.known)):
        return path
    above = reading.prose[max(reading.floor, len(reading.prose) - 2) :]
    if above and not above[-1].strip():
        above.pop()
    dressed = above and above[-1][:3] not in ("", "```", "~~~")
    path = path_in(above[-1], reading.known, adjacent=False) if dressed else None
    if path is None or path in reading.known:
        return path
    telling = "/" in path or "." in path
    return path if telling and path.lower() not in _NO_FILES and not set("()$=;,") & set(path) else None


def _dress(reading: Reading, start: int, inner: int) -> bool:
    """Whether the fence is only put around blocks: nothing but blank lines or a path comes before them."""
    told = [line for line in reading.lines[start:inner][:4] if line.strip()]
    return not told or (
        inner - start <= 3 and len(told) == 1 and path_in(told[0], reading.known, adjacent=True) is not None
    )


def _take(reading: Reading, path: str, fence: Fence, close: int) -> int:
    start, after = fence.at + 1, close + 1
    inner = [
        one
        for one in reading.fences_between(start, close)
        if one.sign == fence.sign and one.width >= fence.width
    ]
    twice = len(inner) == 1 and inner[0].at == start and not path.endswith(_PROSE)
    second = reading.fence(after) if twice and after < len(reading.lines) else None
    if second is not None and second.sign == fence.sign and not second.info:
        start, after, inner = start + 1, after + 1, []
    if inner:
        reading.refuse(Reason.NESTED_FENCES, _NESTED)
    else:
        reading.edits.append(Whole(path, tuple(reading.lines[start:close]), reading.number))
        reading.ends[reading.number] = (path, after)
    return after


def nameless(reading: Reading) -> list[Problem]:
    """Where files are given whole: fenced code that may be one more, whose path was not recognised."""
    if not any(isinstance(edit, Whole) for edit in reading.edits):
        return []
    above, inside = "", False
    for line in reading.prose:
        if is_fence(line):
            inside = not inside
            if inside and _may_be_file(line, above):
                text = f"`{above[:80]}` stands above fenced code. If that is a file, write its path alone."
                return [Problem(Reason.NO_PATH, text)]
        elif line.strip() and not inside:
            above = line.strip()
    return []


def _may_be_file(fence: str, above: str) -> bool:
    info = fence.strip(" `~\t").lower()
    if info:
        return info not in _TALK
    last = above.rstrip(":*`").rpartition(" ")[2].strip("*`\"'()")
    return "/" in last or _SUFFIX.search(last) is not None


def doubtful_ends(reading: Reading, starts: list[int]) -> list[Problem]:
    """Whole files after whose fence more fences follow that may have been theirs."""
    problems: list[Problem] = []
    for number, (path, after) in reading.ends.items():
        end = next((start for start in starts if start >= after), len(reading.lines))
        left = reading.fences_between(after, end)
        if left and (len(left) % 2 or path.endswith(_PROSE)):
            text = f"Block {number} ({path}) {_NESTED}"
            problems.append(Problem(Reason.NESTED_FENCES, text, path, number))
    return problems
