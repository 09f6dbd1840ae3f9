"""Our diff is what `git apply` makes of it, whatever bytes are in the files and their names."""

from pathlib import Path

import pytest

from tests.unit.verify.answers import git_applies
from workers.verify.diff import file_diff, tree_diff

NUMBERS = "".join(f"{number}\n" for number in range(1, 40))

TREES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "modified": ({"a": NUMBERS}, {"a": NUMBERS.replace("20\n", "x\ny\n")}),
    "two hunks": ({"a": NUMBERS}, {"a": NUMBERS.replace("\n3\n", "\nx\n").replace("\n33\n", "\n")}),
    "first and last line": ({"a": NUMBERS}, {"a": "0\n" + NUMBERS + "40\n"}),
    "emptied": ({"a": "x\n"}, {"a": ""}),
    "filled": ({"a": ""}, {"a": "x\n"}),
    "created in a new folder": ({"a": "x\n"}, {"a": "x\n", "p/q/r.py": "1\n"}),
    "empty file created": ({}, {"p/__init__.py": ""}),
    "empty file deleted": ({"p/__init__.py": "", "a": "x\n"}, {"a": "x\n"}),
    "deleted": ({"a": NUMBERS}, {}),
    "newline at the end lost": ({"a": "x\ny\n"}, {"a": "x\ny"}),
    "newline at the end gained": ({"a": "x\ny"}, {"a": "x\ny\n"}),
    "no newline kept": ({"a": "x\ny"}, {"a": "z\ny"}),
    "no newline on both": ({"a": "x\ny"}, {"a": "x\nz"}),
    "created without newline": ({}, {"a": "x"}),
    "deleted without newline": ({"a": "x"}, {}),
    "CRLF": ({"a": "x\r\ny\r\nz\r\n"}, {"a": "x\r\nw\r\nz\r\n"}),
    "CRLF to LF": ({"a": "x\r\ny\r\n"}, {"a": "x\ny\n"}),
    "mixed endings": ({"a": "x\r\ny\nz"}, {"a": "x\r\ny\nw\r\nz"}),
    "byte order mark": ({"a": "\ufeffx\ny\n"}, {"a": "\ufeffx\nz\n"}),
    "lines like headers": (
        {"a": "-- a/x\n++ b/x\n@@ -1 +1 @@\ndiff --git a/a b/a\n-x\n+y\n"},
        {"a": "-- a/z\n++ b/z\n@@ -1 +1 @@\n--- a/a\n+++ b/a\n\\ No newline\n"},
    ),
    "what str.splitlines splits at": (
        {"a": "x\x0cy\x0bz\n\u2028\x85\rq\x1c\nend\n"},
        {"a": "x\x0cy\x0bw\n\u2028\x85\rq\x1d\nend\n"},
    ),
    "blank lines": ({"a": "\n\n\nx\n\n\n"}, {"a": "\n\nx\n\n\n\n"}),
    "repeated lines": ({"a": "a\nb\n" * 30}, {"a": "a\nb\n" * 14 + "c\n" + "b\na\n" * 16}),
    "unicode content": ({"a": "äöü\n😀\n"}, {"a": "äöü\n😎\n"}),
    "unicode path": ({"ä/😀.py": "1\n"}, {"ä/😀.py": "2\n", "日本.txt": ""}),
    "spaces in paths": ({"a b/c d": "1\n"}, {"a b/c d": "2\n", "e f": "", "b/a b/a": "3\n"}),
    "trailing space in a path": ({"x ": "1\n", " y": "1\n"}, {"x ": "2\n", " y": "2\n", "z ": ""}),
    "quotes in paths": ({'a"b': "1\n", "it's": "1\n"}, {'a"b': "2\n", "it's": "", 'n"': "", "$(x);&|*": ""}),
    "paths like options": ({"-x": "1\n", "--": "1\n"}, {"-x": "2\n", "--": "2\n"}),
    "paths like prefixes": ({"b/a": "1\n"}, {"b/a": "2\n", "a/b/a/b": "1\n"}),
    "file becomes folder": ({"a": "1\n"}, {"a/b": "1\n"}),
    "folder becomes file": ({"a/b": "1\n"}, {"a": "1\n"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_git_makes_the_same_tree_of_our_diff(name: str, tmp_path: Path) -> None:
    before, after = TREES[name]
    assert git_applies(tmp_path / "tree", before, tree_diff(before, after)) == after


MOVES: dict[str, tuple[str, str, str, str]] = {
    "moved": ("a.py", "b/c.py", "x\ny\n", "x\ny\n"),
    "moved and changed": ("a.py", "b/c.py", NUMBERS, NUMBERS.replace("7\n", "seven\n")),
    "moved and rewritten": ("a.py", "b.py", "x\n", "y"),
    "moved, empty": ("a.py", "b.py", "", ""),
    "moved with spaces": ("a b/c d", "e f/g ", "x\ny\n", "x\nz\n"),
    "moved with other letters": ("ä/😀.py", 'q"uote.py', "x\r\ny", "x\r\nz"),
}


@pytest.mark.parametrize("name", MOVES)
def test_git_moves_a_file_as_our_diff_says(name: str, tmp_path: Path) -> None:
    old, new, before, after = MOVES[name]
    rest = {"rest.txt": "1\n"}
    diff = tree_diff({old: before, **rest}, {new: after, "more.txt": "2\n", **rest}, {new: old})
    assert "\nrename to " in diff
    made = git_applies(tmp_path / "tree", {old: before, **rest}, diff)
    assert made == {new: after, "more.txt": "2\n", **rest}


def test_a_diff_reads_as_git_writes_it() -> None:
    assert file_diff("src/a.py", "a\nb\nc\nd\ne\n", "a\nb\nc\nx\ne") == (
        "diff --git a/src/a.py b/src/a.py\n"
        "--- a/src/a.py\n"
        "+++ b/src/a.py\n"
        "@@ -1,5 +1,5 @@\n"
        " a\n b\n c\n-d\n-e\n+x\n+e\n\\ No newline at end of file\n"
    )


def test_what_stays_is_context_and_what_moved_is_small() -> None:
    old = "".join(f"def f{number}():\n    return {number}\n\n" for number in range(30))
    new = old.replace("    return 7\n", "    return 70\n").replace("def f22", "def g22")
    changed = [
        line
        for line in file_diff("a.py", old, new).split("\n")
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert [line for line in changed if line] == [
        "-    return 7", "+    return 70", "-def f22():", "+def g22():",
    ]  # fmt: skip


def test_an_unchanged_file_has_no_diff() -> None:
    assert file_diff("a", "x\n", "x\n") == ""
