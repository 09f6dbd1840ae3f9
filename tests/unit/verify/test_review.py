"""Findings point at real lines by their quotes, or are kept apart."""

import pytest

from schemas.results import Finding, ReviewResult, Severity, Side, VerificationLevel
from tests.unit.verify.answers import problems, review, review_request

DIFF = """\
diff --git a/src/cart.py b/src/cart.py
--- a/src/cart.py
+++ b/src/cart.py
@@ -8,7 +8,8 @@ class Cart:
     def total(self):
-        return sum(item.price for item in self.items)
+        if not self.items:
+            return None
+        return round(sum(item.price for item in self.items))

     def clear(self):
         self.items = []
@@ -40,3 +41,4 @@ class Cart:
     def add(self, item):
         self.items.append(item)
+        return None
diff --git a/src/old.py b/src/new.py
similarity index 80%
rename from src/old.py
rename to src/new.py
--- a/src/old.py
+++ b/src/new.py
@@ -1,3 +1,3 @@
 import os
-PATH = os.environ["HOME"]
+PATH = os.environ.get("HOME")
 DEBUG = True
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-def unused():
-    pass
"""


def finding(quote: str, file: str = "src/cart.py", **attributes: object) -> str:
    suggestion = attributes.pop("suggestion", None)
    named = {
        "side": "new",
        "line": 1,
        "severity": "high",
        "category": "bug",
        "title": "A title",
        **attributes,
    }
    written = " ".join(f'{key}="{value}"' for key, value in named.items())
    offer = "" if suggestion is None else f"<suggestion>\n{suggestion}\n</suggestion>\n"
    told = f"<quote>\n{quote}\n</quote>\n<body>Why.</body>\n{offer}"
    return f'<finding file="{file}" {written}>\n{told}</finding>\n'


def reviewed(*findings: str, diff: str = DIFF, **context: object) -> ReviewResult:
    return review(review_request(diff, **context), "<summary>Fine.</summary>\n" + "\n".join(findings))


def anchored(text: str, diff: str = DIFF) -> Finding:
    result = reviewed(text, diff=diff)
    [found] = result.findings
    assert result.verification.level is VerificationLevel.ANCHORED
    return found


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (finding("            return None", line=10), ("src/cart.py", "new", 10, 10)),
        (finding("        if not self.items:\n            return None"), ("src/cart.py", "new", 9, 10)),
        (finding("return None", line=12), ("src/cart.py", "new", 10, 10)),
        (finding("return None", line=40), ("src/cart.py", "new", 43, 43)),
        (finding("    return None   ", line=1), ("src/cart.py", "new", 10, 10)),
        (finding("+        if not self.items:\n+            return None"), ("src/cart.py", "new", 9, 10)),
        (
            finding(
                "     def total(self):\n"
                "-        return sum(item.price for item in self.items)\n"
                "+        if not self.items:"
            ),
            ("src/cart.py", "new", 8, 9),
        ),
        (finding("        return sum(item.price for item in self.items)"), ("src/cart.py", "old", 9, 9)),
        (finding("if not self.items:", side="old"), ("src/cart.py", "new", 9, 9)),
        (finding("DEBUG = True", file="src/old.py", side="old"), ("src/old.py", "old", 3, 3)),
        (finding("DEBUG = True", file="src/old.py"), ("src/new.py", "new", 3, 3)),
        (finding("def unused():", file="gone.py"), ("gone.py", "old", 1, 1)),
        (finding("def unused():", file="src/cart.py"), ("gone.py", "old", 1, 1)),
        (finding('PATH = os.environ.get("HOME")', file="nowhere.py"), ("src/new.py", "new", 2, 2)),
        (finding("    def clear(self):", file="b/src/cart.py"), ("src/cart.py", "new", 13, 13)),
        (finding("    def clear(self):", file="./src/cart.py", side="LEFT"), ("src/cart.py", "old", 11, 11)),
        (finding("\n    def clear(self):\n"), ("src/cart.py", "new", 13, 13)),
        (finding("```python\n    def clear(self):\n```"), ("src/cart.py", "new", 13, 13)),
    ],
)
def test_a_finding_stands_where_its_quote_stands(text: str, place: tuple[object, ...]) -> None:
    for diff in (DIFF, DIFF.replace("\n", "\r\n")):
        found = anchored(text, diff)
        assert (found.file, found.side.value, found.start_line, found.end_line) == place


def test_the_quote_in_the_result_is_the_real_text() -> None:
    assert anchored(finding("return None", line=43)).quote == "        return None"


def test_lines_of_two_hunks_are_no_neighbours() -> None:
    assert "quote is not in the diff" in problems(
        review_request(DIFF), finding("        self.items = []\n    def add(self, item):")
    )


def test_a_quote_that_several_other_files_hold_is_not_guessed() -> None:
    twice = DIFF + DIFF.replace("src/cart.py", "lib/cart.py")
    assert "src/new.py" in problems(review_request(twice), finding("def clear(self):", file="nowhere.py"))


def test_findings_without_an_anchor_are_kept_apart() -> None:
    result = reviewed(finding("def clear(self):"), finding("no such line", suggestion="x", line=3))
    assert [found.start_line for found in result.findings] == [13]
    [adrift] = result.unanchored
    assert (adrift.quote, adrift.start_line, adrift.end_line, adrift.suggestion) == (
        "no such line",
        None,
        None,
        None,
    )
    assert result.verification.level is VerificationLevel.ANCHORED
    assert result.verification.checks[0].passed is False
    assert result.verification.checks[0].detail == "1 of 2 quotes found"


def test_an_answer_without_any_anchor_is_sent_back_with_real_lines() -> None:
    said = problems(
        review_request(DIFF), finding("self.items.add(item)", line=42) + finding("", title="Another")
    )
    assert "        self.items.append(item)" in said
    assert "'Another'): it has no quote" in said


def test_a_submitter_may_take_findings_without_anchors() -> None:
    result = reviewed(finding("nowhere"), preferences={"verification_level": "parsed"})
    assert (result.findings, len(result.unanchored)) == ([], 1)
    assert result.verification.level is VerificationLevel.PARSED


def test_a_clean_review_is_a_result() -> None:
    result = reviewed()
    assert (result.summary, result.findings, result.verification.level) == (
        "Fine.",
        [],
        VerificationLevel.ANCHORED,
    )


@pytest.mark.parametrize("answer", ["", "Looks good to me!", '{"findings": []}', "<finding></finding>"])
def test_an_answer_that_says_nothing_in_the_form_is_sent_back(answer: str) -> None:
    assert "<summary>" in problems(review_request(DIFF), answer)


def test_a_level_that_reviews_do_not_reach_refuses_with_a_reason() -> None:
    request = review_request(DIFF, preferences={"verification_level": "tests"})
    assert "'tests' is required" in problems(request, "<summary>Fine.</summary>")


def test_equal_findings_are_given_once_at_their_gravest() -> None:
    one = finding("def clear(self):", severity="low", title="Same  thing")
    other = finding("    def clear(self):", severity="critical", title="same thing")
    result = reviewed(one, other, one)
    assert [found.severity for found in result.findings] == [Severity.CRITICAL]


def test_the_gravest_findings_stay_within_the_cap() -> None:
    severities = ("info", "critical", "low", "high", "medium")
    lines = ("def clear(self):", "self.items = []", "if not self.items:", "def total(self):", "return round(")
    findings = [
        finding(line, severity=name, title=name) for line, name in zip(lines, severities, strict=True)
    ]
    result = reviewed(*findings, max_findings=3)
    assert [found.severity.value for found in result.findings] == ["critical", "high", "medium"]
    assert result.verification.checks[1].detail == "2 more were left out"


@pytest.mark.parametrize(
    ("severity", "category", "expected"),
    [
        ("HIGH", "Security", ("high", "security")),
        ("blocker", "race condition", ("critical", "concurrency")),
        ("nit", "naming", ("info", "style")),
        ("apocalyptic", "vibes", ("medium", "other")),
    ],
)
def test_severity_and_category_are_put_into_our_words(
    severity: str, category: str, expected: tuple[str, str]
) -> None:
    found = anchored(finding("def clear(self):", severity=severity, category=category))
    assert (found.severity.value, found.category) == expected


def test_of_equally_grave_findings_the_surest_come_first() -> None:
    told = {
        "def clear(self):": "3",
        "self.items = []": "90%",
        "if not self.items:": "0.6",
        "def total(self):": "?",
    }
    result = reviewed(*(finding(line, title=line, confidence=sure) for line, sure in told.items()))
    assert [found.confidence for found in result.findings] == [9, 6, None, 3]


def test_findings_less_sure_than_the_submitter_wants_are_kept_apart_with_the_reason() -> None:
    unsure, unsaid = finding("def clear(self):", confidence=4), finding("self.items = []")
    result = reviewed(unsure, unsaid, preferences={"min_score": 5})
    assert [found.start_line for found in result.findings] == [14]
    [dropped] = result.dropped
    assert dropped.start_line == 13
    assert dropped.judgement is not None
    assert "confidence of 4 is below 5" in dropped.judgement.reason


def test_a_finding_is_the_same_in_another_run_wherever_its_lines_moved() -> None:
    moved = DIFF.replace("@@ -8,7 +8,8 @@", "@@ -108,7 +108,8 @@")
    one = anchored(finding("    def clear(self):", title="Once so"))
    other = anchored(finding("def clear(self):", title="Once otherwise", severity="low"), moved)
    assert one.start_line != other.start_line
    assert one.fingerprint == other.fingerprint != ""


@pytest.mark.parametrize(
    "other", [finding("def clear(self):", category="style"), finding("def clear(self):", side="old")]
)
def test_findings_of_another_kind_or_side_are_others(other: str) -> None:
    result = reviewed(finding("def clear(self):"), other)
    assert len({found.fingerprint for found in result.findings}) == 2


def test_equal_lines_of_a_file_are_told_apart() -> None:
    result = reviewed(finding("return None", line=10), finding("return None", line=43))
    assert [found.start_line for found in result.findings] == [10, 43]
    assert len({found.fingerprint for found in result.findings}) == 2


def test_a_suggestion_stays_where_it_can_be_applied() -> None:
    new = anchored(finding("    def clear(self):", suggestion="    def clear(self) -> None:"))
    old = anchored(finding("def unused():", file="gone.py", suggestion="def used():"))
    same = anchored(finding("    def clear(self):", suggestion="    def clear(self):"))
    assert (new.suggestion, old.suggestion, same.suggestion) == ("    def clear(self) -> None:", None, None)


def test_html_in_quotes_and_suggestions_is_no_structure() -> None:
    diff = '--- a/x.html\n+++ b/x.html\n@@ -1 +1,2 @@\n <html>\n+<body onload="x()"></body><quote>"</quote>\n'
    text = (
        '<summary>S</summary>\n<finding file="x.html" side="new" line="2" title="T">\n'
        '<quote>\n<body onload="x()"></body><quote>"</quote>\n</quote>\n<body>\nReal body.\n</body>\n'
        "<suggestion>\n<body></body>\n</suggestion>\n</finding>"
    )
    [found] = review(review_request(diff), text).findings
    assert (found.body, found.start_line, found.suggestion) == ("Real body.", 2, "<body></body>")


def test_sloppy_structure_is_read_as_far_as_it_goes() -> None:
    text = (
        "Some prose first.\n"
        "<finding file='src/cart.py' line=L13 title='It &quot;clears&quot;'>"
        "<quote>def clear(self):</quote></finding>\n"
        '<finding file="src/cart.py" line="9-10">\n<quote>\n    if not self.items:\n</quote>\n'
        "<body>First line.\nMore."
    )
    result = review(review_request(DIFF), text)
    assert result.summary == "Some prose first."
    assert [(found.start_line, found.title) for found in result.findings] == [
        (13, 'It "clears"'),
        (9, "First line."),
    ]
    assert {found.side for found in result.findings} == {Side.NEW}


def test_a_diff_without_names_still_anchors() -> None:
    found = anchored(finding("c", file="x.py"), diff="@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
    assert (found.file, found.start_line) == ("x.py", 2)
