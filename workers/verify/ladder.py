"""The ladder above "it applies": syntax, lint, criteria, tests; how far a change climbs it.

A level is reached when each of its checks that applies to a changed file passed, and every level below it
did not fail. A check that doesn't apply (lint of a language that has none here, criteria where none were
given) is said and stands in nobody's way, but lends no level its name; one that applies and could not be
carried out, or whose fault was there before, ends the climb without being a failure.

Without a required level, whatever fails refuses the answer; only the criteria, which the model judges by
itself, may stay open. With one, only what fails up to it does, and what lies above is not looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.results import Check, CriterionVerdict, Verdict, VerificationLevel
from schemas.tasks import CodeRequest
from workers.verify.change import Change
from workers.verify.check import check_syntax
from workers.verify.lint import check_lint
from workers.verify.means import Means
from workers.verify.tests import check_tests
from workers.verify.verdict import below


@dataclass(frozen=True)
class Rung:
    """One level's checks, each with the file it is about; one that is `open` could not be told."""

    level: VerificationLevel
    checks: tuple[tuple[str | None, Check], ...]
    open: bool = False
    advice: str = ""

    @property
    def failed(self) -> list[tuple[str | None, Check]]:
        """The checks that did not pass."""
        return [(path, check) for path, check in self.checks if check.passed is False]


@dataclass(frozen=True)
class Climbed:
    """The level a change reached, and the rungs that were looked at."""

    level: VerificationLevel
    rungs: tuple[Rung, ...]

    @property
    def checks(self) -> list[Check]:
        """All checks, in the order of the ladder."""
        return [check for rung in self.rungs for _, check in rung.checks]


@dataclass(frozen=True)
class Short:
    """Why a change does not suffice, the files to blame (none: the whole), whether an answer can mend it."""

    problems: list[str]
    paths: tuple[str, ...]
    mendable: bool


def climb(request: CodeRequest, made: Change, criteria: Sequence[CriterionVerdict], means: Means) -> Climbed:
    """Check a change that applies, rung by rung, until one fails or nothing more is asked."""
    required = request.preferences.verification_level
    level, rungs, climbing = VerificationLevel.APPLIED, list[Rung](), True
    after = {path: made.after[path] for path in made.changed if path in made.after}
    before = {path: made.before[old] for path in after if (old := made.moves.get(path, path)) in made.before}
    steps: tuple[tuple[VerificationLevel, Callable[[], Rung]], ...] = (
        (VerificationLevel.SYNTAX, lambda: _syntax(before, after)),
        (VerificationLevel.LINT, lambda: _lint(before, after)),
        (VerificationLevel.CRITERIA, lambda: _criteria(criteria)),
        (VerificationLevel.TESTS, lambda: _tests(request, made, means)),
    )
    for step, look in steps:
        if required is not None and below(required, step):
            break
        rung = look()
        rungs.append(rung)
        climbing = climbing and not rung.open and not rung.failed
        if climbing and any(check.passed for _, check in rung.checks):
            level = rung.level
        if rung.failed and step is not VerificationLevel.CRITERIA:
            break
    return Climbed(level, tuple(rungs))


def falls_short(climbed: Climbed, required: VerificationLevel | None) -> Short | None:
    """What keeps a change from being taken; None where it suffices."""
    failed = [(rung, path, check) for rung in climbed.rungs for path, check in rung.failed]
    if required is None:
        failed = [one for one in failed if one[0].level is not VerificationLevel.CRITERIA]
    elif not below(climbed.level, required):
        return None
    problems = [f"{check.detail}. {rung.advice}" for rung, _, check in failed]
    if required is not None:
        problems += _lacking(climbed, required)
    blamed = {path for _, path, _ in failed}
    unmet = any(rung.level is VerificationLevel.CRITERIA and rung.open for rung in climbed.rungs)
    paths = () if None in blamed or unmet else tuple(path for path in blamed if path)
    return Short(problems, paths, mendable=bool(failed) or unmet) if problems else None


def _lacking(climbed: Climbed, required: VerificationLevel) -> list[str]:
    seen = [check for check in climbed.checks if check.passed is None]
    said = f"The level {required.value!r} is required; this answer reaches {climbed.level.value!r}."
    return [*(f"{check.detail}." for check in seen), said]


def _syntax(before: Mapping[str, str], after: Mapping[str, str]) -> Rung:
    found = check_syntax(before, after)
    checks = tuple((path, one.check) for path, one in found.items())
    is_open = any(one.check.passed is None and one.applies for one in found.values())
    return Rung(VerificationLevel.SYNTAX, checks, is_open, "Mend the syntax.")


def _lint(before: Mapping[str, str], after: Mapping[str, str]) -> Rung:
    found = check_lint(before, after)
    is_open = any(one.check.passed is None and one.applies for one in found.values())
    checks = tuple((path, one.check) for path, one in found.items())
    return Rung(VerificationLevel.LINT, checks, is_open, "Mend what the linter found.")


def _criteria(criteria: Sequence[CriterionVerdict]) -> Rung:
    if not criteria:
        return Rung(VerificationLevel.CRITERIA, ())
    met = [one for one in criteria if one.verdict is Verdict.MET and one.evidence]
    left = [one for one in criteria if one not in met]
    if not left:
        detail = f"{len(met)} of {len(criteria)} criteria met, with evidence"
        return Rung(VerificationLevel.CRITERIA, ((None, Check(name="criteria", passed=True, detail=detail)),))
    passed = False if any(one.verdict is Verdict.NOT_MET for one in left) else None
    checks = tuple((None, Check(name="criteria", passed=passed, detail=_left(one))) for one in left[:_SHOWN])
    return Rung(VerificationLevel.CRITERIA, checks, open=True, advice=_EVIDENCE)


_SHOWN: Final = 10
_EVIDENCE: Final = "Meet it, and give the place that shows it as `path:line` of the file as it will be."


def _left(one: CriterionVerdict) -> str:
    if one.verdict is Verdict.MET:
        return f"criterion {one.number}: said to be met, without a line of the changed files that shows it"
    said = "not met" if one.verdict is Verdict.NOT_MET else "can't be told"
    return f"criterion {one.number}: {said}"


def _tests(request: CodeRequest, made: Change, means: Means) -> Rung:
    command = request.context.constraints.tests
    if command is None:
        return Rung(VerificationLevel.TESTS, ())
    check = check_tests(made.after, command, means)
    return Rung(
        VerificationLevel.TESTS,
        ((None, check),),
        check.passed is None,
        "Mend the change so that the tests pass.",
    )
