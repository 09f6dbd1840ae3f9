"""Paths are quoted as git quotes them, and read back."""

import pytest

from workers.diffs.git_paths import quoted, unquoted


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("a/x.py", "a/x.py"),
        ("a/x y.py", "a/x y.py"),
        ("a/x ", '"a/x "'),
        ("a/ä", '"a/\\303\\244"'),
        ('a/"', '"a/\\""'),
        ("a/\t\\\x01", '"a/\\t\\\\\\001"'),
    ],
)
def test_a_path_is_written_as_git_writes_it_and_read_back(path: str, written: str) -> None:
    assert quoted(path) == written
    if written.startswith('"'):
        assert unquoted(written + " rest") == (path, " rest")


@pytest.mark.parametrize("text", ["plain", '"open', '"\\', ""])
def test_what_is_not_quoted_is_said_to_be_so(text: str) -> None:
    assert unquoted(text) is None


def test_odd_escapes_are_taken_as_they_stand() -> None:
    assert unquoted('"\\9\\²\\q"') == ("9²q", "")
