"""The quality score of a result, 0 to 100: how much of it was shown to be right, and with how little mending.

A product of shares, one for each part: one that gets better never makes the score worse. How sure a model
says it is doesn't count; what it claims (a criterion met, a quoted line) counts as far as it was found to
be so. docs/quality.md has the same table for readers.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from schemas.results import (
    AnyResult,
    ChatResult,
    CodeResult,
    CriterionVerdict,
    FinishReason,
    ReviewResult,
    Verdict,
    Verification,
    VerificationLevel,
)

CODE_LEVELS: Final = {
    VerificationLevel.PARSED: 0.4,
    VerificationLevel.APPLIED: 0.6,
    VerificationLevel.ANCHORED: 0.6,
    VerificationLevel.SYNTAX: 0.8,
    VerificationLevel.LINT: 0.85,
    VerificationLevel.CRITERIA: 0.95,
    VerificationLevel.TESTS: 1.0,
}
REVIEW_LEVELS: Final = {VerificationLevel.PARSED: 0.5, VerificationLevel.APPLIED: 0.5}
"""A review can't rise above `anchored`, which has the whole share."""

CHAT_UNCHECKED: Final = 0.7
"""A text that nothing could be held against; one that fits the schema asked for has the whole share."""

NOTHING_MET: Final = 0.5
NOTHING_ANCHORED: Final = 0.5
MENDED: Final = 0.9
BLEMISHED: Final = 0.9

_CLAIMED: Final = 0.5
_UNTOLD: Final = 0.25
_SAME_AS_ANCHORED: Final = "anchored"
_SCHEMA: Final = "schema"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a score is made of, each a share from 0 to 1 that the others are multiplied by."""

    level: float = 1.0
    criteria: float = 1.0
    anchored: float = 1.0
    repairs: float = 1.0
    checks: float = 1.0


@dataclass(frozen=True, slots=True)
class Quality:
    """A score from 0 to 100, and its parts."""

    score: int
    parts: Parts

    def told(self) -> dict[str, object]:
        """The score, and the parts that lowered it."""
        lowered = {name: round(share, 3) for name, share in asdict(self.parts).items() if share < 1}
        return {"quality": self.score, "lowered_by": lowered}


def quality(result: AnyResult, repairs: int) -> Quality | None:
    """The score of an accepted result that `repairs` rounds of mending led to; vectors have none."""
    match result:
        case CodeResult():
            level = CODE_LEVELS[result.verification.level]
            return _scored(level, _met(result.criteria), 1.0, repairs, _failed(result.verification))
        case ReviewResult():
            level = REVIEW_LEVELS.get(result.verification.level, 1.0)
            return _scored(level, 1.0, _anchored(result), repairs, _failed(result.verification))
        case ChatResult():
            fits = any(check.name == _SCHEMA and check.passed for check in result.verification.checks)
            cut = result.finish_reason is FinishReason.LENGTH
            failed = _failed(result.verification) + cut
            return _scored(1.0 if fits else CHAT_UNCHECKED, 1.0, 1.0, repairs, failed)
        case _:
            return None


def score(parts: Parts) -> int:
    """The product of the shares, in whole points."""
    return round(100 * parts.level * parts.criteria * parts.anchored * parts.repairs * parts.checks)


def parts(*, level: float, met: float, anchored: float, repairs: int, failed: int) -> Parts:
    """The shares of what was found: criteria `met` and findings `anchored` from 0 to 1, the rest counted."""
    return Parts(
        level=level,
        criteria=NOTHING_MET + (1 - NOTHING_MET) * met,
        anchored=NOTHING_ANCHORED + (1 - NOTHING_ANCHORED) * anchored,
        repairs=MENDED**repairs,
        checks=BLEMISHED**failed,
    )


def _scored(level: float, met: float, anchored: float, repairs: int, failed: int) -> Quality:
    found = parts(level=level, met=met, anchored=anchored, repairs=repairs, failed=failed)
    return Quality(score(found), found)


def _met(criteria: Sequence[CriterionVerdict]) -> float:
    """The share of criteria that are met; a claim without a line to look at counts half."""
    return sum(map(_worth, criteria)) / len(criteria) if criteria else 1.0


def _worth(criterion: CriterionVerdict) -> float:
    if criterion.verdict is Verdict.MET:
        return 1.0 if criterion.evidence else _CLAIMED
    return _UNTOLD if criterion.verdict is Verdict.CANT_TELL else 0.0


def _anchored(review: ReviewResult) -> float:
    """The share of findings that stand on real lines; a review that found nothing has no finding astray."""
    placed = len(review.findings) + len(review.dropped)
    total = placed + len(review.unanchored)
    return placed / total if total else 1.0


def _failed(verification: Verification) -> int:
    """Checks that found something wrong; what could not be checked costs nothing but its level."""
    return sum(check.passed is False and check.name != _SAME_AS_ANCHORED for check in verification.checks)
