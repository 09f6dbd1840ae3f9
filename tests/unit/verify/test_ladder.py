"""How far a change climbs: syntax, lint, criteria; what doesn't apply, what is open and what fails."""

import pytest

from schemas.results import Check, VerificationLevel
from tests.unit.verify.answers import block, code, code_request, problems
from workers.verify import Rejected, verify
from workers.verify.lint import check_lint

PY = block("a.py", "x = 1\n", "x = 2\n")
GO = block("a.go", "", "package a\n")
MET = '<criterion number="1" verdict="met" evidence="a.py:1">It is.</criterion>\n'


def lint(before: str | None, after: str, path: str = "a.py") -> Check:
    found = check_lint({} if before is None else {path: before}, {path: after})
    return found[path].check


def test_only_new_lint_errors_count_and_are_told_with_their_place() -> None:
    old = "def f():\n    return y\n"
    assert lint(old, "# moved\n\n" + old + "\n\nx = 1\n").passed is True
    found = lint(old, old + "\n\ndef g():\n    return z\n")
    assert (found.passed, found.detail) == (False, "a.py:6: Undefined name `z` (F821)")
    twice = lint(old, old + "\n\ndef g():\n    return y\n")
    assert twice.passed is False


@pytest.mark.parametrize(
    "source",
    [
        "import os\n", "from os import *\n", "def f():\n    x = 1\n", "type X = int\n",
        "try:\n    pass\nexcept* ValueError:\n    pass\n", "import os\n\n__all__ = ['os']\n",
    ],
)  # fmt: skip
def test_what_is_unused_or_new_is_no_error(source: str) -> None:
    assert lint(None, source).passed is True


@pytest.mark.parametrize(
    "source", ["a" + "<a" * 100_000 + "\n", "(" * 5_000, "x = 1\n" * 200_000, "\0", "\ud800"]
)
def test_hostile_source_is_linted_or_said_not_to_be(source: str) -> None:
    assert lint(None, source).detail.startswith("a.py:")


def test_a_linter_that_can_not_run_is_said_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.verify.lint._binary", lambda: "/no/such/ruff")
    result = code(code_request({"a.py": "x = 1\n"}), PY)
    assert result.verification.level is VerificationLevel.SYNTAX
    assert "did not end well" in result.verification.checks[-1].detail


@pytest.mark.parametrize(
    ("answer", "criteria", "level"),
    [
        (PY, [], "lint"),
        (PY + MET, ["It is 2"], "criteria"),
        (PY + MET.replace("a.py:1", "a.py:9"), ["It is 2"], "lint"),
        (PY + MET.replace('"met"', '"not_met"'), ["It is 2"], "lint"),
        (PY, ["It is 2"], "lint"),
        (PY + MET, ["It is 2", "It is fast"], "lint"),
        (PY + GO, [], "lint"),
        (GO, [], "syntax"),
        (GO + MET.replace("a.py", "a.go"), ["It is Go"], "criteria"),
        (block("README.md", "", "Hi\n"), [], "applied"),
    ],
)  # fmt: skip
def test_a_level_is_reached_when_all_that_applies_up_to_it_passed(
    answer: str, criteria: list[str], level: str
) -> None:
    result = code(code_request({"a.py": "x = 1\n"}, acceptance_criteria=criteria), answer)
    assert result.verification.level == level


def test_what_does_not_apply_is_said() -> None:
    said = [check.detail for check in code(code_request({"a.py": "x = 1\n"}), PY + GO).verification.checks]
    assert "there is no linter here for files with .go" in said


def test_new_lint_errors_are_sent_back_unless_a_lower_level_is_asked() -> None:
    wrong = block("a.py", "x = 1\n", "x = y\n")
    assert "Undefined name `y`" in problems(code_request({"a.py": "x = 1\n"}), wrong)
    lower = code(code_request({"a.py": "x = 1\n"}, preferences={"verification_level": "syntax"}), wrong)
    assert lower.verification.level is VerificationLevel.SYNTAX
    assert {check.name for check in lower.verification.checks} == {"syntax"}


def test_criteria_that_are_required_are_asked_again_and_a_level_nobody_can_reach_is_not() -> None:
    wanted = {"preferences": {"verification_level": "criteria"}}
    request = code_request({"a.py": "x = 1\n"}, acceptance_criteria=["It is 2"], **wanted)
    open_ = verify(request, PY)
    assert isinstance(open_, Rejected)
    assert open_.mendable
    assert "criterion 1: can't be told" in open_.problems[0]
    nowhere = verify(code_request({}, preferences={"verification_level": "lint"}), GO)
    assert isinstance(nowhere, Rejected)
    assert not nowhere.mendable
