"""No path leads out of the tree, into git's folder or past the constraints."""

import pytest

from workers.verify.paths import clashes, refused


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "C:/x", "a\\b", ".git/config", "a/.GIT/hooks/x",
        ".git",
        "a/.git./x", ".git /x", "git~1/x", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config", "a\x01b",
        "a\x7f",
        "x" * 300, "a/" * 251 + "b", "ä" * 200,
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    assert refused(path, [])


@pytest.mark.parametrize(
    "path", ["a.py", "src/a b/ä.py", ".gitignore", ".github/workflows/x.yml", "git/x", "a.git/x"]
)
def test_a_plain_path_is_allowed(path: str) -> None:
    assert refused(path, []) is None


def test_only_what_lies_below_the_constraints_may_change() -> None:
    assert refused("src/a.py", ["src"]) is None
    assert refused("setup.py", ["src", "setup.py"]) is None
    assert refused("srcs/a.py", ["src"])
    assert refused("src/../a.py", ["src"])


def test_nothing_is_a_file_and_a_folder_at_once() -> None:
    assert clashes(["a", "a/b"], ["a/b"])
    assert clashes(["a", "a/b/c"], ["a"])
    assert clashes(["a/b", "a/c", "ab"], ["a/c", "ab"]) == []
