"""Each criterion gets one verdict; what was not said is not invented."""

import pytest

from schemas.results import Verdict
from workers.verify.criteria import judge_criteria, without_criteria

TREE = {"src/a.py": "one\ntwo\n", "b.txt": "one\ntwo"}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("met", Verdict.MET), ("Met", Verdict.MET), ("not_met", Verdict.NOT_MET),
        ("not met", Verdict.NOT_MET),
        ("cant_tell", Verdict.CANT_TELL), ("perhaps", Verdict.CANT_TELL), ("", Verdict.CANT_TELL),
    ],
)  # fmt: skip
def test_a_verdict_is_one_of_three(said: str, verdict: Verdict) -> None:
    [found] = judge_criteria(f'<criterion number="1" verdict="{said}">Why.</criterion>', ["c"], TREE)
    assert (found.verdict, found.explanation, found.criterion) == (verdict, "Why.", "c")


@pytest.mark.parametrize(
    ("evidence", "kept"),
    [
        ("src/a.py:2", True), ("b.txt:2", True), ("src/a.py:1-2", True), ("src/a.py:3", False),
        ("src/a.py:0", False),
        ("src/c.py:1", False), ("src/a.py", False), ("", False), ("a:b:c", False),
    ],
)  # fmt: skip
def test_evidence_points_at_a_real_line_or_is_dropped(evidence: str, kept: bool) -> None:
    text = f'<criterion number="1" verdict="met" evidence="{evidence}">x</criterion>'
    [found] = judge_criteria(text, ["c"], TREE)
    assert found.evidence == (evidence if kept else None)


def test_the_first_answer_counts_and_numbers_that_were_not_asked_do_not() -> None:
    text = "".join(
        f'<criterion number="{number}" verdict="{verdict}">x</criterion>'
        for number, verdict in (("2", "met"), ("2", "not_met"), ("9", "met"), ("²", "met"), ("-1", "met"))
    )
    assert [one.verdict for one in judge_criteria(text, ["a", "b"], TREE)] == [Verdict.CANT_TELL, Verdict.MET]


def test_the_explanation_is_left_without_the_verdicts() -> None:
    assert without_criteria('Before.\n<criterion number="1">x</criterion>\nAfter.').split() == [
        "Before.",
        "After.",
    ]
