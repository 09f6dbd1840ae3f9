"""What a kind of task asks of a change beyond that it applies.

Only what can be told for certain refuses an answer: tests must be there and the code under test untouched,
documentation leaves code as it is, and a refactoring keeps the public names of Python modules that the task
doesn't mention. What can't be told is a check that says so.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from schemas.results import Check
from schemas.tasks import CodeRequest, DocumentRequest, RefactorRequest, WriteTestsRequest
from workers.grammars import language_of
from workers.verify.likeness import same_code
from workers.verify.names import Names, public_names
from workers.verify.verdict import clipped

_SOURCES: Final = frozenset({
    ".c", ".cc", ".cjs", ".cpp", ".cs", ".ex", ".exs", ".go", ".h", ".hpp", ".java", ".js", ".jsx", ".kt",
    ".mjs", ".php", ".py", ".pyi", ".rb", ".rs", ".scala", ".swift", ".ts", ".tsx",
})  # fmt: skip
_TEST_FOLDERS: Final = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing", "e2e"})
_TEST_NAME: Final = re.compile(
    r"(test_.*|.*_tests?|.*\.(test|spec)|.*_spec|.*[a-z\d](Test|Tests|TestCase|IT|Spec)|conftest)"
)
_RUST_TESTS: Final = re.compile(r"#\[(cfg\(test\)|(\w+::)*test\b)")
_MOST_TOLD: Final = 10


def check_kind(
    request: CodeRequest, before: Mapping[str, str], after: Mapping[str, str], changed: Sequence[str]
) -> list[Check]:
    """One check for each thing the kind asks; `changed` are the paths that differ. False refuses."""
    match request:
        case WriteTestsRequest():
            return _tests(before, after, changed)
        case DocumentRequest():
            return [
                check for path in changed if (check := _documented(path, before.get(path), after.get(path)))
            ]
        case RefactorRequest() if request.context.keep_public_names:
            told = _told(request)
            paths = [path for path in changed if path in before and not is_test(path, before[path])]
            return [
                check for path in paths if (check := _kept(path, before[path], after.get(path), after, told))
            ]
        case _:
            return []


def is_test(path: str, content: str) -> bool:
    """Whether a file holds tests, by where it lies and what it is called; Rust's may lie inside the code."""
    pure = PurePosixPath(path)
    if pure.suffix.lower() not in _SOURCES or pure.name == "__init__.py":
        return False
    if any(part.lower() in _TEST_FOLDERS for part in pure.parts[:-1]) or _TEST_NAME.fullmatch(pure.stem):
        return True
    return pure.suffix == ".rs" and _RUST_TESTS.search(content) is not None


def _tests(before: Mapping[str, str], after: Mapping[str, str], changed: Sequence[str]) -> list[Check]:
    written = [
        path for path in changed if path in after and after[path].strip() and is_test(path, after[path])
    ]
    touched = [
        path
        for path in changed
        if path in before
        and PurePosixPath(path).suffix.lower() in _SOURCES
        and not is_test(path, before[path])
        and path not in written
    ]
    checks = []
    if touched:
        detail = f"The code under test was changed ({_listed(touched)}): write tests for it as it is."
        checks.append(Check(name="code_untouched", passed=False, detail=detail))
    if written:
        return [*checks, Check(name="tests_written", passed=True, detail=f"tests in {_listed(written)}")]
    detail = (
        "No test file was added or changed: put the tests where the project keeps them, in a file that is"
        " called like one (test_cart.py, cart.test.ts, cart_test.go, CartTest.java)."
    )
    return [*checks, Check(name="tests_written", passed=False, detail=detail)]


def _documented(path: str, before: str | None, after: str | None) -> Check | None:
    language = language_of(path)
    if language is None:
        if PurePosixPath(path).suffix.lower() not in _SOURCES:
            return None
        return Check(name="same_code", passed=None, detail=f"{path}: not compared for its language")
    same = same_code(language, before or "", after or "")
    if same is None:
        return Check(name="same_code", passed=None, detail=f"{path}: could not be compared")
    if same:
        return Check(name="same_code", passed=True, detail=f"{path}: the same code")
    detail = (
        f"{path}: more was changed than comments and docstrings. Leave every token of the code as it was."
    )
    return Check(name="same_code", passed=False, detail=detail)


def _kept(
    path: str, before: str, after: str | None, tree: Mapping[str, str], told: frozenset[str]
) -> Check | None:
    if language_of(path) != "python":
        return None
    had, has = public_names(before), public_names(after or "")
    if had is None or has is None or has.open_ended:
        return Check(name="public_names", passed=None, detail=f"{path}: its names could not be told")
    if after is None and (PurePosixPath(path).name in told or _is_now_a_package(path, tree)):
        return None
    gone = _gone(had, has, told)
    if not gone:
        return Check(name="public_names", passed=True, detail=f"{path}: keeps its public names")
    detail = (
        f"{path}: the public names {_listed(gone)} are gone. Keep them, for example by"
        " importing them from where they are now."
    )
    return Check(name="public_names", passed=False, detail=detail)


def _gone(had: Names, has: Names, told: frozenset[str]) -> list[str]:
    return sorted(had.defined - has.bound - told)


def _is_now_a_package(path: str, tree: Mapping[str, str]) -> bool:
    """A module that became a package of its name: where its names are now is not followed."""
    return f"{path.removesuffix('.py')}/__init__.py" in tree


def _told(request: RefactorRequest) -> frozenset[str]:
    """The words of the task: names among them may go."""
    context = request.context
    texts = [
        context.description,
        *context.acceptance_criteria,
        *context.specifications.model_dump(exclude_none=True).values(),
    ]
    words = re.findall(r"[\w.]+", "\n".join(texts))
    return frozenset(part for word in words for part in (word, *word.split(".")))


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MOST_TOLD} more" if len(paths) > _MOST_TOLD else ""
    return clipped(", ".join(paths[:_MOST_TOLD]), 500) + more
