"""A code answer: read, applied in memory, held against the constraints, checked, made into our own diff."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.results import (
    Check,
    CodeResult,
    FileChange,
    Operation,
    Verification,
    VerificationLevel,
)
from schemas.tasks import CodeRequest
from workers.verify.change import change
from workers.verify.check import check_syntax
from workers.verify.criteria import judge_criteria, without_criteria
from workers.verify.diff import tree_diff
from workers.verify.kinds import check_kind
from workers.verify.verdict import Accepted, Rejected, below, clipped, rejected

_EXPLANATION: Final = 20_000


def verify_code(request: CodeRequest, answer: str) -> Accepted | Rejected:
    """The change as a result with its level, or everything that keeps it from being one."""
    context = request.context
    made = change({file.path: file.content for file in context.files}, answer, context.constraints)
    if made.faults:
        return rejected(made.problems, made.faults)
    before, after, changed = made.before, made.after, made.changed
    kept = check_kind(request, before, after, changed)
    if problems := [check.detail for check in kept if check.passed is False]:
        return rejected(problems)
    checks = check_syntax(dict(before), _part(after, changed))
    required = request.preferences.verification_level
    level = _level(checks)
    if problems := _short(checks, level, required):
        return rejected(problems)
    notes = [Check(name="apply", passed=True, detail=clipped(note, 300)) for note in made.notes]
    return Accepted(
        CodeResult(
            diff=tree_diff(_part(before, changed), _part(after, changed), made.moves),
            files=[_change(path, before.get(path), after.get(path)) for path in changed],
            explanation=clipped(without_criteria(made.prose), _EXPLANATION),
            criteria=judge_criteria(made.prose, context.acceptance_criteria, after),
            verification=Verification(level=level, checks=[*notes, *kept, *checks]),
        )
    )


def _part(tree: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    return {path: tree[path] for path in paths if path in tree}


def _level(checks: list[Check]) -> VerificationLevel:
    return VerificationLevel.SYNTAX if all(check.passed for check in checks) else VerificationLevel.APPLIED


def _short(checks: list[Check], level: VerificationLevel, required: VerificationLevel | None) -> list[str]:
    """Why the checks don't suffice: without a required level, each that applies has to pass."""
    if required is None:
        return [f"{check.detail}. Mend the syntax." for check in checks if check.passed is False]
    if not below(level, required):
        return []
    lacking = [f"{check.detail}." for check in checks if not check.passed]
    return [*lacking, f"The level {required.value!r} is required; this answer reaches {level.value!r}."]


def _change(path: str, before: str | None, after: str | None) -> FileChange:
    digest = None if before is None else hashlib.sha256(before.encode()).hexdigest()
    operation = (
        Operation.CREATE if before is None else Operation.DELETE if after is None else Operation.MODIFY
    )
    return FileChange(path=path, operation=operation, base_sha256=digest, content=after)
