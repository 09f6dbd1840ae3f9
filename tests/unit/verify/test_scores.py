"""What a verifier says decides which findings are given; where it says nothing, they are marked so."""

import pytest

from schemas.results import Opinion, ReviewResult
from tests.unit.verify.test_review import finding, reviewed
from workers.verify import judged, unjudged
from workers.verify.findings import tenths

REVIEW = reviewed(
    finding("def clear(self):", title="One", severity="high", confidence=3),
    finding("self.items = []", title="Two", severity="high"),
    finding("if not self.items:", title="Three", severity="low"),
)


def score(number: int, value: object, verdict: str = "keep", why: str = "Because.") -> str:
    return f'<score finding="{number}" score="{value}" verdict="{verdict}">{why}</score>'


def opinions(review: ReviewResult) -> dict[str, tuple[str, int | None]]:
    return {
        found.title: (found.judgement.opinion.value, found.judgement.score)
        for found in (*review.findings, *review.dropped)
        if found.judgement
    }


def test_findings_below_the_threshold_stand_apart_with_the_reason() -> None:
    first = [found.title for found in REVIEW.findings]
    said = judged(REVIEW, f"{score(1, 9)}\n{score(2, 4, why='A matter of taste.')}\n{score(3, '50%')}", 5)
    assert [found.title for found in said.findings] == [first[0], first[2]]
    [dropped] = said.dropped
    assert dropped.judgement is not None
    assert (dropped.title, dropped.judgement.reason) == (first[1], "A matter of taste.")
    check = said.verification.checks[-1]
    assert (check.name, check.passed, check.detail) == ("verifier", True, "2 of 3 kept at 5 or more")


def test_a_verifier_that_says_drop_is_heard_whatever_its_score() -> None:
    said = judged(REVIEW, score(1, 9, "drop") + score(2, 9) + score(3, 9), 5)
    assert len(said.dropped) == 1


def test_of_equally_grave_findings_the_higher_score_comes_first() -> None:
    said = judged(REVIEW, score(1, 6) + score(2, 10) + score(3, 10), 5)
    assert [found.judgement and found.judgement.score for found in said.findings] == [10, 6, 10]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "They all look right to me, 10 out of 10!",
        '{"scores": [10, 10, 10]}',
        '<score finding="1" verdict="keep">Right.</score>',
        '<score finding="one" score="10">Right.</score>',
        '<score finding="9" score="10">Right.</score>',
        '<score finding="1" score="11">Right.</score>',
    ],
)
def test_silence_is_never_taken_for_approval(answer: str) -> None:
    said = judged(REVIEW, answer, 5)
    assert set(opinions(said).values()) == {(Opinion.UNVERIFIED.value, None)}
    assert len(said.findings) == 3
    check = said.verification.checks[-1]
    assert (check.passed, check.detail) == (None, "0 of 3 kept at 5 or more, 3 not scored")


def test_a_finding_that_was_passed_over_is_unverified_and_the_others_are_not() -> None:
    said = opinions(judged(REVIEW, score(1, 8) + score(3, 8), 5))
    assert sorted(said.values(), key=str) == [("keep", 8), ("keep", 8), ("unverified", None)]


def test_of_two_words_on_one_finding_the_lower_counts() -> None:
    for answer in (score(1, 2) + score(1, 9), score(1, 9) + score(1, 2)):
        said = judged(REVIEW, answer + score(2, 9) + score(3, 9), 5)
        assert [found.judgement and found.judgement.score for found in said.dropped] == [2]


def test_without_a_verifier_every_finding_says_that_and_why() -> None:
    said = unjudged(REVIEW, "the verifier's call failed: it timed out")
    assert set(opinions(said).values()) == {("unverified", None)}
    assert said.verification.checks[-1].passed is None
    assert "it timed out" in said.verification.checks[-1].detail


def test_what_a_verifier_says_can_be_stored() -> None:
    said = judged(REVIEW, score(1, 2, why="a\0b\ud800"), 5)
    assert said.dropped[0].judgement is not None
    assert said.dropped[0].judgement.reason == "ab?"


WRITTEN = {
    "8": 8,
    "8/10": 8,
    "0.8": 8,
    "80%": 8,
    "7.4": 7,
    "1": 1,
    "1.0": 10,
    "": None,
    "-3": None,
    "85": None,
}


@pytest.mark.parametrize(("text", "value"), WRITTEN.items())
def test_a_score_is_read_as_models_write_it(text: str, value: int | None) -> None:
    assert tenths(text) == value
