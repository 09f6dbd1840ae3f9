"""A code answer: read, applied in memory, held against the constraints, checked, made into our own diff."""

import hashlib
from collections.abc import Mapping
from typing import Final

from schemas.contexts import Constraints
from schemas.results import (
    Check,
    CodeResult,
    FileChange,
    Operation,
    Verification,
    VerificationLevel,
)
from schemas.tasks import CodeRequest
from workers.verify.apply import Applied, apply
from workers.verify.blocks import Parsed, parse_blocks
from workers.verify.check import check_syntax
from workers.verify.criteria import judge_criteria, without_criteria
from workers.verify.diff import tree_diff
from workers.verify.kinds import check_kind
from workers.verify.paths import clashes, refused
from workers.verify.verdict import Accepted, Rejected, below, clipped, rejected

_LARGEST_FILE: Final = 2_000_000
_EXPLANATION: Final = 20_000


def verify_code(request: CodeRequest, answer: str) -> Accepted | Rejected:
    """The change as a result with its level, or everything that keeps it from being one."""
    context = request.context
    before = {file.path: file.content for file in context.files}
    parsed = parse_blocks(answer, before.keys())
    forbidden = _forbidden(parsed, context.constraints)
    applied = apply(before, [edit for edit in parsed.edits if edit.path not in forbidden])
    problems = [*parsed.problems, *forbidden.values(), *applied.problems]
    if problems:
        return rejected(problems)
    changed = [
        path for path in sorted(before.keys() | applied.files) if before.get(path) != applied.files.get(path)
    ]
    if problems := _unfit(changed, before, applied, context.constraints):
        return rejected(problems)
    kept = check_kind(request, before, applied, changed)
    if problems := [check.detail for check in kept if check.passed is False]:
        return rejected(problems)
    checks = check_syntax(before, {path: applied.files[path] for path in changed if path in applied.files})
    required = request.preferences.verification_level
    level = _level(checks)
    if problems := _short(checks, level, required):
        return rejected(problems)
    notes = [Check(name="apply", passed=True, detail=clipped(note, 300)) for note in applied.notes]
    return Accepted(
        CodeResult(
            diff=tree_diff(
                *({path: tree[path] for path in changed if path in tree} for tree in (before, applied.files))
            ),
            files=[_change(path, before.get(path), applied.files.get(path)) for path in changed],
            explanation=clipped(without_criteria(parsed.prose), _EXPLANATION),
            criteria=judge_criteria(parsed.prose, context.acceptance_criteria, applied.files),
            verification=Verification(level=level, checks=[*notes, *kept, *checks]),
        )
    )


def _forbidden(parsed: Parsed, constraints: Constraints) -> dict[str, str]:
    """Paths that may not be touched, each with the problem it makes."""
    reasons = {edit.path: refused(edit.path, constraints.paths) for edit in parsed.edits}
    return {path: f"The path {clipped(path, 200)!r} {why}." for path, why in reasons.items() if why}


def _unfit(
    changed: list[str], before: Mapping[str, str], applied: Applied, constraints: Constraints
) -> list[str]:
    """What is wrong with the change as a whole."""
    if not changed:
        return [
            "The answer changes nothing: "
            + (" ".join(applied.notes) or "each block replaces lines by themselves.")
        ]
    problems = clashes(applied.files.keys(), [path for path in changed if path not in before])
    if constraints.max_files and len(changed) > constraints.max_files:
        problems.append(
            f"The answer changes {len(changed)} files; at most {constraints.max_files} may change."
        )
    large = [path for path in changed if len(applied.files.get(path, "")) > _LARGEST_FILE]
    return problems + [f"{path}: the file would have more than {_LARGEST_FILE} characters." for path in large]


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
