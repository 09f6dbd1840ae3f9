"""Python is checked by Python, others by their grammars; nothing a model writes harms the process."""

import pytest

from schemas.results import Check
from workers.verify.check import check_syntax
from workers.verify.grammatical import TooMuch, faults


def check(after: str, before: str | None = None, path: str = "a.py") -> Check:
    [found] = check_syntax({} if before is None else {path: before}, {path: after}).values()
    return found.check


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
    assert found.detail.startswith("a.py:1: ")


def test_an_error_that_was_there_before_does_not_count() -> None:
    found = check("def g(:\n", "def f(:\n")
    assert found.passed is None
    assert "did not parse before" in found.detail


@pytest.mark.parametrize("path", ["README.md", "a.rb", "Makefile"])
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
    assert check(source).detail.startswith("a.py:")


def test_a_file_too_large_is_said_to_be_so() -> None:
    assert "too large" in check("x = 1\n" * 100_000).detail


GOOD = {
    "a.js": "const f = async (x) => ({ ...x, y: x?.y ?? 1 });\nexport default f;\n",
    "a.jsx": 'export const A = ({ x }) => <p className="x">{x}</p>;\n',
    "a.ts": "export interface A<T> { x?: T }\nconst f = <T,>(a: A<T>): T | undefined => a.x;\n",
    "a.tsx": "export const A = (p: { x: string }) => <p>{p.x}</p>;\n",
    "a.go": "package a\n\nfunc Map[T any](xs []T, f func(T) T) []T {\n\treturn xs\n}\n",
    "A.java": "record A(int x) {\n  A {\n    if (x < 0) throw new IllegalArgumentException();\n  }\n}\n",
    "a.rs": "pub fn f<'a>(x: &'a str) -> Option<&'a str> {\n    x.split(',').next()\n}\n",
}
BAD = {
    "a.js": ("const a = 1;\nconst f = x => (;\n", 2),
    "a.jsx": ("const a = 1;\nconst b = <p>{a}</q;\n", 2),
    "a.ts": ("const a: number = 1;\nlet b: = 2;\n", 2),
    "a.tsx": ("const a = <p>;\n", 1),
    "a.go": ("package a\n\nfunc f() {\n\tx := \n}\n", 4),
    "A.java": ("class A {\n  void f( {\n  }\n}\n", 2),
    "a.rs": ("fn f() {\n    let x = ;\n}\n", 2),
}


@pytest.mark.parametrize("path", GOOD)
def test_each_language_is_known_by_its_suffix_and_parses(path: str) -> None:
    assert check(GOOD[path], path=path) == Check(name="syntax", passed=True, detail=f"{path}: parses")


@pytest.mark.parametrize("path", BAD)
def test_a_new_error_in_each_language_fails_with_its_line(path: str) -> None:
    source, line = BAD[path]
    found = check(source, GOOD[path], path)
    assert found.passed is False
    assert found.detail.startswith(f"{path}:{line}: ")


def test_only_errors_that_were_not_there_before_count_wherever_they_moved() -> None:
    before = "package a\n\nfunc f() {\n\tx := \n}\n"
    moved = check("package a\n\n// f\n\nfunc f() {\n\tx := \n}\n", before, "a.go")
    assert moved.passed is None
    assert "line 6" in moved.detail
    worse = check(before + "\nfunc g( {\n}\n", before, "a.go")
    assert worse.passed is False
    assert worse.detail.startswith("a.go:7: ")


@pytest.mark.parametrize("path", [path for path in GOOD if path != "a.py"])
@pytest.mark.parametrize(
    "source", ["(" * 100_000, "`${" * 30_000, "<a>" * 30_000, "\0", "\ud800", "é" * 50_000]
)
def test_hostile_source_of_any_language_gets_a_verdict(path: str, source: str) -> None:
    assert check(source, path=path).detail.startswith(path)


def test_what_takes_too_long_is_not_checked_and_said_so() -> None:
    found = faults("java", "`${" * 100_000, seconds=0.05)
    assert found == TooMuch("takes too long to be checked")
