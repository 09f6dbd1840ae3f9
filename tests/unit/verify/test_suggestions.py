"""A suggestion is kept where it applies and brings no syntax error along; the finding stays either way."""

import pytest

from schemas.results import Check, Finding
from tests.unit.verify.answers import review, review_request

OLD = """\
class Cart:
    def __init__(self):
        self.items = []

    def total(self):
        return sum(self.items)

    def clear(self):
        self.items = []
"""
NEW = OLD.replace(
    "        return sum(self.items)\n",
    "        if not self.items:\n            return None\n        return sum(self.items)\n",
)
DIFF = """\
--- a/cart.py
+++ b/cart.py
@@ -4,5 +4,7 @@ class Cart:

     def total(self):
+        if not self.items:
+            return None
         return sum(self.items)

     def clear(self):
"""
QUOTE = "            return None"


def reviewed(
    quote: str, suggestion: str, content: str | None = None, diff: str = DIFF
) -> tuple[Finding, Check]:
    files = [{"path": "cart.py", "content": content}] if content is not None else []
    answer = (
        f'<summary>S.</summary>\n<finding file="cart.py" side="new" title="T">\n<quote>\n{quote}\n</quote>\n'
        f"<body>B.</body>\n<suggestion>\n{suggestion}\n</suggestion>\n</finding>"
    )
    result = review(review_request(diff, files=files), answer)
    [found] = result.findings
    return found, result.verification.checks[-1]


@pytest.mark.parametrize("content", [None, NEW, OLD], ids=["hunk", "new file", "old file"])
def test_what_applies_and_parses_is_kept(content: str | None) -> None:
    found, check = reviewed(QUOTE, "            return 0", content)
    assert (found.suggestion, found.note) == ("            return 0", None)
    assert (check.name, check.passed, check.detail) == ("suggestions", True, "1 of 1 kept")


@pytest.mark.parametrize("content", [None, NEW, OLD], ids=["hunk", "new file", "old file"])
def test_what_does_not_parse_is_dropped_with_a_note_and_the_finding_stays(content: str | None) -> None:
    found, check = reviewed(QUOTE, "            return (0", content)
    assert found.suggestion is None
    assert found.note is not None
    assert "with it the code does not parse: " in found.note
    assert (check.passed, check.detail) == (False, "0 of 1 kept")


def test_what_breaks_the_file_only_as_a_whole_is_seen_where_the_file_is_given() -> None:
    suggestion = "            return None\n        finally:\n            pass"
    assert reviewed(QUOTE, suggestion, NEW)[0].suggestion is None


def test_a_suggestion_is_moved_as_its_quote_has_to_be() -> None:
    found, _ = reviewed("return None", "for item in self.items:\n    print(item)")
    assert found.suggestion == "            for item in self.items:\n                print(item)"


def test_a_suggestion_loses_the_markers_that_its_quote_has() -> None:
    assert (
        reviewed("+            return None", "+            return 0")[0].suggestion == "            return 0"
    )
    numbered = reviewed("  7 +|            return None", "  7 +|            return 0")[0]
    assert numbered.suggestion == "            return 0"


@pytest.mark.parametrize(
    "suggestion", ["            return None", "return None", "            return None  "]
)
def test_what_stands_there_already_is_no_suggestion(suggestion: str) -> None:
    quote = "return None" if suggestion == "return None" else QUOTE
    found, _ = reviewed(quote, suggestion)
    assert found.suggestion is None
    assert found.note == "The suggestion was dropped: it is what stands there already."


def test_removed_lines_can_not_be_replaced() -> None:
    diff = "--- a/cart.py\n+++ b/cart.py\n@@ -1,2 +1,1 @@\n-x = 1\n y = 2\n"
    found, _ = reviewed("x = 1", "x = 2", diff=diff)
    assert found.note == "The suggestion was dropped: it is for removed lines, which can't be replaced."


def test_a_file_that_is_not_the_diffs_is_not_used() -> None:
    found, _ = reviewed(QUOTE, "            return 0", "something = 'else'\n" * 20)
    assert (found.suggestion, found.note) == ("            return 0", None)


def test_where_nothing_can_be_told_the_suggestion_is_kept_and_says_so() -> None:
    diff = (
        "--- a/cart.py\n+++ b/cart.py\n@@ -4,3 +4,3 @@\n     x = (\n-        1,\n+        2,\n         y,\n"
    )
    found, check = reviewed("        2,", "        3,", diff=diff)
    assert found.suggestion == "        3,"
    assert found.note is not None
    assert found.note.startswith("The suggestion was not parsed: ")
    assert (check.passed, check.detail) == (True, "1 of 1 kept, 1 of them not parsed")


def test_crlf_files_take_suggestions_too() -> None:
    crlf = reviewed(QUOTE, "            return 0", NEW.replace("\n", "\r\n"), DIFF.replace("\n", "\r\n"))[0]
    assert crlf.suggestion == "            return 0"
