"""Which findings of a review are given: each once, those sure enough, the gravest first, no more than asked.

Two findings are one if they say the same kind of thing about the same lines, however they are worded.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from schemas.results import Finding, Judgement, Opinion, Severity
from workers.verify.anchor import Anchor
from workers.verify.findings import Claim
from workers.verify.quotes import folded

_GRAVEST_FIRST: Final = tuple(reversed(Severity))
_UNSURE: Final = 5
"""Where a finding without a word on its confidence stands among others."""


@dataclass(frozen=True)
class Placed:
    """A finding with the claim it was made of, and where that stands."""

    finding: Finding
    claim: Claim
    anchor: Anchor | None


@dataclass(frozen=True)
class Ranked:
    """The findings that are given, those that fell below the threshold, and what was merged or left out."""

    given: list[Placed]
    dropped: list[Finding]
    merged: int
    left_out: int


def ranked(placed: Iterable[Placed], *, min_score: int | None, most: int) -> Ranked:
    """The findings of one answer in their order, each with its fingerprint."""
    every = sorted(placed, key=lambda each: rank(each.finding))
    distinct = _distinct(every)
    sure = [each for each in distinct if not _below(each.finding, min_score)]
    unsure = [_dropped(each.finding, min_score) for each in distinct if _below(each.finding, min_score)]
    return Ranked(sure[:most], unsure[:most], len(every) - len(distinct), len(sure[most:]))


def rank(finding: Finding) -> tuple[int, int]:
    """Sorts the gravest first, of equal ones the surest."""
    return _GRAVEST_FIRST.index(finding.severity), -_sureness(finding)


def fingerprint(finding: Finding, nth: int = 1) -> str:
    """A stable name, of file, side, quoted text and category; `nth` tells equal lines of a file apart."""
    parts = [finding.file, finding.side.value, _quoted(finding), finding.category]
    if nth > 1:
        parts.append(str(nth))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _distinct(every: Sequence[Placed]) -> list[Placed]:
    """Each finding once, in their order; equal quotes on other lines are other findings."""
    alike: dict[str, dict[int, Placed]] = {}
    for each in every:
        alike.setdefault(fingerprint(each.finding), {}).setdefault(each.finding.start_line or 0, each)
    named = {
        id(each): fingerprint(each.finding, nth)
        for same in alike.values()
        for nth, (_, each) in enumerate(sorted(same.items(), key=lambda item: item[0]), 1)
    }
    return [_named(each, named[id(each)]) for each in every if id(each) in named]


def _named(placed: Placed, name: str) -> Placed:
    return replace(placed, finding=placed.finding.model_copy(update={"fingerprint": name}))


def _quoted(finding: Finding) -> str:
    lines = (folded(line) for line in finding.quote.split("\n"))
    return "\n".join(line for line in lines if line)


def _sureness(finding: Finding) -> int:
    judged = finding.judgement.score if finding.judgement else None
    told = finding.confidence if judged is None else judged
    return _UNSURE if told is None else told


def _below(finding: Finding, min_score: int | None) -> bool:
    return min_score is not None and finding.confidence is not None and finding.confidence < min_score


def _dropped(finding: Finding, min_score: int | None) -> Finding:
    reason = f"Its own confidence of {finding.confidence} is below {min_score}."
    return finding.model_copy(update={"judgement": Judgement(opinion=Opinion.DROP, reason=reason)})
