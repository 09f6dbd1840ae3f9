"""What a kind asks beyond a patch that applies is refused only where it can be told for certain."""

from collections.abc import Mapping
from typing import Any

import pytest

from schemas.tasks import TASK_REQUEST, TaskRequest
from tests.unit.verify.answers import block, code, deletion, problems
from workers.verify.kinds import is_test
from workers.verify.likeness import same_code
from workers.verify.names import public_names

CART = (
    '"""Carts."""\n\nRATE = 19\n\n\ndef total(items):\n    return sum(items)\n\n\ndef _inner():\n    pass\n'
)


def request(kind: str, files: Mapping[str, str], **context: Any) -> TaskRequest:
    given = [{"path": path, "content": content} for path, content in files.items()]
    body = {"description": "Make it better.", "files": given, **context}
    return TASK_REQUEST.validate_python({"kind": kind, "context": body})


def checks(task: TaskRequest, answer: str) -> dict[str, bool | None]:
    return {check.name: check.passed for check in code(task, answer).verification.checks}


def test_tests_beside_untouched_code_are_accepted() -> None:
    answer = block("tests/test_cart.py", "", "def test_it():\n    assert True\n")
    assert checks(request("write_tests", {"cart.py": CART}), answer)["tests_written"] is True


def test_an_answer_without_a_test_is_refused() -> None:
    answer = block("tests/__init__.py", "", "X = 1\n") + block("notes.md", "", "tested\n")
    assert "No test file was added" in problems(request("write_tests", {"cart.py": CART}), answer)


def test_tests_that_change_the_code_under_test_are_refused() -> None:
    answer = block("cart.py", "RATE = 19\n", "RATE = 7\n") + block("test_cart.py", "", "def test_it(): ...\n")
    assert "code under test was changed (cart.py)" in problems(
        request("write_tests", {"cart.py": CART}), answer
    )


def test_tests_inside_a_rust_file_are_tests() -> None:
    answer = block("cart.rs", "fn a() {}\n", "fn a() {}\n#[cfg(test)]\nmod tests {}\n")
    assert checks(request("write_tests", {"cart.rs": "fn a() {}\n"}), answer)["tests_written"] is True


@pytest.mark.parametrize(
    "path",
    ["test_a.py", "a_test.go", "src/a.test.ts", "a.spec.js", "CartTest.java", "src/test/java/X.java",
     "app/__tests__/a.jsx", "tests/helpers.py", "conftest.py", "user_spec.rb"],
)  # fmt: skip
def test_a_test_is_known_by_its_place_or_name(path: str) -> None:
    assert is_test(path, "x")


@pytest.mark.parametrize(
    "path", ["latest.py", "contest.go", "src/cart.py", "tests/data.json", "tests/__init__.py"]
)
def test_other_files_are_no_tests(path: str) -> None:
    assert not is_test(path, "x")


def test_documentation_that_leaves_the_code_alone_is_accepted() -> None:
    answer = block("cart.py", "def total(items):\n", 'def total(items):\n    """The sum."""\n') + block(
        "docs/cart.md", "", "# Carts\n"
    )
    assert checks(request("document", {"cart.py": CART}), answer)["same_code"] is True


def test_documentation_that_changes_code_is_refused() -> None:
    answer = block("cart.py", "    return sum(items)\n", '    """The sum."""\n    return sum(items or [])\n')
    assert "cart.py: more was changed" in problems(request("document", {"cart.py": CART}), answer)


def test_documentation_may_not_bring_or_remove_code() -> None:
    task = request("document", {"cart.py": CART, "b.py": "x = 1\n"})
    assert "new.py" in problems(task, block("new.py", "", "import os\n"))
    assert "b.py" in problems(task, deletion("b.py"))


def test_a_language_that_is_not_compared_is_told_so() -> None:
    answer = block("a.rb", "x = 1\n", "# One.\nx = 1\n")
    assert checks(request("document", {"a.rb": "x = 1\n"}), answer)["same_code"] is None


SAME = [
    ("python", "def f():\n    pass\n", 'def f():\n    """Doc."""\n'),
    ("python", "", '"""Only words."""\n# and more\n'),
    ("javascript", "f(1)\n", "/** Doc. */\nf(1) // why\n"),
    ("typescript", "let a: number = 1;\n", "// one\nlet a: number = 1;\n"),
    ("tsx", "const a = <b>x</b>;\n", "/* y */\nconst a = <b>x</b>;\n"),
    ("go", "package a\n\nfunc F() {}\n", "// Package a.\npackage a\n\n// F does nothing.\nfunc F() {}\n"),
    ("java", "class A { void f() {} }\n", "/** A. */\nclass A { /** f. */ void f() {} }\n"),
    ("rust", "fn f() {}\n", "/// Does nothing.\nfn f() {}\n"),
    ("go", "package a\n\nfunc F() {}\n", "package a\n\n/* F\ndoes nothing. */\nfunc F() {}\n"),
    ("typescript", "f(1);\n", "/**\n * Doc.\n */\nf(1); /* and\n more */\n"),
    ("python", "x = 1\ny = 2\n", "x = 1\ny = 2\n# coding: by hand\n"),
]
OTHER = [
    ("python", "if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n"),
    ("python", "x = 1\n", 'x = 1\nf"{x()}"\n'),
    ("python", "x = 1\n", "x = (\n"),
    ("javascript", "function f() { return 1 }\n", "function f() { return /*\n*/ 1 }\n"),
    ("typescript", "function f() { return 1 }\n", "function f() { return /*\n*/ 1 }\n"),
    (
        "go",
        "package a\nfunc f() (r int) { return g() }\n",
        "package a\nfunc f() (r int) { return /*\n*/ g() }\n",
    ),
    ("javascript", "const a = <b />;\n", "/** @jsx evil */\nconst a = <b />;\n"),
    ("python", "x = 'é'\n", "# coding: latin-1\nx = 'é'\n"),
    ("go", "package a\n", "//go:build ignore\npackage a\n"),
    ("java", "class A {}\n", "// \\u000a static { evil(); }\nclass A {}\n"),
    ("rust", "fn f() {}\n", "#[inline]\nfn f() {}\n"),
]


@pytest.mark.parametrize(("language", "before", "after"), SAME)
def test_comments_and_docstrings_make_no_difference(language: str, before: str, after: str) -> None:
    assert same_code(language, before, after) is True
    assert same_code(language, after, before) is True


@pytest.mark.parametrize(("language", "before", "after"), OTHER)
def test_any_other_change_makes_one(language: str, before: str, after: str) -> None:
    assert same_code(language, before, after) is False


def test_what_did_not_parse_before_cannot_be_compared() -> None:
    assert same_code("python", "def (:\n", "def (:\n# x\n") is None


def test_comments_that_may_be_code_of_another_language_cannot_be_compared() -> None:
    before = 'package a\n/*\nint f(void) { return 1; }\n*/\nimport "C"\n'
    assert same_code("go", before, before.replace("1", "2")) is None


def test_a_refactoring_that_drops_a_public_name_is_refused() -> None:
    answer = block("cart.py", "def total(items):\n", "def amount(items):\n")
    task = request("refactor", {"cart.py": CART})
    assert "cart.py: the public names total are gone" in problems(task, answer)


@pytest.mark.parametrize(
    "context", [{"keep_public_names": False}, {"description": "Rename `cart.total` to amount."}]
)
def test_a_name_that_the_task_gives_free_may_go(context: dict[str, Any]) -> None:
    answer = block("cart.py", "def total(items):\n", "def amount(items):\n")
    code(request("refactor", {"cart.py": CART}, **context), answer)


def test_a_name_that_is_imported_from_its_new_place_is_kept() -> None:
    answer = block(
        "cart.py", "def total(items):\n    return sum(items)\n", "from sums import add as total\n"
    ) + block("sums.py", "", "def add(items):\n    return sum(items)\n")
    assert checks(request("refactor", {"cart.py": CART}), answer)["public_names"] is True


def test_a_private_name_may_go_and_a_star_import_cannot_be_told() -> None:
    private = block("cart.py", "def _inner():\n    pass\n", "")
    assert checks(request("refactor", {"cart.py": CART}), private)["public_names"] is True
    star = block("cart.py", "def total(items):\n    return sum(items)\n", "from sums import *\n")
    assert checks(request("refactor", {"cart.py": CART}), star)["public_names"] is None


def test_public_names_are_found_wherever_a_module_binds_them() -> None:
    source = (
        "import os.path, a as b\nfrom c import d as e\nX, (Y, *Z) = 1, (2, 3)\nW: int = 4\n"
        "try:\n    import q\nexcept ImportError:\n    q = None\n"
        "@deco\nclass K:\n    inner = 1\nasync def f(): local = 1\n_p = 1\n"
    )
    names = public_names(source)
    assert names is not None
    assert names.defined == {"X", "Y", "Z", "W", "q", "K", "f"}
    assert names.bound == names.defined | {"os", "b", "e", "_p"}
    assert not names.open_ended
