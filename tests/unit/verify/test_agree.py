"""Answers that make the same have one fingerprint, however they are laid out."""

import pytest

from schemas.results import ChatResult, CodeResult, FileChange, FinishReason, Operation, Verification
from schemas.results import VerificationLevel as Level
from workers.verify.agree import fingerprint


def code(content: str | None, path: str = "a.py", diff: str = "", explanation: str = "") -> CodeResult:
    operation = Operation.DELETE if content is None else Operation.MODIFY
    file = FileChange(path=path, operation=operation, base_sha256=None, content=content)
    level = Verification(level=Level.SYNTAX)
    return CodeResult(diff=diff, files=[file], explanation=explanation, verification=level)


ADD = "def add(a, b):\n    return a + b\n"


@pytest.mark.parametrize(
    "content",
    [
        'def add(a, b):\n    """Adds."""\n    return a + b\n',
        '"""A module."""\n\n\ndef add(a, b):  # adds\n\n    return (a + b)\n',
        "def add(a,b): return a+b",
        "\ufeffdef add(\n    a,\n    b,\n):\n        return a + b\n",
    ],
)
def test_layout_comments_and_docstrings_do_not_count_in_python(content: str) -> None:
    assert fingerprint(code(content)) == fingerprint(code(ADD))


def test_indentation_counts_where_it_has_a_meaning() -> None:
    one, other = "a:\n  b: 1\n  c: 2\n", "a:\n  b: 1\nc: 2\n"
    assert fingerprint(code(one, "x.yaml")) != fingerprint(code(other, "x.yaml"))
    assert fingerprint(code(one, "x.yaml")) == fingerprint(code(one.replace(": ", ":  ") + "\n", "x.yaml"))
    assert fingerprint(code(one, "x.txt")) == fingerprint(code(other, "x.txt"))


@pytest.mark.parametrize(
    "content",
    [
        "def add(a, b):\n    return b + a\n",
        "def add(a, b=0):\n    return a + b\n",
        "async def add(a, b):\n    return a + b\n",
        'def add(a, b):\n    return a + b\n    "not a docstring"\n',
        None,
    ],
)
def test_another_meaning_is_another_answer(content: str | None) -> None:
    assert fingerprint(code(content)) != fingerprint(code(ADD))


def test_a_docstring_alone_is_a_body_that_does_nothing() -> None:
    assert fingerprint(code('def f():\n    """Says."""\n')) == fingerprint(code("def f():\n    pass\n"))


def test_text_of_other_languages_is_compared_but_for_white_space() -> None:
    ours = code("if (a) {\n\tb();\n}\n", "a.js")
    assert fingerprint(ours) == fingerprint(code("if (a)  {\n\n    b();\n}", "a.js"))
    assert fingerprint(ours) != fingerprint(code("if (a) {\n\tc();\n}\n", "a.js"))
    assert fingerprint(ours) != fingerprint(code("if (a) {\n\tb();\n}\n", "b.js"))


@pytest.mark.parametrize(
    "content", ["def broken(:\n", "x = " + "(" * 500 + ")" * 500, "x = " + "-" * 5000 + "1", "a\0b"]
)
def test_python_that_has_no_tree_is_compared_as_text(content: str) -> None:
    assert fingerprint(code(content)) == fingerprint(code(content + "\n\n"))
    assert fingerprint(code(content)) != fingerprint(code(content + "y"))


def test_what_an_answer_says_of_itself_does_not_count() -> None:
    assert fingerprint(code(ADD, explanation="one", diff="x")) == fingerprint(code(ADD, explanation="two"))


def test_two_files_can_not_be_taken_for_one() -> None:
    parts = [
        FileChange(path=path, operation=Operation.CREATE, base_sha256=None, content=content)
        for path, content in (("a.txt", "x"), ("b.txt", "y"))
    ]
    both = code("x", "a.txt").model_copy(update={"files": parts})
    turned = both.model_copy(update={"files": parts[::-1]})
    assert fingerprint(both) == fingerprint(turned)
    assert fingerprint(both) != fingerprint(code("x", "a.txt"))


def test_chats_are_compared_as_text() -> None:
    def chat(text: str) -> ChatResult:
        level = Verification(level=Level.PARSED)
        return ChatResult(text=text, finish_reason=FinishReason.STOP, model=None, verification=level)

    assert fingerprint(chat("Four.\n")) == fingerprint(chat("  Four."))
    assert fingerprint(chat("Four.")) != fingerprint(chat("Five."))
