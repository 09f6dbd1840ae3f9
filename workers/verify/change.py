"""From an answer to a change of a tree, or to every reason why it is none; the first half of verification.

Nothing outside the tree, nothing in `.git`, nothing by halves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.contexts import Constraints
from workers.verify.apply import Applied, apply
from workers.verify.edits import AnyEdit, Parsed, touched
from workers.verify.parse import parse_edits
from workers.verify.paths import clashes, refused
from workers.verify.problems import Problem, Reason, texts
from workers.verify.verdict import clipped

_LARGEST_FILE: Final = 2_000_000


@dataclass(frozen=True)
class Change:
    """The tree after an answer; with faults, it is not to be used.

    `changed` are the paths that differ, `moves` new paths with their old ones, `prose` what was said around,
    `edits` what was applied, in order.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    changed: tuple[str, ...]
    moves: Mapping[str, str]
    prose: str
    notes: tuple[str, ...]
    faults: tuple[Problem, ...]
    edits: tuple[AnyEdit, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps the answer from being used, in words for the model."""
        return texts(self.faults)


def change(before: Mapping[str, str], answer: str, constraints: Constraints) -> Change:
    """Read an answer and apply it in memory, within what the constraints allow."""
    return changed_by(before, parse_edits(answer, before.keys()), constraints)


def changed_by(
    before: Mapping[str, str], parsed: Parsed, constraints: Constraints, kept: Sequence[AnyEdit] = ()
) -> Change:
    """The tree after the edits that were read; `kept` are those of earlier answers, which go first."""
    forbidden = _forbidden(parsed, constraints)
    paths = {problem.path for problem in forbidden}
    edits = (*kept, *(edit for edit in parsed.edits if paths.isdisjoint(touched(edit))))
    applied = apply(before, edits)
    changed = tuple(
        path for path in sorted(before.keys() | applied.files) if before.get(path) != applied.files.get(path)
    )
    notes = (*parsed.notes, *applied.notes)
    faults = [*parsed.faults, *forbidden, *applied.faults]
    if not faults:
        faults = _unfit(changed, before, applied, constraints)
    return Change(before, applied.files, changed, applied.moves, parsed.prose, notes, tuple(faults), edits)


def _forbidden(parsed: Parsed, constraints: Constraints) -> list[Problem]:
    """Paths that may not be touched, each once."""
    numbers = {path: edit.number for edit in reversed(parsed.edits) for path in touched(edit)}
    return [
        Problem(Reason.PATH, f"The path {clipped(path, 200)!r} {why}.", path, number)
        for path, number in reversed(numbers.items())
        if (why := refused(path, constraints.paths))
    ]


def _unfit(
    changed: tuple[str, ...], before: Mapping[str, str], applied: Applied, constraints: Constraints
) -> list[Problem]:
    """What is wrong with the change as a whole."""
    if not changed:
        told = " ".join(applied.notes) or "each block replaces lines by themselves."
        return [Problem(Reason.UNCHANGED, f"The answer changes nothing: {told}")]
    created = [path for path in changed if path not in before]
    problems = [Problem(Reason.CLASH, text) for text in clashes(applied.files.keys(), created)]
    if constraints.max_files and len(changed) > constraints.max_files:
        text = f"The answer changes {len(changed)} files; at most {constraints.max_files} may change."
        problems.append(Problem(Reason.TOO_MUCH, text))
    large = [path for path in changed if len(applied.files.get(path, "")) > _LARGEST_FILE]
    return problems + [
        Problem(Reason.TOO_MUCH, f"{path}: the file would have more than {_LARGEST_FILE} characters.", path)
        for path in large
    ]
