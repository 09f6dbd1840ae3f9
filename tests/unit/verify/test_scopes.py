"""What stands below a line, by its indentation."""

from workers.verify.scopes import scopes

PYTHON = [
    "class A:", "    def f(", "        self,", "    ):", "        x", "",
    "    def g(self):", "        x", "x",
]  # fmt: skip
ALLMAN = ["void f()", "{", "    x;", "}", "void g()", "{", "    x;", "}"]


def test_a_body_ends_where_the_indentation_does() -> None:
    assert scopes(PYTHON, ["class A:"]) == [(0, 8)]
    assert scopes(PYTHON, ["    def g(self):"]) == [(6, 8)]


def test_brackets_at_the_start_of_a_line_end_no_body() -> None:
    assert scopes(PYTHON, ["def f("]) == [(1, 6)]
    assert scopes(ALLMAN, ["void f()"]) == [(0, 4)]


def test_anchors_stand_within_each_other() -> None:
    assert scopes(PYTHON, ["class A:", "def g(self):"]) == [(6, 8)]
    assert scopes(PYTHON, ["def g(self):", "class A:"]) == []
    assert scopes(PYTHON, ["def h():"]) == []
