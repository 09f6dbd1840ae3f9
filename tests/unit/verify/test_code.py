"""A code answer becomes a result with a real level, or the list of what to mend."""

import hashlib
from pathlib import Path

import pytest

from schemas.results import Operation, Verdict, VerificationLevel
from tests.unit.verify.answers import (
    block,
    code,
    code_request,
    contents,
    deletion,
    git_applies,
    problems,
    tree_after,
)
from workers.verify import Rejected, verify
from workers.verify.problems import Reason, Region

APP = "def total(items):\n    return sum(items)\n"


def test_a_good_answer_is_a_patch_with_hashes_verdicts_and_level(tmp_path: Path) -> None:
    before = {"src/app.py": APP, "old.txt": "gone\n"}
    request = code_request(before, acceptance_criteria=["Empty is zero", "It is fast", "It is tested"])
    answer = (
        "I guard against None.\n\n"
        + block("src/app.py", "    return sum(items)\n", "    return sum(items or [])\n")
        + block("tests/test_app.py", "", "from src.app import total\n")
        + deletion("old.txt")
        + '<criterion number="1" verdict="met" evidence="src/app.py:2">An empty list is used.</criterion>\n'
        + "<criterion number='2' verdict='cant tell' evidence='src/app.py:99'>Not measured.</criterion>\n"
    )
    result = code(request, answer)
    assert [(change.path, change.operation) for change in result.files] == [
        ("old.txt", Operation.DELETE),
        ("src/app.py", Operation.MODIFY),
        ("tests/test_app.py", Operation.CREATE),
    ]
    assert result.files[1].base_sha256 == hashlib.sha256(APP.encode()).hexdigest()
    assert result.files[2].base_sha256 is None
    assert result.explanation == "I guard against None."
    assert result.verification.level is VerificationLevel.LINT
    assert [(one.verdict, one.evidence, one.explanation) for one in result.criteria] == [
        (Verdict.MET, "src/app.py:2", "An empty list is used."),
        (Verdict.CANT_TELL, None, "Not measured."),
        (Verdict.CANT_TELL, None, "not answered"),
    ]
    assert git_applies(tmp_path / "tree", before, result.diff) == tree_after(before, result)


def test_a_change_that_could_not_be_checked_is_only_applied() -> None:
    broken = {"a.py": "x = 1\n", "b.py": "def f(:\n"}
    result = code(
        code_request(broken), block("a.py", "x = 1\n", "x = 2\n") + block("b.py", "def f(:\n", "def g(:\n")
    )
    assert result.verification.level is VerificationLevel.APPLIED
    assert [check.passed for check in result.verification.checks if check.name == "syntax"] == [True, None]


def test_new_syntax_errors_are_sent_back_unless_the_submitter_takes_them() -> None:
    answer = block("a.py", "x = 1\n", "def f(:\n")
    assert "a.py:1: " in problems(code_request({"a.py": "x = 1\n"}), answer)
    lenient = code_request({"a.py": "x = 1\n"}, preferences={"verification_level": "applied"})
    assert code(lenient, answer).verification.level is VerificationLevel.APPLIED


def test_below_the_required_level_is_no_success() -> None:
    request = code_request({"a.rb": "x\n"}, preferences={"verification_level": "syntax"})
    said = problems(request, block("a.rb", "x\n", "y\n"))
    assert "not checked for .rb" in said
    assert "'syntax' is required" in said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (block("a.py", "x = 1\n", "x = 1\n"), "changes nothing"),
        (block("a.py", "x = 1\n", "x = 2\n") + block("a.py", "x = 2\n", "x = 1\n"), "changes nothing"),
        (block("../x.py", "", "x\n"), "must not contain"),
        (block(".git/hooks/pre-commit", "", "x\n"), ".git"),
        (block("other/x.py", "", "x\n"), "outside what may be changed: a.py, src"),
        (block("src/x.py", "", "x\n") + block("src/y.py", "", "x\n"), "at most 1 may change"),
        (block("a.py/x.py", "", "x\n"), "a.py is a file"),
        ("nothing \x00 here", "NUL"),
        ("nothing \ud800 here", "surrogates"),
        ("x" * 2_500_001, "longer than"),
    ],
)
def test_what_is_wrong_with_the_change_is_said(answer: str, why: str) -> None:
    request = code_request({"a.py": "x = 1\n"}, constraints={"paths": ["a.py", "src"], "max_files": 1})
    assert why in problems(request, answer)


def test_every_bad_block_is_told_at_once() -> None:
    said = problems(
        code_request({"a.py": "x = 1\n"}),
        block("a.py", "y\n", "z\n") + block("../b", "", "z\n") + "a.py\n<<<<<<< SEARCH\nx\n",
    )
    assert "Block 1 (a.py): the SEARCH lines are not in the file" in said
    assert "The path '../b'" in said
    assert "Block 3 (a.py) is not closed" in said


def test_one_bad_block_keeps_the_good_ones_from_being_applied() -> None:
    answer = block("a.py", "x = 1\n", "x = 2\n") + block("a.py", "y\n", "z\n")
    assert "Block 2" in problems(code_request({"a.py": "x = 1\n"}), answer)


def test_problems_are_bounded_in_number_and_length() -> None:
    request = code_request({"a.py": "x = 1\n" + "long " * 1000 + "\n"})
    answer = "".join(block("a.py", "long " * 1000 + f"{number}\n", "z\n") for number in range(100))
    verdict = verify(request, answer)
    assert isinstance(verdict, Rejected)
    assert len(verdict.problems) <= 13
    assert sum(map(len, verdict.problems)) < 16_000


def test_a_move_is_a_rename_in_the_diff_and_two_changes_in_the_list() -> None:
    answer = "*** Begin Patch\n*** Update File: a.py\n*** Move to: lib/a.py\n-x = 1\n+x = 2\n*** End Patch\n"
    result = code(code_request({"a.py": "x = 1\n"}), answer)
    assert [(change.path, change.operation) for change in result.files] == [
        ("a.py", Operation.DELETE),
        ("lib/a.py", Operation.CREATE),
    ]
    assert "rename from a.py\nrename to lib/a.py\n" in result.diff


def test_a_refusal_carries_what_is_wrong_block_by_block() -> None:
    verdict = verify(code_request({"a.py": "x = 1\ny = 2\n"}), block("a.py", "x = 3\ny = 2\n", "z\n"))
    assert isinstance(verdict, Rejected)
    [fault] = verdict.faults
    assert (fault.reason, fault.path, fault.number) == (Reason.NOT_FOUND, "a.py", 1)
    assert fault.region == Region(1, ("x = 1", "y = 2"))
    assert verdict.problems == (fault.text,)


def test_blocks_already_applied_are_noted_in_the_result() -> None:
    result = code(code_request({"a.py": "x = 1\n"}), block("a.py", "x = 1\n", "x = 2\n") * 2)
    assert contents(result) == {"a.py": "x = 2\n"}
    assert "repeats an earlier block" in result.verification.checks[0].detail


def test_the_files_a_patch_leaves_alone_are_not_in_it() -> None:
    result = code(code_request({"a.py": "x = 1\n", "b.py": "y = 1\n"}), block("a.py", "x = 1\n", "x = 2\n"))
    assert list(contents(result)) == ["a.py"]
    assert "b.py" not in result.diff


@pytest.mark.parametrize("before", ["x = 1\r\ny = 2", "\ufeffx = 1\r\ny = 2\r\n", "x = 1\ny = 2"])
def test_endings_mark_and_missing_last_newline_survive_to_git(before: str, tmp_path: Path) -> None:
    result = code(code_request({"a.py": before}), block("a.py", "y = 2\n", "y = 3\nz = 4\n"))
    after = contents(result)["a.py"]
    ending = "\r\n" if "\r\n" in before else "\n"
    assert after == before.replace("y = 2", f"y = 3{ending}z = 4")
    assert git_applies(tmp_path / "tree", {"a.py": before}, result.diff) == {"a.py": after}
