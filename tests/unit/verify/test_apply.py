"""Edits apply at their one place or are refused; nothing is ever applied by halves."""

from collections.abc import Mapping

import pytest

from workers.verify.apply import Applied, apply
from workers.verify.edits import Deletion, Edit


def lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def edit(search: str, replace: str, path: str = "a.py") -> Edit:
    return Edit(path, lines(search), lines(replace))


def applied(before: Mapping[str, str] | str, *edits: Edit | Deletion) -> Applied:
    return apply({"a.py": before} if isinstance(before, str) else before, edits)


def text(before: str, *edits: Edit | Deletion) -> str:
    done = applied(before, *edits)
    assert done.problems == ()
    return done.files["a.py"]


def refusal(before: Mapping[str, str] | str, *edits: Edit | Deletion) -> str:
    done = applied(before, *edits)
    assert done.problems
    return "\n".join(done.problems)


@pytest.mark.parametrize(
    ("before", "search", "replace", "after"),
    [
        ("a\nb\nc\n", "b", "x\ny", "a\nx\ny\nc\n"),
        ("a\nb\nc\n", "b", "", "a\nc\n"),
        ("a\nb", "b", "c", "a\nc"),
        ("a\nb", "b", "b\nc", "a\nb\nc"),
        ("a\nb", "a\nb", "", ""),
        ("a\r\nb\r\nc\r\n", "b", "x\ny", "a\r\nx\r\ny\r\nc\r\n"),
        ("a\r\nb", "b", "b\nc", "a\r\nb\r\nc"),
        ("a\nb\r\nc\n", "b", "x", "a\nx\r\nc\n"),
        ("\ufeffa\nb\n", "a", "x", "\ufeffx\nb\n"),
        ("\ufeffa\nb\n", "\ufeffa", "x", "\ufeffx\nb\n"),
        ("a\x0cb\x0bc\u2028d\x85e\rf\ng\n", "g", "h", "a\x0cb\x0bc\u2028d\x85e\rf\nh\n"),
        ("a  \nb\t\nc\n", "a\nb\nc", "a\nx\nc", "a  \nx\nc\n"),
        ("a\nb\n", "a   \nb", "x", "x\n"),
        ("f:\n    if x:\n        y\n", "if x:\n    y", "if x:\n    z", "f:\n    if x:\n        z\n"),
        ("if x:\n    y\n", "    if x:\n        y", "    if x:\n        z", "if x:\n    z\n"),
        ("\tif x:\n\t\ty\n", "if x:\n\ty", "if x:\n\n\tz", "\tif x:\n\n\t\tz\n"),
    ],
)  # fmt: skip
def test_an_edit_changes_its_lines_and_no_other_byte(
    before: str, search: str, replace: str, after: str
) -> None:
    assert text(before, edit(search, replace)) == after


def test_an_exact_place_wins_over_places_that_fit_loosely() -> None:
    assert text("  x\nx\nx  \n", edit("x", "y")) == "  x\ny\nx  \n"


def test_a_line_kept_by_the_edit_keeps_its_own_bytes() -> None:
    assert text("one  \r\ntwo\nthree\t\n", edit("one\ntwo\nthree", "one\n2\nthree")).startswith("one  \r\n")


def test_edits_apply_in_order_each_on_what_the_last_one_left() -> None:
    assert text("a\n", edit("a", "b"), edit("b", "c")) == "c\n"


def test_a_file_is_created_with_a_last_line_end() -> None:
    assert applied({}, edit("", "x\ny", "new/b.py")).files == {"new/b.py": "x\ny\n"}
    assert applied({}, Edit("e.py", (), ())).files == {"e.py": ""}


def test_an_empty_file_is_filled_and_keeps_its_mark() -> None:
    assert text("", edit("", "x")) == "x\n"
    assert text("\ufeff", edit("", "x")) == "\ufeffx\n"


def test_a_file_is_written_anew_by_deleting_it_first() -> None:
    assert text("old\n", Deletion("a.py"), edit("", "new")) == "new\n"


def test_an_existing_file_is_not_overwritten() -> None:
    assert "exists already" in refusal("old\n", edit("", "new"))


def test_a_place_that_is_not_the_only_one_is_refused_with_the_lines() -> None:
    assert "more than once (at lines 1, 3" in refusal("x\ny\nx\n", edit("x", "z"))
    assert "more than once" in refusal("  x\n    x\n", edit("x", "z"))
    assert "more than once" in refusal("x \nx  \n", edit("x", "z"))


def test_uneven_indentation_is_no_match() -> None:
    assert "not in the file" in refusal("  if x:\n      y\n", edit("if x:\n  y", "z"))


def test_a_replacement_indented_less_than_its_search_is_refused() -> None:
    assert "indented less" in refusal("a:\n  b\n", edit("    a:\n      b", "  a:\n      c"))


def test_a_missing_place_shows_the_nearest_real_lines() -> None:
    before = (
        "".join(f"line {number}\n" for number in range(50)) + "def total(items):\n    return sum(items)\n"
    )
    said = refusal(before, edit("def total(items):\n    return sum(item)", "x"))
    assert "lines 51-52" in said
    assert "    return sum(items)" in said


def test_a_misspelt_line_finds_its_lookalike() -> None:
    assert "return amount * rate" in refusal(
        "import x\nreturn amount * rate\n", edit("return amounts * rate", "x")
    )


def test_all_bad_blocks_are_told_and_none_is_applied_in_silence() -> None:
    done = applied("a\nb\n", edit("a", "x"), edit("nope", "y"), edit("neither", "z"))
    assert len(done.problems) == 2


def test_a_missing_file_is_refused_with_the_one_that_was_meant() -> None:
    assert "Did you mean src/app.py?" in refusal({"src/app.py": "x\n"}, edit("x", "y", "app.py"))
    assert "Did you mean src/app.py?" in refusal({"src/app.py": "x\n"}, edit("x", "y", "src/ap.py"))
    assert "Did you mean src/app.py?" in refusal({"src/app.py": "x\n"}, Deletion("lib/app.py"))


def test_a_repeated_block_is_noted_and_not_applied_twice() -> None:
    for change in (edit("a", "b"), edit("a", "a\nb"), edit("  a", "  a\n  b")):
        once, twice = applied("a\nc\n", change), applied("a\nc\n", change, change)
        assert twice.files == once.files
        assert twice.problems == ()
        assert len(twice.notes) == 1


def test_an_answer_given_twice_is_the_answer_given_once() -> None:
    change = (edit("", "x", "new.py"), edit("x", "y", "new.py"), edit("a", "b"), Deletion("old.py"))
    before = {"a.py": "a\n", "old.py": "1\n"}
    assert applied(before, *change, *change).files == applied(before, *change).files
    assert applied(before, *change, *change).problems == ()


def test_a_block_that_applies_again_for_good_reason_is_applied_again() -> None:
    assert text("a\n", edit("a", "b"), edit("b", "a"), edit("a", "b")) == "b\n"
    again = applied({}, edit("", "x", "n.py"), Deletion("n.py"), edit("", "x", "n.py"))
    assert again.files == {"n.py": "x\n"}


def test_an_edit_whose_result_stands_there_already_is_noted() -> None:
    before = "def f(x):\n    if x is None:\n        return 0\n    return 1 / x\n"
    asked = edit("def f(x):\n    return 1 / x", before.removesuffix("\n"))
    done = applied(before, asked)
    assert done.files["a.py"] == before
    assert done.problems == ()
    assert "already applied" in done.notes[0]


def test_a_short_replacement_found_by_chance_is_not_taken_for_applied() -> None:
    assert "leave the block out if it is already applied" in refusal(
        "return x\n", edit("return y", "return x")
    )


def test_an_insertion_that_is_already_there_is_not_made_twice() -> None:
    done = applied("import os\nimport re\nx\n", edit("import re", "import os\nimport re"))
    assert done.files["a.py"] == "import os\nimport re\nx\n"
    assert "already applied" in done.notes[0]
