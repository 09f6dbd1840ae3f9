"""Python is checked by Python itself; nothing a model writes harms the process or prints on it."""

import pytest

from schemas.results import Check
from workers.verify.check import check_syntax


def check(after: str, before: str | None = None, path: str = "a.py") -> Check:
    [found] = check_syntax({} if before is None else {path: before}, {path: after})
    return found


def test_a_file_that_parses_passes() -> None:
    assert check("x = 1\n").passed is True
    assert check("\ufeffx = 1\n").passed is True
    assert check("").passed is True


@pytest.mark.parametrize(
    "source", ["def f(:\n", "return 1\n", "  x = 1\n", "x = (\n", "await y\n", "'\\udc80", "f(a, a=1, a=2)\n"]
)
def test_a_new_error_fails_with_its_line(source: str) -> None:
    found = check(source, "x = 1\n")
    assert found.passed is False
    assert "a.py: line 1" in found.detail


def test_an_error_that_was_there_before_does_not_count() -> None:
    found = check("def g(:\n", "def f(:\n")
    assert found.passed is None
    assert "did not parse before" in found.detail


@pytest.mark.parametrize("path", ["README.md", "a.js", "Makefile"])
def test_other_languages_are_said_not_to_be_checked(path: str) -> None:
    found = check("((((", path=path)
    assert found.passed is None
    assert "not checked for" in found.detail


def test_questionable_code_prints_no_warning_and_does_not_fail() -> None:
    assert check('x = "\\d" is 1\nassert (x, "y")\n').passed is True


@pytest.mark.parametrize(
    "source",
    [
        "[" * 90 + "x" + " for x in y]" * 90,
        "(" * 50_000,
        "-" * 100_000 + "1",
        "x" + "+x" * 100_000,
        "f" + "()" * 100_000,
        "x" + ".y" * 100_000,
        "lambda:" * 50_000 + "1",
        "".join(" " * depth + "if x:\n" for depth in range(150)),
        "9" * 100_000,
        "x = " + "'a' " * 50_000,
        "\0",
    ],
)
def test_hostile_source_gets_a_verdict_and_no_crash(source: str) -> None:
    assert check(source).detail.startswith("a.py: ")


def test_a_file_too_large_is_said_to_be_so() -> None:
    assert "too large" in check("x = 1\n" * 100_000).detail
