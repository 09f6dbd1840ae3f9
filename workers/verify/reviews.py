"""Several reviews of one change become one: the same finding once, with how many reviewers found it.

Two findings are the same where they stand on one side of one file and their lines overlap, or quote the same
text. A reviewer counts once for each. What half of the reviewers or fewer found is kept apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.results import Check, Finding, ReviewResult, Severity, Verification

_GRAVEST_FIRST: Final = tuple(reversed(Severity))


@dataclass(slots=True)
class _Group:
    """What several reviewers say of one place; the first to say it marks the place."""

    said: dict[int, Finding]

    @property
    def place(self) -> Finding:
        return next(iter(self.said.values()))

    def finding(self) -> Finding:
        """The gravest of them, of equally grave ones one with a suggestion, else the first."""
        best = min(self.said.items(), key=lambda each: (_gravity(each[1]), not each[1].suggestion, each[0]))[
            1
        ]
        return best.model_copy(update={"agreement": len(self.said)})


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged review, and which of the given ones (by index) agrees most with the others."""

    review: ReviewResult
    leader: int


def merge(reviews: Sequence[ReviewResult], most: int) -> Merged:
    """One review of at least one, with at most `most` findings; its summary is the leader's."""
    groups = _grouped([review.findings for review in reviews])
    adrift = _grouped([review.unanchored for review in reviews])
    agreed = [0] * len(reviews)
    for group in groups:
        for index in group.said:
            agreed[index] += len(group.said) - 1
    leader = max(range(len(reviews)), key=lambda index: (agreed[index], -index))
    ordered = sorted((group.finding() for group in groups), key=_weight)
    shared = [finding for finding in ordered if _majority(finding, len(reviews))]
    apart = [finding for finding in ordered if not _majority(finding, len(reviews))]
    detail = f"{len(reviews)} reviews: {len(shared)} findings shared by most, {len(apart)} kept apart"
    checks = [*reviews[leader].verification.checks, Check(name="consensus", passed=True, detail=detail)]
    review = ReviewResult(
        summary=reviews[leader].summary,
        findings=shared[:most],
        unanchored=sorted((group.finding() for group in adrift), key=_weight)[:most],
        apart=apart[:most],
        verification=Verification(level=reviews[leader].verification.level, checks=checks),
    )
    return Merged(review, leader)


def _grouped(findings: Sequence[Sequence[Finding]]) -> list[_Group]:
    groups: list[_Group] = []
    for reviewer, each in enumerate(findings):
        for finding in each:
            fitting = [
                group for group in groups if reviewer not in group.said and _same(group.place, finding)
            ]
            if fitting:
                min(fitting, key=lambda group: _distance(group.place, finding)).said[reviewer] = finding
            else:
                groups.append(_Group({reviewer: finding}))
    return groups


def _same(one: Finding, other: Finding) -> bool:
    if (one.file, one.side) != (other.file, other.side):
        return False
    quote = _words(one.quote)
    return _overlap(one, other) or (bool(quote) and quote == _words(other.quote))


def _overlap(one: Finding, other: Finding) -> bool:
    if one.start_line is None or other.start_line is None:
        return False
    ends = (one.end_line or one.start_line, other.end_line or other.start_line)
    return one.start_line <= ends[1] and other.start_line <= ends[0]


def _distance(one: Finding, other: Finding) -> tuple[bool, float, int]:
    """How much two remarks on one place differ: another category first, then other words in the title."""
    ours, theirs = set(_words(one.title)), set(_words(other.title))
    shared = len(ours & theirs) / max(1, len(ours | theirs))
    return one.category != other.category, -shared, abs((one.start_line or 0) - (other.start_line or 0))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.casefold().split())


def _majority(finding: Finding, reviewers: int) -> bool:
    return 2 * (finding.agreement or 0) > reviewers


def _weight(finding: Finding) -> tuple[object, ...]:
    return (
        _gravity(finding), -(finding.agreement or 0), finding.file, finding.side, finding.start_line or 0,
        finding.title,
    )  # fmt: skip


def _gravity(finding: Finding) -> int:
    return _GRAVEST_FIRST.index(finding.severity)
