"""A verifier's answer: what it says of each finding of a review, and which of them are given then.

A finding that it did not score is unverified, and says so: silence is never taken for approval.
"""

from collections.abc import Mapping
from typing import Final

from schemas.results import Check, Finding, Judgement, Opinion, ReviewResult
from workers.verify.findings import tenths
from workers.verify.ranking import rank
from workers.verify.tags import elements
from workers.verify.verdict import clipped

_MOST: Final = 200
_DIGITS: Final = 9
_REASON: Final = 1_000
_NAME: Final = "verifier"
_NOT_SCORED: Final = "The verifier did not score this finding."
_DROPS: Final = frozenset({"drop", "reject", "no", "wrong", "false"})


def judged(review: ReviewResult, answer: str, min_score: int) -> ReviewResult:
    """The review with the verifier's word on each finding; those it drops, or scores lower, stand apart."""
    scores = _scores(answer, min_score)
    each = [
        _with(finding, scores.get(number) or Judgement(opinion=Opinion.UNVERIFIED, reason=_NOT_SCORED))
        for number, finding in enumerate(review.findings, 1)
    ]
    given = [finding for finding in each if _opinion(finding) is not Opinion.DROP]
    dropped = [finding for finding in each if _opinion(finding) is Opinion.DROP]
    unverified = sum(_opinion(finding) is Opinion.UNVERIFIED for finding in given)
    told = f"{len(given) - unverified} of {len(each)} kept at {min_score} or more"
    told += f", {unverified} not scored" if unverified else ""
    return _checked(
        review,
        Check(name=_NAME, passed=None if unverified else True, detail=told),
        findings=sorted(given, key=rank),
        dropped=[*sorted(dropped, key=rank), *review.dropped],
    )


def unjudged(review: ReviewResult, reason: str) -> ReviewResult:
    """The review when no verifier could be asked: every finding is marked unverified, with the reason."""
    judgement = Judgement(opinion=Opinion.UNVERIFIED, reason=clipped(reason, _REASON))
    return _checked(
        review,
        Check(name=_NAME, passed=None, detail=clipped(f"no finding was verified: {reason}", _REASON)),
        findings=[_with(finding, judgement) for finding in review.findings],
        dropped=review.dropped,
    )


def _scores(answer: str, min_score: int) -> Mapping[int, Judgement]:
    """What is said of each number; of several words on one finding the lowest counts."""
    found: dict[int, Judgement] = {}
    # What is kept goes into the database, which takes neither NUL characters nor lone surrogates.
    text = answer.replace("\r\n", "\n").replace("\0", "").encode("utf-8", "replace").decode()
    for element in elements(text, "score", _MOST):
        number = element.attributes.get("finding", "")
        score = tenths(element.attributes.get("score", ""))
        if not number.isdecimal() or len(number) > _DIGITS or score is None:
            continue
        dropped = element.attributes.get("verdict", "").lower() in _DROPS or score < min_score
        judgement = Judgement(
            opinion=Opinion.DROP if dropped else Opinion.KEEP,
            score=score,
            reason=clipped(" ".join(element.text.split()), _REASON),
        )
        before = found.get(int(number))
        if before is None or (before.score or 0) > score or (dropped and before.opinion is Opinion.KEEP):
            found[int(number)] = judgement
    return found


def _with(finding: Finding, judgement: Judgement) -> Finding:
    return finding.model_copy(update={"judgement": judgement})


def _opinion(finding: Finding) -> Opinion:
    return finding.judgement.opinion if finding.judgement else Opinion.UNVERIFIED


def _checked(
    review: ReviewResult, check: Check, *, findings: list[Finding], dropped: list[Finding]
) -> ReviewResult:
    verification = review.verification
    checks = [*verification.checks, check]
    return review.model_copy(
        update={
            "findings": findings,
            "dropped": dropped,
            "verification": verification.model_copy(update={"checks": checks}),
        }
    )
