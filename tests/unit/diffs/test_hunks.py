"""Submitted diffs are read as tools and people write them."""

import pytest

from schemas.results import Side
from workers.diffs.hunks import FileDiff, read_diff

HUNK = "@@ -10,3 +10,3 @@ def f():\n a\n-b\n+c\n d\n"


def only(diff: str) -> FileDiff:
    [file] = read_diff(diff)
    return file


@pytest.mark.parametrize(
    ("header", "old", "new"),
    [
        ("diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n", "x.py", "x.py"),
        ("diff --git x.py x.py\n--- x.py\n+++ x.py\n", "x.py", "x.py"),
        ("--- a/x.py\n+++ b/x.py\n", "x.py", "x.py"),
        ("--- a/x.py\t2024-01-01 10:00\n+++ b/x.py\t2024-01-02 10:00\n", "x.py", "x.py"),
        ("--- a/x.py\n+++ a/x.py\n", "a/x.py", "a/x.py"),
        ("diff --git i/x.py w/x.py\n--- i/x.py\n+++ w/x.py\n", "x.py", "x.py"),
        (
            "diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n",
            "o",
            "n",
        ),
        ("diff --git o n\nrename from o\nrename to n\n--- o\n+++ n\n", "o", "n"),
        ("--- a/o.py\n+++ b/n.py\n", "o.py", "n.py"),
        ("diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n", None, "x"),
        ("diff --git b/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n", None, "b/x"),
        ("diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n", "x", None),
        ("--- /dev/null\n+++ b/x\n", None, "x"),
        ("--- /dev/null\n+++ x\n", None, "x"),
        (
            'diff --git "a/\\303\\244 b" "b/\\303\\244 b"\n--- "a/\\303\\244 b"\n+++ "b/\\303\\244 b"\n',
            "ä b",
            "ä b",
        ),
        ('diff --git "a/\\303\\244" "b/\\303\\244"\n--- /dev/null\n+++ "b/\\303\\244"\n', None, "ä"),
        ("diff --git a/x y b/x y\n--- a/x y\t\n+++ b/x y\t\n", "x y", "x y"),
        ("", None, None),
    ],
)
def test_names_are_read_from_any_header(header: str, old: str | None, new: str | None) -> None:
    for ending in ("\n", "\r\n"):
        file = only((header + HUNK).replace("\n", ending))
        assert (file.old_path, file.new_path) == (old, new)


def test_lines_stand_on_their_sides_with_their_numbers() -> None:
    file = only("--- a/x\n+++ b/x\n" + HUNK + "@@ -30 +31,2 @@\n+new\n z\n")
    assert list(zip(file.old.numbers, file.old.texts, strict=True)) == [
        (10, "a"),
        (11, "b"),
        (12, "d"),
        (30, "z"),
    ]
    assert list(zip(file.new.numbers, file.new.texts, strict=True)) == [
        (10, "a"), (11, "c"), (12, "d"), (31, "new"), (32, "z"),
    ]  # fmt: skip


def test_content_that_looks_like_a_header_is_content() -> None:
    file = only("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n-@@ -1 +1 @@\n+++ b/y\n+diff --git a/z b/z\n")
    assert file.old.texts == ["-- a/y", "@@ -1 +1 @@"]
    assert file.new.texts == ["++ b/y", "diff --git a/z b/z"]


def test_several_files_are_kept_apart() -> None:
    plain = "--- a/x\n+++ b/x\n" + HUNK + "--- a/y\n+++ b/y\n" + HUNK
    git = plain.replace("--- a/", "diff --git a/q b/q\n--- a/")
    mixed = (
        plain
        + "diff --git a/z b/z\nBinary files a/z and b/z differ\ndiff --git a/w b/w\n--- a/w\n+++ b/w\n"
        + HUNK
    )
    assert [file.path(Side.NEW) for file in read_diff(plain)] == ["x", "y"]
    assert [file.path(Side.NEW) for file in read_diff(git)] == ["x", "y"]
    assert [file.path(Side.NEW) for file in read_diff(mixed)] == ["x", "y", "w"]


def test_no_newline_marks_and_mail_signatures_are_no_lines() -> None:
    file = only(
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n"
        "+b\n\\ No newline at end of file\n-- \n2.39.5\n\n"
    )
    assert (file.old.texts, file.new.texts) == (["a"], ["b"])


def test_counts_that_are_too_small_lose_no_lines() -> None:
    assert only("--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n a\n-b\n+c\n+d\n").new.texts == ["a", "c", "d"]


def test_an_empty_line_in_a_hunk_is_an_empty_context_line() -> None:
    assert only("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n").new.texts == ["a", "", "c"]


def test_text_around_a_diff_is_passed_over() -> None:
    assert only("From: me\nSubject: x\n---\n x | 2 +-\n\n--- a/x\n+++ b/x\n" + HUNK).new_path == "x"
