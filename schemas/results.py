"""What a task gives back: code changes or review findings, with how far they were verified."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Value
from schemas.embeddings import EmbedResult
from schemas.notices import Notice

Score = Annotated[int, Field(ge=0, le=100)]


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


class ConsensusHow(StrEnum):
    """What a consensus was decided by: from the plainest to the last resort."""

    ONLY = "only"
    AGREEMENT = "agreement"
    MERGED = "merged"
    JUDGED = "judged"
    ORDER = "order"


class ConsensusChild(Value):
    """One of the tasks that were asked, and what became of it; `cluster` numbers those that agree, from 1."""

    id: UUID
    provider: str
    model: str
    status: str
    level: VerificationLevel | None = None
    cost_usd: str
    error: str | None = Field(None, description="the code it failed with")
    cluster: int | None = Field(None, description="none where it has no answer, or one of a lower level")
    fingerprint: str | None = Field(None, description="hash of the answer but for its layout and comments")


class Comparison(Value):
    """What the judge said of two answers, shown in both orders; no `winner` where the orders disagree."""

    first: UUID
    second: UUID
    winner: UUID | None
    call_ids: list[UUID]


class Consensus(Value):
    """How the answer was chosen; the same children and judgements always give the same choice."""

    how: ConsensusHow
    why: str
    winner: UUID = Field(description="the child whose answer it is; of merged reviews, whose summary it is")
    children: list[ConsensusChild]
    clusters: list[list[UUID]] = Field(description="children whose answers are alike, the largest first")
    judgements: list[Comparison] = Field(default_factory=list)
    not_judged: str | None = Field(None, description="why a tie was not judged, where it was not")


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
    consensus: Consensus | None = None


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
    agreement: int | None = Field(None, description="of a consensus: how many reviewers found it")


class ReviewResult(Value):
    """Findings that point at real lines; those whose quote was not found are kept apart."""

    type: Literal["review"] = "review"
    summary: str
    findings: list[Finding]
    unanchored: list[Finding] = Field(default_factory=list)
    dropped: list[Finding] = Field(default_factory=list, description="below the threshold, with the reason")
    apart: list[Finding] = Field(
        default_factory=list, description="of a consensus: what half of the reviewers or fewer found"
    )
    verification: Verification
    consensus: Consensus | None = None


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
    consensus: Consensus | None = None


Answered = CodeResult | ReviewResult | ChatResult
"""What a model said; vectors say nothing."""
AnyResult = CodeResult | ReviewResult | ChatResult | EmbedResult
Result = Annotated[AnyResult, Field(discriminator="type")]
