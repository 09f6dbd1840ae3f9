"""Answers made to be slow are not: half a megabyte takes about half a second of one core at the very most."""

import time
from functools import cache

import pytest

from schemas.tasks import TaskRequest
from tests.unit.verify.answers import block, code_request, deletion, review_request
from workers.verify import verify
from workers.verify.parse import parse_edits

SIZE = 500_000
# Some times the promise, in processor time: a slow machine counts, and so do the neighbours of a core.
ALLOWED_SECONDS = 3.0
MARKED_SECONDS = 1.0

FUNCTIONS = "".join(f"def f{number}(a, b):\n    return a + b * {number}\n\n" for number in range(10_500))
SMALL = code_request({"a.py": "x = 1\ny = 2\n"}, acceptance_criteria=["a"] * 50)
BIG = code_request({"b.txt": FUNCTIONS})
ONE = block("a.py", "x = 1\n", "x = 2\n")
LINES = "--- a/x\n+++ b/x\n@@ -1,0 +1,124999 @@\n" + "+a\n" * 122_500
BLANK = "--- a/x\n+++ b/x\n@@ -1,0 +1,249999 @@\n" + "+\n" * 247_500


def many(path: str, search: str, replace: str) -> str:
    return "".join(block(path, search.format(number), replace.format(number)) for number in range(500))


def findings(quote: str) -> str:
    one = (
        '<finding file="x" line="{0}000" title="t{0}">\n<quote>\n{1}\n</quote>\n<body>b</body>\n</finding>\n'
    )
    return "<summary>s</summary>\n" + "".join(one.format(number, quote) for number in range(300))


def code_answers() -> dict[str, tuple[TaskRequest, str]]:
    return {
        "a huge Python file": (SMALL, block("b.py", "", FUNCTIONS)),
        "a huge file of blank lines": (SMALL, block("b.txt", "", "\n" * (SIZE - 50))),
        "many edits of a huge file": (BIG, many("b.txt", "def f{}(a, b):\n", "def g{}(a, b):\n")),
        "many misses in a huge file": (BIG, many("b.txt", "def h{}(a, b):\n", "x\n")),
        "misses among blank lines": (code_request({"b.txt": "\n" * SIZE}), many("b.txt", "\nx\n", "y\n")),
        "a periodic search": (
            code_request({"b.txt": "  a\nb\n" * 50_000}), block("b.txt", " a\nb\n" * 25_000, "z\n"),
        ),
        "a permuted file": (
            code_request({"b.txt": "".join(f"{line % 7919}\n" for line in range(75_000))}),
            deletion("b.txt") + block("b.txt", "", "".join(f"{line % 3671}\n" for line in range(75_000))),
        ),
        "lookalike lines": (
            code_request({"b.txt": "".join("ab" * 40 + f"{line}\n" for line in range(1_000))}),
            many("b.txt", "ba" * 40 + "x{}\n", "y\n"),
        ),
        "lookalike paths": (
            code_request({"ab/" * 20 + f"{number}x.py": "1\n" for number in range(500)}),
            many("ba/" * 20 + "x.pyz", "{}\n", "y\n"),
        ),
        "markers without end": (SMALL, "<<<<<<< SEARCH\n" * (SIZE // 15)),
        "markers of all lengths": (SMALL, "".join("<" * (5 + n % 16) + " SEARCH\n" for n in range(22_000))),
        "dividers without end": (SMALL, block("a.py", "=======\n" * (SIZE // 8), "")),
        "fences without end": (SMALL, "```\n" * (SIZE // 4) + ONE),
        "open criteria": (SMALL, ONE + "<criterion number='" * (SIZE // 19)),
        "one long line": (SMALL, " " * SIZE),
        "many anchors": (
            BIG,
            "*** Begin Patch\n*** Update File: b.txt\n"
            + "".join(f"@@ def f{number}(a, b):\n-\n+x\n" for number in range(400))
            + "*** End Patch\n",
        ),
        "a whole huge file": (BIG, "b.txt\n```\n" + FUNCTIONS.replace("b * 7", "b * 8") + "```\n"),
        "many long paths": (SMALL, "".join(f"`{'a/' * 150}{n}.py`\n```\nx\n```\n" for n in range(500))),
        "long comparisons": (SMALL, block("b.py", "", "a" + "<a" * 47_500 + "\n")),
    }  # fmt: skip


MARKERS = 2_500
FILL = "x" * 80


def marked(line: str, head: str = "", tail: str = "") -> str:
    """Half a megabyte with 2,500 markers."""
    lines = (f"{line.replace('#', str(number))}\n-{FILL}\n+{FILL}\n" for number in range(MARKERS))
    return head + "".join(lines) + tail


@cache
def marker_answers() -> dict[str, str]:
    return {
        "blocks": marked("a.py\n<<<<<<< SEARCH\ny\n=======\nz\n>>>>>>> REPLACE"),
        "blocks without end": marked("a.py\n<<<<<<< SEARCH"),
        "blocks that are no blocks": marked("a.py\n <<<<<<< SEARCH"),
        "chunks": marked("@@ def f#():", "*** Begin Patch\n*** Update File: a.py\n", "*** End Patch\n"),
        "patches without end": marked("*** Begin Patch\n*** Update File: a.py"),
        "hunks": marked("@@ -#,9 +#,9 @@", "--- a/a.py\n+++ b/a.py\n"),
        "diffs": marked("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@"),
        "heads without hunks": marked("diff --git a/f# b/f#\nnew file mode 120000"),
        "binary patches": marked("diff --git a/f# b/f#\nGIT binary patch"),
        "fenced files": marked("f#.py\n```\nx = 1\n```"),
        "fenced files without end": marked("f#.py\n```python"),
        "fences around everything": marked("f#.py\n```python", tail="<<<<<<< SEARCH\n```\n"),
        "fences that close each other": marked("f#.md\n```md\n```sh\n```"),
        "JSON": '{"files": [' + '{"path": "a.py", "content": "x\\n"},' * MARKERS + "]}",
    }


@pytest.mark.parametrize("name", marker_answers())
def test_thousands_of_markers_in_half_a_megabyte_are_read_at_once(name: str) -> None:
    answer = marker_answers()[name]
    started = time.process_time()
    parse_edits(answer, frozenset({"a.py"}))
    assert time.process_time() - started < MARKED_SECONDS


def review_answers() -> dict[str, tuple[TaskRequest, str]]:
    many_files = "".join(
        f"--- a/f{n}.py\n+++ b/f{n}.py\n@@ -1,2 +1,2 @@\n a\n-b{n}\n+c{n}\n" for n in range(5_000)
    )
    return {
        "quotes in a blank diff": (review_request(BLANK), findings("q\n\n\nq")),
        "quotes that fit everywhere": (review_request(LINES), findings("a\n" * 150 + "a")),
        "quotes that almost fit everywhere": (review_request(LINES), findings("a\n" * 150 + "b")),
        "a quote of its own size": (review_request(LINES), findings("q").replace("q", "a\n" * 225_000, 1)),
        "many files": (review_request(many_files), findings("c")),
        "open findings": (review_request(LINES[:900]), '<finding a="' * (SIZE // 12)),
        "open summaries": (review_request(LINES[:900]), "<summary>" * (SIZE // 9)),
    }


@cache
def answers() -> dict[str, tuple[TaskRequest, str]]:
    return code_answers() | review_answers()


@pytest.mark.parametrize("name", answers())
def test_an_answer_made_to_be_slow_is_not(name: str) -> None:
    request, answer = answers()[name]
    started = time.process_time()
    verify(request, answer)
    assert time.process_time() - started < ALLOWED_SECONDS
