"""A review answer: its findings anchored to real lines of the diff, those that are not kept apart."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.results import Check, Finding, ReviewResult, Severity, Side, Verification, VerificationLevel
from schemas.tasks import ReviewCodeRequest
from workers.verify.anchor import Anchor, Anchorage
from workers.verify.findings import Claim, ParsedReview, parse_review
from workers.verify.hunks import FileDiff, read_diff
from workers.verify.verdict import PROBLEMS, Accepted, Rejected, below, clipped, rejected

_GRAVEST_FIRST: Final = tuple(reversed(Severity))
_QUOTE: Final = 5_000
_NEAR: Final = 3


def verify_review(request: ReviewCodeRequest, answer: str) -> Accepted | Rejected:
    """The review as a result with its level, or what keeps it from being one."""
    parsed = parse_review(answer)
    if not parsed.summary and not parsed.claims:
        return rejected([_nothing(parsed)])
    files = read_diff(request.context.diff)
    anchorage = Anchorage(files)
    placed = [
        (claim, anchorage.anchor(claim.file, claim.side, claim.line, claim.quote)) for claim in parsed.claims
    ]
    anchored = _distinct(_anchored(claim, anchor) for claim, anchor in placed if anchor is not None)
    adrift = [claim for claim, anchor in placed if anchor is None]
    reached = VerificationLevel.PARSED if adrift and not anchored else VerificationLevel.ANCHORED
    required = request.preferences.verification_level or VerificationLevel.ANCHORED
    if below(reached, required):
        shown = enumerate(adrift[: PROBLEMS + 1], 1)
        problems = [_unanchored_problem(number, claim, files) for number, claim in shown]
        return rejected(problems or [f"The level {required.value!r} is required; reviews do not reach it."])
    most = request.context.max_findings
    return Accepted(
        ReviewResult(
            summary=parsed.summary or "",
            findings=anchored[:most],
            unanchored=_distinct(map(_unanchored, adrift))[:most],
            verification=Verification(level=reached, checks=_checks(parsed, anchored, adrift, most)),
        )
    )


def _nothing(parsed: ParsedReview) -> str:
    if parsed.malformed:
        return "The findings say nothing: give each a title and a <body>, and add a <summary>."
    return (
        "The answer holds neither a <summary> nor a <finding>. Write <summary>…</summary>, then each finding "
        'as <finding file="…" side="new" line="…" severity="…" category="…" title="…"> with quote and body.'
    )


def _checks(parsed: ParsedReview, anchored: list[Finding], adrift: list[Claim], most: int) -> list[Check]:
    total = len(parsed.claims)
    checks = [
        Check(name="anchored", passed=not adrift, detail=f"{total - len(adrift)} of {total} quotes found")
    ]
    if len(anchored) > most:
        checks.append(
            Check(name="max_findings", passed=None, detail=f"{len(anchored) - most} more were left out")
        )
    if parsed.malformed:
        checks.append(Check(name="parsed", passed=False, detail=f"{parsed.malformed} findings said nothing"))
    return checks


def _anchored(claim: Claim, anchor: Anchor) -> Finding:
    new = anchor.side is Side.NEW
    return Finding(
        file=anchor.file.path(anchor.side) or claim.file,
        side=anchor.side,
        start_line=anchor.start_line,
        end_line=anchor.end_line,
        quote=clipped(anchor.text, _QUOTE),
        category=claim.category,
        severity=claim.severity,
        title=claim.title,
        body=claim.body,
        # Removed lines can't be replaced, and lines that stay as they are need no suggestion.
        suggestion=claim.suggestion if new and claim.suggestion != anchor.text else None,
    )


def _unanchored(claim: Claim) -> Finding:
    return Finding(
        file=claim.file,
        side=claim.side,
        start_line=None,
        end_line=None,
        quote=clipped(claim.quote, _QUOTE),
        category=claim.category,
        severity=claim.severity,
        title=claim.title,
        body=claim.body,
    )


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the gravest first; of equal ones the gravest stays."""
    ordered = sorted(findings, key=lambda finding: _GRAVEST_FIRST.index(finding.severity))
    seen: dict[tuple[object, ...], Finding] = {}
    for finding in ordered:
        words = " ".join(finding.title.casefold().split())
        where = finding.quote if finding.start_line is None else (finding.start_line, finding.end_line)
        seen.setdefault((finding.file, finding.side, where, words), finding)
    return list(seen.values())


def _unanchored_problem(number: int, claim: Claim, files: Sequence[FileDiff]) -> str:
    """What to mend in a finding without an anchor, with real lines to quote from."""
    head = f"Finding {number} ({clipped(claim.file, 100)}, {clipped(claim.title, 100)!r}): "
    named = [file for file in files if claim.file in (file.old_path, file.new_path)]
    if not claim.quote.strip():
        return head + "it has no quote. Copy one or a few lines of the diff into <quote>."
    if not named:
        touched = ", ".join(file.path(Side.NEW) or "a file without a name" for file in files[:10])
        return (
            head
            + f"the quote is not in the diff, nor is the file. The diff touches: {clipped(touched, 500)}."
        )
    near = _near(named[0], claim)
    return (
        head
        + "the quote is not in the diff. Copy it exactly"
        + (f", for example from:\n{near}" if near else ".")
    )


def _near(file: FileDiff, claim: Claim) -> str:
    lines = file.lines(claim.side)
    nearest = bisect_left(lines.numbers, claim.line or 0)
    shown = lines.texts[max(0, nearest - _NEAR) : nearest + _NEAR + 1]
    return "\n".join(clipped(text, 120) for text in shown)
