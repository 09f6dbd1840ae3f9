"""Reviews in other tools' formats: valid against the schemas, and saying the same as the review."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from orchestrator.catalogue.exports import ExportFormat, exported, rdjson, sarif
from schemas.results import (
    Check,
    Finding,
    Judgement,
    Opinion,
    ReviewResult,
    Severity,
    Side,
    Verification,
    VerificationLevel,
)

SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"
CHECKS = [Check(name="verifier", passed=None, detail="1 of 2 kept at 5 or more, 1 not scored")]


def finding(**fields: Any) -> Finding:
    given: dict[str, Any] = {
        "file": "src/a b/größe#1.py",
        "side": Side.NEW,
        "start_line": 4,
        "end_line": 5,
        "quote": "    return x\n    return ⟨y⟩",
        "category": "bug",
        "severity": Severity.HIGH,
        "title": "It is lost",
        "body": "Whenever it is empty.",
        "fingerprint": "f" * 32,
    }
    return Finding(**given | fields)


KEPT = Judgement(opinion=Opinion.KEEP, score=9, reason="The code shows it.")
UNVERIFIED = Judgement(opinion=Opinion.UNVERIFIED)
FINDINGS = [
    finding(suggestion="    return 1", judgement=KEPT),
    finding(category="security", severity=Severity.CRITICAL, judgement=UNVERIFIED, confidence=10),
    finding(category="security", severity=Severity.LOW, start_line=7, end_line=7, confidence=3),
    finding(side=Side.OLD, severity=Severity.MEDIUM, body=""),
    finding(severity=Severity.INFO, note="The suggestion was dropped: it is what stands there already."),
]
REVIEW = ReviewResult(
    summary="It changes something.",
    findings=FINDINGS,
    unanchored=[finding(start_line=None, end_line=None)],
    dropped=[finding(judgement=Judgement(opinion=Opinion.DROP, score=1))],
    verification=Verification(level=VerificationLevel.ANCHORED, checks=CHECKS),
)
EMPTY = ReviewResult(summary="", findings=[], verification=Verification(level=VerificationLevel.ANCHORED))


_FROM_ZERO = {"start": {"line": 0}}


def validator(name: str) -> Draft7Validator:
    return Draft7Validator(
        json.loads((SCHEMAS / name).read_text()), format_checker=Draft7Validator.FORMAT_CHECKER
    )


@pytest.mark.parametrize("review", [REVIEW, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize(
    ("form", "schema"),
    [(ExportFormat.SARIF, "sarif-schema-2.1.0.json"), (ExportFormat.RDJSON, "rdjson.json")],
)
def test_an_export_is_valid_against_its_schema(review: ReviewResult, form: ExportFormat, schema: str) -> None:
    written = json.loads(json.dumps(exported(review, form)))
    assert [error.message for error in validator(schema).iter_errors(written)] == []


@pytest.mark.parametrize(
    ("schema", "broken"),
    [
        ("sarif-schema-2.1.0.json", {"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": []}]}),
        ("sarif-schema-2.1.0.json", sarif(REVIEW) | {"findings": []}),
        ("rdjson.json", {"diagnostics": [{"message": "x"}]}),
        ("rdjson.json", {"diagnostics": [{"message": "x", "location": {"path": "a", "range": _FROM_ZERO}}]}),
        ("rdjson.json", rdjson(REVIEW) | {"findings": []}),
    ],
)
def test_the_schemas_bite(schema: str, broken: dict[str, Any]) -> None:
    assert list(validator(schema).iter_errors(broken))


def results() -> list[dict[str, Any]]:
    [run] = sarif(REVIEW)["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_a_sarif_result_stands_on_whole_lines_of_the_new_file_under_its_rule() -> None:
    [run] = sarif(REVIEW)["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    first = run["results"][0]
    where = first["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "src/a%20b/gr%C3%B6%C3%9Fe%231.py"
    assert (where["region"]["startLine"], where["region"]["endLine"]) == (4, 5)
    assert rules[first["ruleIndex"]] == first["ruleId"] == "bug"
    assert (first["level"], first["rank"]) == ("error", 90.0)
    assert first["partialFingerprints"] == {"orchestratorFinding/v1": "f" * 32}
    [change] = first["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"]["text"] == "    return 1"


def test_severities_become_levels() -> None:
    assert [each["level"] for each in results()] == ["error", "error", "note", "warning", "note"]


def test_an_unverified_finding_says_so_and_gets_no_rank_of_its_own_making() -> None:
    unverified, unasked = results()[1:3]
    assert "rank" not in unverified
    assert unverified["message"]["text"].startswith("It is lost (unverified)")
    assert unverified["properties"]["verifier"] == "unverified"
    assert unasked["rank"] == 30.0


def test_what_is_said_of_removed_lines_points_at_no_line_of_the_new_file() -> None:
    old = results()[3]
    assert "region" not in old["locations"][0]["physicalLocation"]
    assert (old["properties"]["oldStartLine"], old["properties"]["side"]) == (4, "old")
    assert "range" not in rdjson(REVIEW)["diagnostics"][3]["location"]


def test_a_rule_of_security_has_the_gravity_of_its_worst_finding() -> None:
    [run] = sarif(REVIEW)["runs"]
    [rule] = [rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "security"]
    assert rule["properties"]["security-severity"] == "9.5"


def test_what_is_left_out_is_told() -> None:
    [run] = sarif(REVIEW)["runs"]
    said = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert said[0] == "It changes something."
    assert any("quotes stand nowhere" in text for text in said)
    assert any("below the threshold" in text for text in said)
    assert any("1 not scored" in text for text in said)


def test_a_diagnostic_has_the_lines_the_kind_and_the_suggestion() -> None:
    found = rdjson(REVIEW)["diagnostics"][0]
    assert found["location"]["path"] == "src/a b/größe#1.py"
    assert found["location"]["range"] == {"start": {"line": 4}, "end": {"line": 5}}
    assert (found["severity"], found["code"]) == ("ERROR", {"value": "bug"})
    assert found["suggestions"] == [{"range": found["location"]["range"], "text": "    return 1"}]
    assert found["message"] == "It is lost\n\nWhenever it is empty."
