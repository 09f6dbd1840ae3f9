"""New lint errors of changed Python files, by ruff's rules for what is wrong rather than unlovely.

An error is new when there are more of its rule, message and line than there were before. Ruff runs as a
process of its own over a temporary folder, without anybody's configuration, and within a time.
"""

import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

import orjson
from ruff import find_ruff_bin

from schemas.results import Check
from workers.grammars import language_of
from workers.verify.looked import Looked
from workers.verify.verdict import clipped

RULES: Final = (
    "E9", "F", "PLE", "B002", "B003", "B006", "B012", "B018", "B020", "B021", "B023", "B025", "B029", "B030",
    "B035",
)  # fmt: skip
"""Errors in the narrow sense: names that are not there, code that can't work or doesn't do what it says."""
NOT_RULES: Final = ("F401", "F403", "F405", "F841", "F842")
"""What is unused or unclear: an import may be there for others, and a refactoring leaves one on purpose."""

_NAME: Final = "lint"
_SECONDS: Final = 20.0
_LARGEST: Final = 800_000
_SHOWN: Final = 5
_NAME_LENGTH: Final = 100
_LONGEST_REPORT: Final = 4_000_000
_COMPARED: Final = 300
"""Characters of a line: what many errors on one long line keep is bounded."""
_NEWEST: Final = "py314"
"""What a newer Python allows is no error here: the syntax is another check's."""

_Found = tuple[str, int, str, str]
"""Rule, 1-based line, message, text of the line."""


def check_lint(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str | None, Looked]:
    """One check for each changed Python file, and one that names the kinds of the others."""
    ours = {path: text for path, text in after.items() if language_of(path) == "python"}
    found: dict[str | None, Looked] = {}
    if ours:
        known = {path: before[path] for path in ours if path in before}
        ran = _ruff(known, ours)
        found.update({path: Looked(_check(path, ran)) for path in ours})
    if others := sorted({PurePosixPath(path).suffix or "no suffix" for path in after if path not in ours}):
        detail = f"there is no linter here for files with {', '.join(others)}"
        found[None] = Looked(Check(name=_NAME, passed=None, detail=clipped(detail, 300)), applies=False)
    return found


def _check(path: str, ran: "dict[tuple[str, str], list[_Found]] | str") -> Check:
    if isinstance(ran, str):
        return Check(name=_NAME, passed=None, detail=f"{path}: {ran}")
    new = _new(ran.get(("before", path), []), ran.get(("after", path), []))
    if not new:
        return Check(name=_NAME, passed=True, detail=f"{path}: no new error")
    told = "; ".join(f"{path}:{line}: {message} ({rule})" for rule, line, message, _ in new[:_SHOWN])
    more = f"; and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    return Check(name=_NAME, passed=False, detail=clipped(told, 1000) + more)


def _new(before: list[_Found], after: list[_Found]) -> list[_Found]:
    left = Counter((rule, message, text) for rule, _, message, text in before)
    new = []
    for one in after:
        rule, _, message, text = one
        left[rule, message, text] -= 1
        if left[rule, message, text] < 0:
            new.append(one)
    return new


def _ruff(before: Mapping[str, str], after: Mapping[str, str]) -> dict[tuple[str, str], list[_Found]] | str:
    """What ruff says of each file on each side, or why it says nothing."""
    if sum(map(len, (*before.values(), *after.values()))) > _LARGEST:
        return "too large to be linted"
    with tempfile.TemporaryDirectory(prefix="lint-") as made:
        # Ruff reports where a path really leads.
        folder = Path(made).resolve()
        sides = {"before": before, "after": after}
        for side in sides:
            (folder / side).mkdir()
        placed = {
            _placed(folder / side / str(number), path, text): (side, path)
            for side, tree in sides.items()
            for number, (path, text) in enumerate(tree.items())
        }
        told = folder / "told"
        try:
            with told.open("wb") as out:
                done = subprocess.run(
                    [_binary(), "check", "--isolated", "--no-cache", "--quiet", "--exit-zero",
                     "--output-format", "json-lines", "--target-version", _NEWEST,
                     "--select", ",".join(RULES), "--ignore", ",".join(NOT_RULES), "before", "after"],
                    cwd=folder, env={}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                    check=False, timeout=_SECONDS,
                )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the linter did not end well ({type(error).__name__})"
        if done.returncode:
            return f"the linter did not end well (exit code {done.returncode})"
        if told.stat().st_size > _LONGEST_REPORT:
            return "has too many lint errors to be compared"
        return _read(told.read_bytes().splitlines(), placed, sides)


def _placed(folder: Path, path: str, text: str) -> str:
    """Where a file is written: under its own name, which some rules look at, and no folder of its own."""
    folder.mkdir(parents=True)
    name = PurePosixPath(path).name
    target = folder / (name if len(name.encode()) <= _NAME_LENGTH else f"module{PurePosixPath(path).suffix}")
    target.write_bytes(text.encode("utf-8", "replace"))
    return str(target)


def _read(
    told: list[bytes],
    placed: Mapping[str, tuple[str, str]],
    trees: Mapping[str, Mapping[str, str]],
) -> dict[tuple[str, str], list[_Found]]:
    lines = {(side, path): text.split("\n") for side, tree in trees.items() for path, text in tree.items()}
    found: dict[tuple[str, str], list[_Found]] = {}
    for one in map(orjson.loads, told):
        place = placed.get(one["filename"])
        # What does not parse is the other check's to tell.
        if place is None or not one["code"] or one["code"] == "invalid-syntax":
            continue
        line = int(one["location"]["row"])
        text = lines[place][line - 1][:_COMPARED].strip() if 0 < line <= len(lines[place]) else ""
        found.setdefault(place, []).append((one["code"], line, clipped(one["message"], 200), text))
    return found


@cache
def _binary() -> str:
    return str(find_ruff_bin())
