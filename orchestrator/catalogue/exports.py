"""A review in the formats that other tools read: SARIF 2.1.0 (code scanning, editors), rdjson (reviewdog).

Pure functions. Both formats speak of the file as it is after the change: what is said of removed lines names
the file, without a region. Findings whose quote stands nowhere are counted and left out.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from orchestrator import __version__
from schemas.results import Finding, ReviewResult, Severity, Side

SARIF_TYPE: Final = "application/sarif+json"
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_TOOL: Final = "Orchestrator"
_LEVELS: Final = {
    Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note",
    Severity.INFO: "note",
}  # fmt: skip
_RDF_LEVELS: Final = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}
_SECURITY: Final = {
    Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0",
    Severity.INFO: "1.0",
}  # fmt: skip
"""Where a security finding stands on the scale that code scanning sorts by."""


class ExportFormat(StrEnum):
    """The formats a review can be had in beside our own."""

    SARIF = "sarif"
    RDJSON = "rdjson"


def exported(review: ReviewResult, form: ExportFormat) -> dict[str, Any]:
    """The review in a format."""
    return sarif(review) if form is ExportFormat.SARIF else rdjson(review)


def sarif(review: ReviewResult) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run."""
    categories = sorted({finding.category for finding in review.findings})
    driver = {
        "name": _TOOL,
        "semanticVersion": __version__,
        "rules": [_rule(category, review.findings) for category in categories],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(review)}],
        "results": [_sarif_result(finding, categories) for finding in review.findings],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def rdjson(review: ReviewResult) -> dict[str, Any]:
    """A `DiagnosticResult` of the reviewdog diagnostic format."""
    return {
        "source": {"name": _TOOL.lower()},
        "diagnostics": [_diagnostic(finding) for finding in review.findings],
    }


def _rule(category: str, findings: Sequence[Finding]) -> dict[str, Any]:
    words = category.replace("_", " ")
    rule: dict[str, Any] = {
        "id": category,
        "name": "".join(word.capitalize() for word in words.split()),
        "shortDescription": {"text": f"Review remarks on {words}"},
    }
    if category == "security":
        worst = max(
            findings, key=lambda each: each.category == category and tuple(Severity).index(each.severity)
        )
        rule["properties"] = {"security-severity": _SECURITY[worst.severity], "tags": ["security"]}
    return rule


def _sarif_result(finding: Finding, categories: Sequence[str]) -> dict[str, Any]:
    score = _score(finding)
    location: dict[str, Any] = {"artifactLocation": _artifact(finding)}
    if _on_new_side(finding):
        location["region"] = {**_lines(finding), "snippet": {"text": finding.quote}}
    result: dict[str, Any] = {
        "ruleId": finding.category,
        "ruleIndex": categories.index(finding.category),
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": location}],
        "properties": _properties(finding),
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"orchestratorFinding/v1": finding.fingerprint}
    if score is not None:
        result["rank"] = score * 10.0
    if finding.suggestion is not None and _on_new_side(finding):
        result["fixes"] = [_fix(finding, finding.suggestion)]
    return result


def _fix(finding: Finding, suggestion: str) -> dict[str, Any]:
    replacement = {"deletedRegion": _lines(finding), "insertedContent": {"text": suggestion}}
    change = {"artifactLocation": _artifact(finding), "replacements": [replacement]}
    return {"description": {"text": "Suggested by the review"}, "artifactChanges": [change]}


def _artifact(finding: Finding) -> dict[str, Any]:
    return {"uri": quote(finding.file, safe="/")}


def _lines(finding: Finding) -> dict[str, int]:
    """Whole lines: without columns, a region reaches to the end of its last line."""
    return {"startLine": finding.start_line or 1, "endLine": finding.end_line or finding.start_line or 1}


def _properties(finding: Finding) -> dict[str, Any]:
    judgement = finding.judgement
    told: dict[str, Any] = {
        "severity": finding.severity.value,
        "side": finding.side.value,
        "verifier": judgement.opinion.value if judgement else None,
        "score": judgement.score if judgement else None,
        "reason": judgement.reason if judgement and judgement.reason else None,
        "confidence": finding.confidence,
        "note": finding.note,
    }
    if not _on_new_side(finding):
        told |= {"oldStartLine": finding.start_line, "oldEndLine": finding.end_line}
    return {name: value for name, value in told.items() if value is not None}


def _notes(review: ReviewResult) -> list[dict[str, Any]]:
    """What a reader of the export would miss: findings that are left out, checks that did not pass."""
    said = [review.summary] if review.summary else []
    if review.unanchored:
        said.append(
            f"{len(review.unanchored)} findings are left out: their quotes stand nowhere in the change."
        )
    if review.dropped:
        said.append(f"{len(review.dropped)} findings are left out: they are below the threshold.")
    said += [
        f"{check.name}: {check.detail}"
        for check in review.verification.checks
        if not check.passed and check.detail
    ]
    return [{"level": "note", "message": {"text": text}} for text in said]


def _diagnostic(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"path": finding.file}
    diagnostic: dict[str, Any] = {
        "message": _message(finding),
        "location": location,
        "severity": _RDF_LEVELS[_LEVELS[finding.severity]],
        "code": {"value": finding.category},
    }
    if _on_new_side(finding):
        # Without columns a range means whole lines, its last one included.
        location["range"] = {"start": {"line": finding.start_line}, "end": {"line": finding.end_line}}
        if finding.suggestion is not None:
            diagnostic["suggestions"] = [{"range": location["range"], "text": finding.suggestion}]
    return diagnostic


def _message(finding: Finding) -> str:
    judgement = finding.judgement
    unverified = judgement is not None and judgement.opinion.value == "unverified"
    title = f"{finding.title} (unverified)" if unverified else finding.title
    return f"{title}\n\n{finding.body}" if finding.body and finding.body != finding.title else title


def _score(finding: Finding) -> int | None:
    """How sure it is: what the verifier says; else the reviewer, where none was asked."""
    return finding.judgement.score if finding.judgement else finding.confidence


def _on_new_side(finding: Finding) -> bool:
    return finding.side is Side.NEW and finding.start_line is not None
