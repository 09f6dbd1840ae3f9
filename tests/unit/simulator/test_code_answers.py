"""What the scripts write really applies, and really runs."""

import ast
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.scripts.generate import slug
from orchestrator.simulator.wire import Message, Role
from tests.unit.simulator.prompts import MERGE, answered, applied, ask, file

LABEL = "Simulated answer: no model was asked."
SLUGIFY = (
    "<description>Write slugify(title: str) -> str in slugify.py: lower-case, ASCII letters and digits"
    " joined by single hyphens, accents removed.</description>\n"
    '<criterion number="1">Accents are removed.</criterion>\n'
    '<criterion number="2">Empty stays empty.</criterion>'
)


def function(source: str, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(compile(source, "answer.py", "exec"), namespace)
    found: Callable[..., Any] = namespace[name]
    return found


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Crème Brûlée!", "creme-brulee"), ("  a  --  B ", "a-b"), ("", ""), ("Größe 42", "groe-42")],
)
def test_the_slugify_that_is_written_works(title: str, expected: str) -> None:
    files = applied(answered("generate_code", SLUGIFY), {})
    assert list(files) == ["slugify.py"]
    assert function(files["slugify.py"], "slugify")(title) == expected


def test_slugify_replaces_a_file_that_is_there() -> None:
    old = "def slugify(title: str) -> str:\n    return title\n"
    user = f"{SLUGIFY}\n{file('slugify.py', old)}"
    files = applied(answered("generate_code", user), {"slugify.py": old})
    assert function(files["slugify.py"], "slugify")("A b") == "a-b"


def test_scripted_criteria_are_met_with_the_line_of_evidence() -> None:
    answer = answered("generate_code", SLUGIFY)
    line = applied(answer, {})["slugify.py"].split("\n").index("def slugify(title: str) -> str:") + 1
    for number in (1, 2):
        assert f'<criterion number="{number}" verdict="met" evidence="slugify.py:{line}">' in answer


@pytest.mark.parametrize("condition", ["start < merged[-1][1]", "merged[-1][1] > start"])
def test_the_fix_merges_touching_and_unsorted_intervals(condition: str) -> None:
    source = MERGE.replace("start < merged[-1][1]", condition)
    test = "from calc.intervals import merge\n\n\ndef test_it():\n    assert merge([(1, 2), (2, 3)])\n"
    user = (
        "<description>merge drops touching intervals</description>\n"
        f"{file('tests/test_intervals.py', test)}\n{file('calc/intervals.py', source)}\n"
        "<error_report>AssertionError</error_report>"
    )
    before = {"calc/intervals.py": source, "tests/test_intervals.py": test}
    files = applied(answered("fix_bug", user), before)
    merge = function(files["calc/intervals.py"], "merge")
    assert merge([(5, 6), (2, 3), (1, 2)]) == [(1, 3), (5, 6)]
    assert files["tests/test_intervals.py"] == test


def test_the_fix_sorts_an_input_that_is_indexed() -> None:
    source = (
        "def merge(intervals):\n"
        '    """Join intervals."""\n'
        "    merged = [intervals[0]]\n"
        "    for start, end in intervals[1:]:\n"
        "        last_start, last_end = merged[-1]\n"
        "        if start < last_end:\n"
        "            merged[-1] = (last_start, max(last_end, end))\n"
        "        else:\n"
        "            merged.append((start, end))\n"
        "    return merged\n"
    )
    user = f"<description>merge is wrong</description>\n{file('calc/intervals.py', source)}"
    files = applied(answered("fix_bug", user), {"calc/intervals.py": source})
    merge = function(files["calc/intervals.py"], "merge")
    assert merge([(2, 3), (1, 2)]) == [(1, 3)]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nimport os\n",
        "#!/usr/bin/env python\n# coding: utf-8\nx = 1\n",
        "x = 1",
        "\n\nx = 1\nx = 1\n",
    ],
)
def test_any_other_bug_gets_a_harmless_comment(source: str) -> None:
    user = f'{file("a.py", source)}\n<criterion number="1">works</criterion>'
    answer = answered("fix_bug", user)
    files = applied(answer, {"a.py": source if source.endswith("\n") else source + "\n"})
    assert "# Simulated change" in files["a.py"]
    assert ast.dump(ast.parse(files["a.py"])) == ast.dump(ast.parse(source))
    assert files["a.py"].startswith("#!") == source.startswith("#!")
    assert '<criterion number="1" verdict="cant_tell" evidence="a.py:' in answer


def test_a_bug_without_python_files_gets_a_note() -> None:
    files = applied(
        answered("fix_bug", f"<description>x</description>\n{file('a.c', 'int x;')}"), {"a.c": "int x;\n"}
    )
    assert "Simulated note" in files["simulated/notes.md"]


@pytest.mark.parametrize(
    "description",
    ["Write a parser", "42 things", "class", "日本語だけ", 'quotes " and \\ and {braces}', "x" * 5_000],
)
def test_any_other_code_is_a_placeholder_that_runs(description: str) -> None:
    files = applied(answered("generate_code", f"<description>{description}</description>"), {})
    ((path, source),) = files.items()
    name = path.removeprefix("simulated/").removesuffix(".py")
    assert function(source, name)().startswith("Simulated: ")
    assert name == slug(description)
    assert max(map(len, source.split("\n"))) < 1_000


def test_a_placeholder_takes_a_path_that_is_free() -> None:
    user = f"<description>Do it</description>\n{file('simulated/do_it.py', 'x = 1')}"
    assert "simulated/do_it_2.py" in applied(
        answered("generate_code", user), {"simulated/do_it.py": "x = 1\n"}
    )


def test_every_answer_says_first_that_it_is_simulated() -> None:
    for kind in ("generate_code", "fix_bug", "review_code", "chat"):
        for persona in (None, *Persona):
            assert script(ask(kind, "<description>x</description>"), persona).startswith(LABEL)


def test_a_prompt_of_another_origin_gets_a_plain_answer() -> None:
    answer = script((Message(Role.USER, "What is the time?"),))
    assert (
        answer == f"{LABEL} Your message has 4 words. Give the product a provider's key to ask a real model."
    )


@pytest.mark.parametrize("source", [MERGE, "x = 1\n", None])
def test_sloppy_answers_fit_nowhere_until_they_are_mended(source: str | None) -> None:
    files = {} if source is None else {"calc/intervals.py": source}
    kind = "generate_code" if source is None else "fix_bug"
    user = "<description>x</description>\n" + "\n".join(file(*pair) for pair in files.items())
    with pytest.raises(ValueError, match="occur 0 times"):
        applied(script(ask(kind, user), Persona.SLOPPY), files)
    assert applied(script(ask(kind, user, repair=True), Persona.SLOPPY), files) != files


def test_a_syntax_error_is_mended_when_asked() -> None:
    broken = applied(script(ask("generate_code", SLUGIFY), Persona.SYNTAX_ERROR), {})["slugify.py"]
    with pytest.raises(SyntaxError):
        ast.parse(broken)
    mended = applied(script(ask("generate_code", SLUGIFY, repair=True), Persona.SYNTAX_ERROR), {})
    assert function(mended["slugify.py"], "slugify")("A b") == "a-b"


def test_wrong_stays_unusable() -> None:
    for repair in (False, True):
        with pytest.raises(ValueError, match="no blocks"):
            applied(script(ask("fix_bug", file("a.py", "x = 1"), repair=repair), Persona.WRONG), {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\na\na\nb\n", "a\na\nc\nb\n"),
        ("a\nb\n", "z\na\nb\n"),
        ("a\nb\n", "a\nb\nz\n"),
        ("x\n\n\nx\n\n\nx\n", "x\n\n\ny\n\n\nx\n"),
        ("ab\nb\n", "ab\nc\n"),
    ],
)
def test_an_edit_finds_its_lines_exactly_once(old: str, new: str) -> None:
    block = code.edit("f", old, new)
    assert old.count(block.search) == 1
    assert old.replace(block.search, block.replace) == new
