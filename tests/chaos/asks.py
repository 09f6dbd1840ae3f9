"""What is asked for in a run: small tasks of each kind, which the simulator solves."""

from typing import Any, Final

SLOPPILY: Final = "sloppily"
"""A word in a description that the simulator is told to answer badly at first: a repair follows."""
SLOWLY: Final = "slowly"
"""A word in a description that the simulator takes its time for."""

_FILE: Final = {
    "path": "calc/intervals.py",
    "content": '"""Sums."""\n\n\ndef total(values):\n    """The sum."""\n    return sum(values)\n',
}
_DIFF: Final = """\
diff --git a/app/users.py b/app/users.py
--- a/app/users.py
+++ b/app/users.py
@@ -1,2 +1,3 @@
 import sqlite3
-def old(): ...
+def find(name):
+    return sqlite3.connect("users").execute("SELECT * FROM users WHERE name = '%s'" % name)
"""


def sloppy_rule(**rest: Any) -> dict[str, Any]:
    """The simulator's rule for descriptions with the word above."""
    return {"match": {"prompt_contains": SLOPPILY}, "persona": "sloppy", **rest}


def slow_rule() -> dict[str, Any]:
    """The simulator's rule for the other word."""
    return {"match": {"prompt_contains": SLOWLY}, "latency_ms": 2_000}


def ask(number: int, *, provider: str, manner: str = "carefully") -> dict[str, Any]:
    """The body of the task with this number; kinds take turns."""
    kinds = (_generate, _fix, _review)
    return kinds[number % len(kinds)](number, manner) | {"preferences": {"providers": [provider]}}


def _generate(number: int, manner: str) -> dict[str, Any]:
    text = f"Write {manner} slugify_{number}(title: str) -> str in slugify.py: lower-case, joined by hyphens."
    return {"kind": "generate_code", "context": {"description": text}}


def _fix(number: int, manner: str) -> dict[str, Any]:
    text = f"Mend {manner}: total forgets the value number {number}."
    return {"kind": "fix_bug", "context": {"description": text, "files": [_FILE]}}


def _review(number: int, manner: str) -> dict[str, Any]:
    text = f"Review {manner} change number {number}."
    return {"kind": "review_code", "context": {"description": text, "diff": _DIFF}}
