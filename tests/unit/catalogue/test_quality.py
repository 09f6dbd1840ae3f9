"""The quality score: within 0 and 100, no worse where a part is better, deaf to boasting."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.catalogue.quality import CODE_LEVELS, REVIEW_LEVELS, Quality, parts, quality, score
from schemas.embeddings import EmbedResult
from schemas.results import (
    AnyResult,
    ChatResult,
    Check,
    CodeResult,
    CriterionVerdict,
    Finding,
    FinishReason,
    ReviewResult,
    Severity,
    Side,
    Verdict,
    Verification,
    VerificationLevel,
)

LEVELS = tuple(VerificationLevel)
few = settings(max_examples=50)
found = st.fixed_dictionaries({
    "level": st.sampled_from(sorted(CODE_LEVELS.values())),
    "met": st.floats(0, 1),
    "anchored": st.floats(0, 1),
    "repairs": st.integers(0, 5),
    "failed": st.integers(0, 40),
})  # fmt: skip
BETTER: dict[str, Any] = {
    "level": lambda share: 1.0,
    "met": lambda share: (1 + share) / 2,
    "anchored": lambda share: (1 + share) / 2,
    "repairs": lambda count: max(0, count - 1),
    "failed": lambda count: max(0, count - 1),
}


def verification(level: VerificationLevel, *checks: tuple[str, bool | None]) -> Verification:
    return Verification(level=level, checks=[Check(name=name, passed=passed) for name, passed in checks])


def code(
    level: VerificationLevel = VerificationLevel.SYNTAX,
    *criteria: tuple[Verdict, str | None],
    checks: tuple[tuple[str, bool | None], ...] = (),
) -> CodeResult:
    verdicts = [
        CriterionVerdict(number=number, criterion="It adds.", verdict=verdict, evidence=evidence)
        for number, (verdict, evidence) in enumerate(criteria, 1)
    ]
    verified = verification(level, *checks)
    return CodeResult(diff="", files=[], explanation="", criteria=verdicts, verification=verified)


def finding(**fields: Any) -> Finding:
    usual: dict[str, Any] = {
        "file": "a.py",
        "side": Side.NEW,
        "start_line": 1,
        "end_line": 1,
        "quote": "x = 1",
        "category": "bug",
        "severity": Severity.HIGH,
        "title": "Wrong",
        "body": "It is wrong.",
    }
    return Finding(**usual | fields)


def review(given_: int, unanchored: int, **fields: Any) -> ReviewResult:
    level = VerificationLevel.ANCHORED if given_ or not unanchored else VerificationLevel.PARSED
    return ReviewResult(
        summary="Looked at.",
        findings=[finding(**fields)] * given_,
        unanchored=[finding(**fields)] * unanchored,
        verification=verification(level, ("anchored", not unanchored)),
    )


def chat(finish: FinishReason = FinishReason.STOP, *checks: tuple[str, bool | None]) -> ChatResult:
    verified = verification(VerificationLevel.PARSED, *checks)
    return ChatResult(text="Hello.", finish_reason=finish, model=None, verification=verified)


def scored(result: AnyResult, repairs: int = 0) -> int:
    made = quality(result, repairs)
    assert isinstance(made, Quality)
    return made.score


@few
@given(found, st.sampled_from(sorted(BETTER)))
def test_a_better_part_never_lowers_the_score_which_stays_within_0_and_100(
    shown: dict[str, Any], name: str
) -> None:
    better = shown | {name: BETTER[name](shown[name])}
    assert 0 <= score(parts(**shown)) <= score(parts(**better)) <= 100


@few
@given(
    st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from([None, "a.py:1"])), max_size=6),
    st.sampled_from(LEVELS),
    st.integers(0, 4),
)
def test_a_criterion_that_is_met_after_all_never_lowers_the_score(
    criteria: list[tuple[Verdict, str | None]], level: VerificationLevel, repairs: int
) -> None:
    before = scored(code(level, *criteria), repairs)
    for at in range(len(criteria)):
        mended = [*criteria[:at], (Verdict.MET, "a.py:1"), *criteria[at + 1 :]]
        assert 0 <= before <= scored(code(level, *mended), repairs) <= 100


@few
@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 4))
def test_a_finding_that_finds_its_line_after_all_never_lowers_the_score(
    anchored: int, astray: int, repairs: int
) -> None:
    before = scored(review(anchored, astray), repairs)
    assert 0 <= before <= scored(review(anchored + 1, astray - 1), repairs) <= 100


def test_each_level_of_a_change_is_worth_no_less_than_the_one_before() -> None:
    assert set(CODE_LEVELS) == set(LEVELS)
    shares = [CODE_LEVELS[level] for level in LEVELS]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert set(REVIEW_LEVELS) == set(LEVELS[: LEVELS.index(VerificationLevel.ANCHORED)])


@pytest.mark.parametrize(
    ("result", "repairs", "expected"),
    [
        (code(VerificationLevel.TESTS, (Verdict.MET, "a.py:1")), 0, 100),
        (code(VerificationLevel.SYNTAX), 0, 80),
        (code(VerificationLevel.SYNTAX), 1, 72),
        (code(VerificationLevel.SYNTAX), 2, 65),
        (code(VerificationLevel.APPLIED), 0, 60),
        (code(VerificationLevel.SYNTAX, (Verdict.NOT_MET, None)), 0, 40),
        (code(VerificationLevel.SYNTAX, (Verdict.MET, None)), 0, 60),
        (code(VerificationLevel.SYNTAX, (Verdict.CANT_TELL, None)), 0, 50),
        (code(VerificationLevel.SYNTAX, checks=(("lint", False), ("tests", None))), 0, 72),
        (review(3, 0), 0, 100),
        (review(0, 0), 0, 100),
        (review(1, 1), 0, 75),
        (review(0, 2), 0, 25),
        (chat(), 0, 70),
        (chat(FinishReason.LENGTH), 0, 63),
        (chat(FinishReason.STOP, ("schema", True)), 0, 100),
        (chat(FinishReason.STOP, ("schema", True)), 1, 90),
    ],
)
def test_the_score_is_the_product_of_what_was_shown(result: AnyResult, repairs: int, expected: int) -> None:
    assert scored(result, repairs) == expected


def test_how_sure_a_model_says_it_is_makes_no_difference() -> None:
    assert scored(review(2, 1, confidence=10)) == scored(review(2, 1, confidence=0)) == scored(review(2, 1))


def test_vectors_have_no_score() -> None:
    assert quality(EmbedResult(model=None, dimensions=1, vectors=["AAAAAA=="]), 0) is None


def test_what_is_told_names_the_parts_that_lowered_the_score_and_no_others() -> None:
    made = quality(code(VerificationLevel.TESTS, (Verdict.MET, None)), 1)
    assert made is not None
    assert made.told() == {"quality": 68, "lowered_by": {"criteria": 0.75, "repairs": 0.9}}
