"""A code answer: read, applied in memory, held against the constraints, checked, made into our own diff."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.results import Check, CodeResult, FileChange, Operation, Verification
from schemas.tasks import CodeRequest
from workers.verify.change import Change
from workers.verify.criteria import judge_criteria, without_criteria
from workers.verify.diff import tree_diff
from workers.verify.draft import FRESH, Draft
from workers.verify.kinds import check_kind
from workers.verify.ladder import climb, falls_short
from workers.verify.means import Means
from workers.verify.merge import take, without
from workers.verify.verdict import Accepted, Rejected, clipped, rejected

_EXPLANATION: Final = 20_000


def verify_code(request: CodeRequest, answer: str, draft: Draft, means: Means) -> Accepted | Rejected:
    """The change as a result with its level, or everything that keeps it from being one.

    `draft` is what earlier answers left of theirs; a refusal carries what is left now.
    """
    context = request.context
    before = {file.path: file.content for file in context.files}
    made, left = take(draft, before, answer, context.constraints)
    if made.faults:
        return rejected(made.problems, made.faults, left)
    kept = check_kind(request, made.before, made.after, made.changed)
    if problems := [check.detail for check in kept if check.passed is False]:
        return rejected(problems, draft=FRESH)
    criteria = judge_criteria("\n".join(reversed(left.said)), context.acceptance_criteria, made.after)
    climbed = climb(request, made, criteria, means)
    if short := falls_short(climbed, request.preferences.verification_level):
        return rejected(short.problems, draft=without(left, made, short.paths), mendable=short.mendable)
    notes = [Check(name="apply", passed=True, detail=clipped(note, 300)) for note in made.notes]
    explanation = "\n\n".join(filter(None, map(without_criteria, left.said)))
    return Accepted(
        CodeResult(
            diff=tree_diff(_part(before, made.changed), _part(made.after, made.changed), made.moves),
            files=_changes(made),
            explanation=clipped(explanation, _EXPLANATION),
            criteria=criteria,
            verification=Verification(level=climbed.level, checks=[*notes, *kept, *climbed.checks]),
        )
    )


def _part(tree: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    return {path: tree[path] for path in paths if path in tree}


def _changes(made: Change) -> list[FileChange]:
    return [_change(path, made.before.get(path), made.after.get(path)) for path in made.changed]


def _change(path: str, before: str | None, after: str | None) -> FileChange:
    digest = None if before is None else hashlib.sha256(before.encode()).hexdigest()
    operation = (
        Operation.CREATE if before is None else Operation.DELETE if after is None else Operation.MODIFY
    )
    return FileChange(path=path, operation=operation, base_sha256=digest, content=after)
