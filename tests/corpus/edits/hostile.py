"""Answers written by hand: what no dialect may do, and what is said in too many ways."""

from collections.abc import Mapping
from typing import Final

from tests.corpus.edits.cases import GUIDE, SHOP
from tests.corpus.edits.dialects import block
from workers.verify.problems import Reason

TREE: Final = {"src/shop.py": SHOP, "README.md": GUIDE, "plain.txt": "one\ntwo\none\n"}
NEW_GUIDE: Final = GUIDE.replace("First lines.", "Second lines.")


def _git(path: str, *lines: str) -> str:
    return "\n".join([f"diff --git a/{path} b/{path}", *lines, ""])


def _patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


HOSTILE: Final[list[tuple[str, Mapping[str, str], str, Mapping[str, str] | Reason]]] = [
    (
        "symbolic link made",
        TREE,
        _git("link", "new file mode 120000", "--- /dev/null", "+++ b/link", "@@ -0,0 +1 @@", "+/etc/passwd"),
        Reason.SYMLINK,
    ),
    (
        "symbolic link changed",
        TREE,
        _git(
            "plain.txt", "index 1234567..89abcde 120000", "--- a/plain.txt", "+++ b/plain.txt",
            "@@ -2 +2 @@", "-two", "+/etc",
        ),
        Reason.SYMLINK,
    ),
    ("file made a link", TREE, _git("plain.txt", "old mode 100644", "new mode 120000"), Reason.SYMLINK),
    (
        "submodule",
        TREE,
        _git(
            "lib", "new file mode 160000", "--- /dev/null", "+++ b/lib", "@@ -0,0 +1 @@",
            "+Subproject commit 0123456789012345678901234567890123456789",
        ),
        Reason.SUBMODULE,
    ),
    (
        "binary patch",
        TREE,
        _git("x.png", "new file mode 100644", "GIT binary patch", "literal 3", "Kc$@<O00001", ""),
        Reason.BINARY,
    ),
    ("binary files differ", TREE, _git("x.png", "Binary files a/x.png and b/x.png differ"), Reason.BINARY),
    ("copy", TREE, _git("plain.txt", "copy from plain.txt", "copy to other.txt"), Reason.COPY),
    ("unknown mode", TREE, _git("plain.txt", "old mode 100644", "new mode 040000"), Reason.GARBLED),
    (
        "moved outside",
        TREE,
        _git("plain.txt", "rename from plain.txt", "rename to ../plain.txt"),
        Reason.PATH,
    ),
    ("moved outside, V4A", TREE, _patch("*** Update File: plain.txt", "*** Move to: /tmp/x"), Reason.PATH),
    (
        "moved onto another",
        TREE,
        _patch("*** Update File: plain.txt", "*** Move to: README.md"),
        Reason.EXISTS,
    ),
    (
        "moved only",
        TREE,
        _git("plain.txt", "similarity index 100%", "rename from plain.txt", "rename to notes/plain.txt"),
        {"src/shop.py": SHOP, "README.md": GUIDE, "notes/plain.txt": TREE["plain.txt"]},
    ),
    ("two places, blocks", TREE, block("plain.txt", ("one",), ("1",)), Reason.AMBIGUOUS),
    ("two places, V4A", TREE, _patch("*** Update File: plain.txt", "@@", "-one", "+1"), Reason.AMBIGUOUS),
    (
        "two places, unified",
        TREE,
        "--- a/plain.txt\n+++ b/plain.txt\n@@ -1 +1 @@\n-one\n+1\n",
        Reason.AMBIGUOUS,
    ),
    (
        "two places, one at the end",
        TREE,
        _patch("*** Update File: plain.txt", "@@", "-one", "+1", "*** End of File"),
        TREE | {"plain.txt": "one\ntwo\n1\n"},
    ),
    (
        "two places, one below the line named",
        TREE,
        _patch(
            "*** Update File: src/shop.py", "@@ class Shelf:", "@@     def clear(self):",
            "-        return None",
        ),
        TREE | {"src/shop.py": SHOP.replace("        return None\n\n\ndef load", "\n\ndef load")},
    ),
    (
        "two places, none below the line named",
        TREE,
        _patch("*** Update File: src/shop.py", "@@ def load(path):", "-        return None"),
        Reason.AMBIGUOUS,
    ),
    (
        "only additions, no place",
        TREE,
        _patch("*** Update File: plain.txt", "@@", "+three"),
        Reason.AMBIGUOUS,
    ),
    (
        "only additions, at the end",
        TREE,
        _patch("*** Update File: plain.txt", "@@", "+three", "*** End of File"),
        TREE | {"plain.txt": "one\ntwo\none\nthree\n"},
    ),
    ("only additions, no file", TREE, _patch("*** Update File: no.txt", "@@", "+x"), Reason.MISSING_FILE),
    ("hunks without names", TREE, "@@ -1,2 +1,2 @@\n one\n-two\n+2\n", Reason.NO_PATH),
    (
        "hunks below a path",
        TREE,
        "plain.txt\n```diff\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n```\n",
        TREE | {"plain.txt": "one\n2\none\n"},
    ),
    ("a diff without head", TREE, "plain.txt\n```diff\n one\n-two\n+2\n```\n", Reason.GARBLED),
    (
        "two names",
        TREE,
        "--- a/plain.txt\n+++ b/README.md\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
        Reason.NO_PATH,
    ),
    (
        "newline at the end taken away",
        TREE,
        "--- a/plain.txt\n+++ b/plain.txt\n@@ -2,2 +2,2 @@\n two\n-one\n+one\n\\ No newline at end of file\n",
        TREE | {"plain.txt": "one\ntwo\none"},
    ),
    (
        "no newline in the middle",
        TREE,
        "--- a/plain.txt\n+++ b/plain.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\\ No newline at end of file\n",
        Reason.ENDING,
    ),
    (
        "a line that may belong to the diff",
        TREE,
        "--- a/plain.txt\n+++ b/plain.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\n+three\n",
        Reason.GARBLED,
    ),
    (
        "mail signature",
        TREE,
        "--- a/plain.txt\n+++ b/plain.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n-- \n2.47.0\n",
        TREE | {"plain.txt": "one\n2\none\n"},
    ),
    ("fences in a fenced file", TREE, f"README.md\n```markdown\n{NEW_GUIDE}```\n", Reason.NESTED_FENCES),
    (
        "bare fences in a fenced file",
        TREE,
        "README.md\n```\n" + NEW_GUIDE.replace("```sh", "```") + "```\n",
        Reason.NESTED_FENCES,
    ),
    (
        "fences in a longer fence",
        TREE,
        f"README.md\n````markdown\n{NEW_GUIDE}````\n",
        TREE | {"README.md": NEW_GUIDE},
    ),
    ("fences in a block", TREE, block("README.md", ("Run this:", "", "```sh"), ("Run:", "", "```bash")),
     TREE | {"README.md": GUIDE.replace("Run this:\n\n```sh", "Run:\n\n```bash")}),
    ("whole file twice, differently", TREE, "plain.txt\n```\na\n```\nplain.txt\n```\nb\n```\n", Reason.MIXED),
    ("blocks in a file's fence", TREE, "n.txt\n```\ntext\n" + block("plain.txt", ("two",), ("2",)) + "```\n",
     Reason.MIXED),
    ("a path with a space", {"my notes.txt": "one\ntwo\n"}, block("my notes.txt", ("two",), ("2",)),
     {"my notes.txt": "one\n2\n"}),
    ("a fenced file that is not named as one", TREE,
     "new.py\n```\nx = 1\n```\n\nHere is the new src/shop.py:\n```python\ny = 2\n```\n", Reason.NO_PATH),
    ("a bare fence below a path with a space", TREE, "new.py\n```\nx = 1\n```\n\nmy new/x.py\n```\ny\n```\n",
     Reason.NO_PATH),
    ("whole file cut to nothing", TREE, "src/shop.py\n```python\nx = 1\n```\n", Reason.EXCERPT),
    ("runtime's name is no file", TREE, "Node.js\n```js\nx()\n```\n", Reason.NO_EDITS),
    ("prose alone", TREE, "You should change the second line.", Reason.NO_EDITS),
    ("V4A without its first marker", TREE, "*** Update File: plain.txt\n one\n-two\n+2\n*** End Patch\n",
     TREE | {"plain.txt": "one\n2\none\n"}),
    ("V4A ended by its fence", TREE, "```\n*** Begin Patch\n*** Update File: plain.txt\n-two\n+2\n```\n",
     TREE | {"plain.txt": "one\n2\none\n"}),
    ("V4A with a line outside", TREE, _patch("And now:", "*** Delete File: plain.txt"), Reason.GARBLED),
    ("V4A adds without marks", TREE, _patch("*** Add File: n.txt", "a", "b"), TREE | {"n.txt": "a\nb\n"}),
    ("V4A adds with some marks", TREE, _patch("*** Add File: n.txt", "+a", "b"), Reason.GARBLED),
    ("V4A end alone", TREE, block("plain.txt", ("two",), ("2",)) + "*** End Patch\n", Reason.GARBLED),
]  # fmt: skip
