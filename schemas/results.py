"""What a task gives back: code changes or review findings, with how far they were verified."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Value
from schemas.embeddings import EmbedResult
from schemas.notices import Notice


class VerificationLevel(StrEnum):
    """How far an answer was verified; each level includes those before it."""

    PARSED = "parsed"
    APPLIED = "applied"
    ANCHORED = "anchored"
    SYNTAX = "syntax"
    LINT = "lint"
    CRITERIA = "criteria"
    TESTS = "tests"


class Check(Value):
    """One thing that was looked at; `passed` None means it could not be checked, and `detail` says why."""

    name: str
    passed: bool | None
    detail: str = ""


class Verification(Value):
    """The level reached and the checks behind it; `notices` count in neither."""

    level: VerificationLevel
    checks: list[Check] = Field(default_factory=list)
    notices: list[Notice] = Field(default_factory=list)


class Operation(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"


class FileChange(Value):
    """A file after the change; `base_sha256` is the hash of the UTF-8 bytes it was made from."""

    path: str
    operation: Operation
    base_sha256: str | None
    content: str | None


class Verdict(StrEnum):
    """Whether an acceptance criterion is met."""

    MET = "met"
    NOT_MET = "not_met"
    CANT_TELL = "cant_tell"


class CriterionVerdict(Value):
    """The answer to one acceptance criterion (numbered from 1), with where to look (`path:line`)."""

    number: int
    criterion: str
    verdict: Verdict
    evidence: str | None = None
    explanation: str = ""


class CodeResult(Value):
    """A change that applies: the diff is made by us from the files, never by the model."""

    type: Literal["code"] = "code"
    diff: str
    files: list[FileChange]
    explanation: str
    criteria: list[CriterionVerdict] = Field(default_factory=list)
    verification: Verification


class Severity(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Side(StrEnum):
    """Which side of the diff a finding is about."""

    OLD = "old"
    NEW = "new"


class Opinion(StrEnum):
    """What the verifier made of a finding; where it said nothing of it, the finding is unverified."""

    KEEP = "keep"
    DROP = "drop"
    UNVERIFIED = "unverified"


class Judgement(Value):
    """A second look at a finding by a call of its own; `score` is 0 (wrong) to 10 (certain and worth it)."""

    opinion: Opinion
    score: int | None = Field(None, ge=0, le=10)
    reason: str = ""


class Finding(Value):
    """One remark on the change; lines are 1-based, of the file on `side`; None where it found no anchor."""

    file: str
    side: Side
    start_line: int | None
    end_line: int | None
    quote: str
    category: str
    severity: Severity
    title: str
    body: str
    suggestion: str | None = Field(None, description="for the quoted lines; it applies and, if told, parses")
    note: str | None = Field(None, description="why a suggestion was dropped, or how far it was checked")
    confidence: int | None = Field(None, ge=0, le=10, description="the reviewer's own word, 0 to 10")
    judgement: Judgement | None = Field(None, description="the verifier's; none where it was not asked")
    fingerprint: str = Field(
        "", description="the same for the same finding in another run, wherever it moved"
    )


class ReviewResult(Value):
    """Findings that point at real lines; those whose quote was not found are kept apart."""

    type: Literal["review"] = "review"
    summary: str
    findings: list[Finding]
    unanchored: list[Finding] = Field(default_factory=list)
    dropped: list[Finding] = Field(default_factory=list, description="below the threshold, with the reason")
    verification: Verification


class FinishReason(StrEnum):
    """Why an answer ended: by itself, or because it reached the limit of output tokens."""

    STOP = "stop"
    LENGTH = "length"


class ChatResult(Value):
    """A complete answer; `model` is the one that served it, where the provider told."""

    type: Literal["chat"] = "chat"
    text: str
    finish_reason: FinishReason
    model: str | None
    verification: Verification


AnyResult = CodeResult | ReviewResult | ChatResult | EmbedResult
Result = Annotated[AnyResult, Field(discriminator="type")]
