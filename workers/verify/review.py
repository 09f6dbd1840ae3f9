"""A review answer: its findings anchored to real lines of the diff, those that are not kept apart."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from schemas.results import Check, Finding, ReviewResult, Side, Verification, VerificationLevel
from schemas.tasks import ReviewCodeRequest
from workers.diffs.hunks import FileDiff, read_diff
from workers.verify.anchor import Anchor, Anchorage
from workers.verify.findings import Claim, ParsedReview, parse_review
from workers.verify.ranking import Placed, Ranked, ranked
from workers.verify.sides import Several
from workers.verify.suggestions import Trial
from workers.verify.verdict import PROBLEMS, Accepted, Rejected, below, clipped, rejected

_QUOTE: Final = 5_000
_NOTE: Final = 500
_NEAR: Final = 3
_PLACES: Final = 5

Adrift = tuple[Claim, Several | None]
"""A claim without an anchor, and the places between which it can't be told."""


def verify_review(request: ReviewCodeRequest, answer: str) -> Accepted | Rejected:
    """The review as a result with its level, or what keeps it from being one."""
    parsed = parse_review(answer)
    if not parsed.summary and not parsed.claims:
        return rejected([_nothing(parsed)])
    files = read_diff(request.context.diff)
    anchored, adrift = _placed(files, parsed.claims)
    reached = VerificationLevel.PARSED if adrift and not anchored else VerificationLevel.ANCHORED
    required = request.preferences.verification_level or VerificationLevel.ANCHORED
    if below(reached, required):
        shown = enumerate(adrift[: PROBLEMS + 1], 1)
        problems = [_unanchored_problem(number, *each, files) for number, each in shown]
        return rejected(problems or [f"The level {required.value!r} is required; reviews do not reach it."])
    return Accepted(_result(request, parsed, anchored, adrift, reached))


def _placed(files: Sequence[FileDiff], claims: Sequence[Claim]) -> tuple[list[Placed], list[Adrift]]:
    anchorage = Anchorage(files)
    anchored: list[Placed] = []
    adrift: list[Adrift] = []
    for claim in claims:
        found = anchorage.anchor(claim.file, claim.side, claim.line, claim.quote)
        if isinstance(found, Anchor):
            anchored.append(Placed(_finding(claim, found), claim, found))
        else:
            adrift.append((claim, found))
    return anchored, adrift


def _result(
    request: ReviewCodeRequest,
    parsed: ParsedReview,
    anchored: Sequence[Placed],
    adrift: Sequence[Adrift],
    reached: VerificationLevel,
) -> ReviewResult:
    most = request.context.max_findings
    order = ranked(anchored, min_score=request.preferences.min_score, most=most)
    apart = (Placed(_finding(claim, None), claim, None) for claim, _ in adrift)
    unanchored = ranked(apart, min_score=None, most=most)
    trial = Trial({file.path: file.content for file in request.context.files})
    given = [_with_suggestion(placed, trial) for placed in order.given]
    return ReviewResult(
        summary=parsed.summary or "",
        findings=given,
        unanchored=[placed.finding for placed in unanchored.given],
        dropped=order.dropped,
        verification=Verification(level=reached, checks=_checks(parsed, adrift, order, given)),
    )


def _nothing(parsed: ParsedReview) -> str:
    if parsed.malformed:
        return "The findings say nothing: give each a title and a <body>, and add a <summary>."
    return (
        "The answer holds neither a <summary> nor a <finding>. Write <summary>…</summary>, then each finding "
        'as <finding file="…" side="new" line="…" severity="…" category="…" title="…"> with quote and body.'
    )


def _checks(
    parsed: ParsedReview, adrift: Sequence[Adrift], order: Ranked, given: Sequence[Finding]
) -> list[Check]:
    total = len(parsed.claims)
    checks = [
        Check(name="anchored", passed=not adrift, detail=f"{total - len(adrift)} of {total} quotes found")
    ]
    if order.merged:
        checks.append(Check(name="distinct", passed=None, detail=f"{order.merged} said the same as others"))
    if order.dropped:
        told = f"{len(order.dropped)} were not sure enough"
        checks.append(Check(name="min_score", passed=None, detail=told))
    if order.left_out:
        checks.append(Check(name="max_findings", passed=None, detail=f"{order.left_out} more were left out"))
    if parsed.malformed:
        checks.append(Check(name="parsed", passed=False, detail=f"{parsed.malformed} findings said nothing"))
    return [*checks, *_suggestion_checks(order, given)]


def _suggestion_checks(order: Ranked, given: Sequence[Finding]) -> list[Check]:
    """How the suggestions fared, counted; each finding has a note of its own."""
    offered = sum(placed.claim.suggestion is not None for placed in order.given)
    kept = [finding for finding in given if finding.suggestion is not None]
    if not offered:
        return []
    unsure = sum(finding.note is not None for finding in kept)
    told = f"{len(kept)} of {offered} kept" + (f", {unsure} of them not parsed" if unsure else "")
    return [Check(name="suggestions", passed=len(kept) == offered, detail=told)]


def _finding(claim: Claim, anchor: Anchor | None) -> Finding:
    """A claim as a finding, at its place if it has one; its suggestion is still to be tried."""
    side = anchor.side if anchor else claim.side
    return Finding(
        file=(anchor.file.path(side) if anchor else None) or claim.file,
        side=side,
        start_line=anchor.start_line if anchor else None,
        end_line=anchor.end_line if anchor else None,
        quote=clipped(anchor.text if anchor else claim.quote, _QUOTE),
        category=claim.category,
        severity=claim.severity,
        title=claim.title,
        body=claim.body,
        confidence=claim.confidence,
    )


def _with_suggestion(placed: Placed, trial: Trial) -> Finding:
    claim, anchor = placed.claim, placed.anchor
    if claim.suggestion is None or anchor is None:
        return placed.finding
    tried = trial.of(anchor, claim.quote, claim.suggestion)
    note = None
    if tried.text is None:
        note = f"The suggestion was dropped: {tried.note}."
    elif tried.parsed is None:
        note = f"The suggestion was not parsed: {tried.note}."
    return placed.finding.model_copy(
        update={"suggestion": tried.text, "note": clipped(note, _NOTE) if note else None}
    )


def _unanchored_problem(number: int, claim: Claim, several: Several | None, files: Sequence[FileDiff]) -> str:
    """What to mend in a finding without an anchor, with real lines to quote from."""
    head = f"Finding {number} ({clipped(claim.file, 100)}, {clipped(claim.title, 100)!r}): "
    named = [file for file in files if claim.file in (file.old_path, file.new_path)]
    if not claim.quote.strip():
        return head + "it has no quote. Copy one or a few lines of the diff into <quote>."
    if several is not None:
        lines = ", ".join(map(str, several.numbers[:_PLACES]))
        return (
            head
            + f"its quote stands at the lines {lines}. Give its `line`, or quote a neighbouring line too."
        )
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
