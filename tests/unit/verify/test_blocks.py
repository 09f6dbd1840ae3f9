"""Blocks are read out of whatever a model dresses them in; what a block means is never guessed."""

import pytest

from tests.unit.verify.answers import block
from workers.verify.edits import AnyEdit, Deletion, Edit, Parsed
from workers.verify.parse import parse_edits

KNOWN = frozenset({"src/app.py", "Makefile", "my file.txt", "a&b.py"})
PLAIN = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE"


def edits(answer: str) -> tuple[AnyEdit, ...]:
    parsed = parse_edits(answer, KNOWN)
    assert parsed.problems == ()
    return parsed.edits


def refusal(answer: str) -> str:
    parsed = parse_edits(answer, KNOWN)
    assert parsed.problems
    return "\n".join(parsed.problems)


@pytest.mark.parametrize(
    "dressed",
    [
        f"src/app.py\n{PLAIN}",
        f"`src/app.py`\n{PLAIN}",
        f"**src/app.py**\n{PLAIN}",
        f"**`src/app.py`**:\n{PLAIN}",
        f"### src/app.py\n\n{PLAIN}",
        f"1. `src/app.py`\n{PLAIN}",
        f"File: src/app.py\n{PLAIN}",
        f"./src/app.py\n{PLAIN}",
        f"src/app.py:\n```python\n{PLAIN}\n```",
        f"```python\nsrc/app.py\n{PLAIN}\n```",
        f"```\nsrc/app.py\n```python\n{PLAIN}\n```\n```",
        f"src/app.py\r\n{PLAIN}\r\n".replace("\n", "\r\n").replace("\r\r", "\r"),
        f"  src/app.py  \n{PLAIN}",
        f"src/app.py\n{PLAIN.replace('=======', '======')}",
        f"src/app.py\n{PLAIN.replace('>>>>>>> ', '>>>>>>>>')}",
    ],
)
def test_a_block_is_read_however_it_is_dressed(dressed: str) -> None:
    assert edits(f"I do this.\n\n{dressed}\n\nThat is all.") == (Edit("src/app.py", ("old",), ("new",)),)


@pytest.mark.parametrize("path", ["my file.txt", "Makefile", "a&b.py"])
def test_a_known_path_may_look_like_anything(path: str) -> None:
    assert edits(f"{path}\n{PLAIN}") == (Edit(path, ("old",), ("new",)),)


def test_a_path_escaped_as_in_the_prompt_is_understood() -> None:
    assert edits(f"a&amp;b.py\n{PLAIN}") == (Edit("a&b.py", ("old",), ("new",)),)


def test_the_explanation_is_what_stands_around_the_blocks() -> None:
    answer = (
        f"First.\n\n```python\nsrc/app.py\n{PLAIN}\n```\n\nSecond:\n\nsrc/app.py\n```\n{PLAIN}\n```\nThird."
    )
    assert parse_edits(answer, KNOWN).prose.split() == ["First.", "Second:", "Third."]


def test_code_fences_of_the_prose_stay_in_the_explanation() -> None:
    prose = parse_edits(f"Run it:\n```\nmake\n```\nsrc/app.py\n{PLAIN}\n", KNOWN).prose
    assert prose.startswith("Run it:\n```\nmake")


def test_an_empty_search_makes_a_file_and_delete_removes_one() -> None:
    assert edits(block("new/x.py", "", "x\n") + "src/app.py\n<<<<<<< DELETE\n=======\n>>>>>>> REPLACE\n") == (
        Edit("new/x.py", (), ("x",)),
        Deletion("src/app.py"),
    )


def test_a_second_block_without_a_path_is_about_the_same_file() -> None:
    found = edits(f"src/app.py\n{PLAIN}\nand then\n{PLAIN}")
    assert [edit.path for edit in found] == ["src/app.py", "src/app.py"]


def test_a_file_is_never_created_or_deleted_under_an_inherited_path() -> None:
    assert "no path" in refusal(
        f"src/app.py\n{PLAIN}\nNow a new one.\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE"
    )
    assert "without saying what" in refusal(f"src/app.py\n{PLAIN}\nNow this goes.\n<<<<<<< DELETE")


def test_prose_above_a_block_is_no_path() -> None:
    for line in ("Now I change the loop:", "Then", "see above.", "etc.", "<b>"):
        assert "no path" in refusal(f"{line}\n\n{PLAIN}"), line


def test_a_path_outside_the_tree_is_still_read_as_the_path_it_is() -> None:
    assert edits(f"../../etc/passwd\n{PLAIN}")[0].path == "../../etc/passwd"


def test_longer_markers_carry_code_that_holds_markers() -> None:
    search = "Title\n=======\n<<<<<<< SEARCH\n"
    assert edits(block("src/app.py", search, "New\n=======\n>>>>>>> REPLACE\n", width=9)) == (
        Edit("src/app.py", ("Title", "=======", "<<<<<<< SEARCH"), ("New", "=======", ">>>>>>> REPLACE")),
    )


def test_a_second_divider_is_refused_because_it_could_be_either() -> None:
    said = refusal(block("src/app.py", "Title\n=======\n", "New\n"))
    assert "holds 2" in said
    assert "nine characters" in said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("src/app.py\n<<<<<<< SEARCH\nold\n=======\nnew\n", "is not closed"),
        ("src/app.py\n<<<<<<< SEARCH\nold\n>>>>>>> REPLACE\n", "holds no `=======`"),
        (f"src/app.py\n<<<<<<< SEARCH\nold\nsrc/app.py\n{PLAIN}", "Block 1 (src/app.py) is not closed"),
        ("Just do it yourself.", "no edit block"),
        ('{"files": [{"path": "src/app.py", "content": "x"}]}', "code in JSON"),
        ("", "no edit block"),
    ],
)
def test_half_a_block_is_refused_with_what_is_missing(answer: str, why: str) -> None:
    assert why in refusal(answer)


def test_a_good_block_after_a_bad_one_is_still_read() -> None:
    parsed = parse_edits(f"src/app.py\n<<<<<<< SEARCH\nold\nsrc/app.py\n{PLAIN}", KNOWN)
    assert parsed == Parsed((Edit("src/app.py", ("old",), ("new",)),), parsed.prose, parsed.faults)
    assert len(parsed.problems) == 1


@pytest.mark.parametrize(
    "garbled",
    [
        PLAIN.replace("<<<<<<< SEARCH\n", ""),
        PLAIN.replace("SEARCH", "SERCH"),
        PLAIN.replace("<<<<<<< SEARCH", "<<<<<<< SEARCH src/app.py"),
        PLAIN.replace("<<<<<<< SEARCH", "  <<<<<<< SEARCH"),
        PLAIN.replace("<<<<<<< SEARCH", "<" * 30 + " SEARCH"),
        "<<<<<<< REMOVE",
    ],
)
def test_a_garbled_block_does_not_pass_for_prose_while_others_apply(garbled: str) -> None:
    assert "outside of any block" in refusal(f"src/app.py\n{PLAIN}\n\nsrc/app.py\n{garbled}\n")


def test_more_blocks_than_anyone_needs_are_refused() -> None:
    assert "more than 500 blocks" in refusal(f"src/app.py\n{PLAIN}\n" * 501)
