"""Reviews of one change merged: the same finding once, with how many found it; the others apart."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.results import Finding, ReviewResult, Severity, Side, Verification, VerificationLevel
from workers.verify.reviews import merge


def finding(line: int | None = 3, end: int | None = None, **fields: Any) -> Finding:
    last = end or line
    given_: dict[str, Any] = {
        "file": "a.py", "side": Side.NEW, "quote": f"line {line}", "category": "bug",
        "severity": Severity.LOW, "title": "It breaks", "body": "because",
    }  # fmt: skip
    return Finding(start_line=line, end_line=last, **(given_ | fields))


def review(*findings: Finding, summary: str = "", unanchored: list[Finding] | None = None) -> ReviewResult:
    level = Verification(level=VerificationLevel.ANCHORED)
    return ReviewResult(
        summary=summary, findings=list(findings), unanchored=unanchored or [], verification=level
    )


def test_a_finding_of_all_reviewers_is_one_and_the_gravest_words_are_kept() -> None:
    grave = finding(4, 6, severity=Severity.HIGH, body="grave")
    merged = merge([review(finding(3, 4)), review(grave), review(finding(2, 3))], 10).review
    assert [(each.body, each.agreement) for each in merged.findings] == [("grave", 3)]
    assert merged.apart == []


def test_lines_that_overlap_are_one_place() -> None:
    merged = merge([review(finding(3, 6)), review(finding(5, 9, severity=Severity.HIGH, body="grave"))], 10)
    assert [(each.body, each.agreement) for each in merged.review.findings] == [("grave", 2)]


def test_the_same_quote_is_one_place_wherever_it_was_found() -> None:
    one, two = finding(3, quote="x = 1"), finding(30, quote=" x  = 1")
    assert len(merge([review(one), review(two)], 10).review.findings) == 1


def test_another_file_or_side_is_another_finding() -> None:
    others = [finding(3, file="b.py"), finding(3, side=Side.OLD)]
    merged = merge([review(finding(3)), review(others[0]), review(others[1])], 10).review
    assert merged.findings == []
    assert [each.agreement for each in merged.apart] == [1, 1, 1]


def test_two_remarks_of_one_reviewer_on_one_line_stay_two() -> None:
    bug, style = finding(3, title="It breaks"), finding(3, category="style", title="It is long")
    merged = merge([review(bug, style), review(style, bug)], 10).review
    assert {(each.category, each.agreement) for each in merged.findings} == {("bug", 2), ("style", 2)}


def test_what_half_of_the_reviewers_found_is_kept_apart() -> None:
    merged = merge([review(finding(3)), review()], 10).review
    assert merged.findings == []
    assert [each.agreement for each in merged.apart] == [1]


def test_a_single_review_stays_as_it_is_but_for_its_counts() -> None:
    merged = merge([review(finding(3), summary="fine")], 10).review
    assert (merged.summary, [each.agreement for each in merged.findings]) == ("fine", [1])


def test_the_summary_is_of_the_review_that_agrees_most_with_the_others() -> None:
    reviews = [review(finding(90), summary="odd"), review(finding(3), summary="one"), review(finding(3))]
    merged = merge(reviews, 10)
    assert (merged.leader, merged.review.summary) == (1, "one")


def test_no_more_findings_come_out_than_were_asked_for() -> None:
    many = review(*(finding(line, title=f"t{line}", quote=f"q{line}") for line in range(10, 50, 2)))
    assert len(merge([many, many], 5).review.findings) == 5


FINDINGS = st.builds(
    finding,
    st.one_of(st.none(), st.integers(1, 6)),
    severity=st.sampled_from(Severity),
    quote=st.sampled_from(["", "a", "b"]),
    title=st.sampled_from(["t", "u"]),
)


@settings(max_examples=50)
@given(st.lists(st.lists(FINDINGS, max_size=4), min_size=1, max_size=5))
def test_no_finding_is_lost_or_counted_twice(given_: list[list[Finding]]) -> None:
    reviews = [review(*each) for each in given_]
    merged = merge(reviews, 1_000).review
    counted = sum(each.agreement or 0 for each in (*merged.findings, *merged.apart))
    assert counted == sum(map(len, given_))
    assert all(1 <= (each.agreement or 0) <= len(reviews) for each in (*merged.findings, *merged.apart))
    assert merge(reviews, 1_000).review == merged
