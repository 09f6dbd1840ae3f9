"""What an answer brings that nobody asked for: active content in its prose, secrets that are not the task's.

Prose that a console or a pull request will render is disarmed; code is never changed, only told of. Lines
of a reviewed diff that deceive their reader become findings of our own.
"""

from collections.abc import Iterable
from typing import Final

from schemas.embeddings import EmbedResult
from schemas.notices import Notice, NoticeKind
from schemas.results import (
    AnyResult,
    ChatResult,
    CodeResult,
    Finding,
    ReviewResult,
    Severity,
    Side,
)
from schemas.tasks import ReviewCodeRequest, TaskRequest
from workers.context import BIDI, SECRET, Span, injections, merged, sensitive, texts
from workers.diffs.hunks import read_diff
from workers.verify.markup import disarmed
from workers.verify.verdict import clipped

_OWN: Final = 20


def disarm(request: TaskRequest, result: AnyResult, notices: Iterable[Notice] = ()) -> AnyResult:
    """The result as its submitter may have it, with `notices` and those of the answer itself."""
    if isinstance(result, EmbedResult):
        return result
    filter_ = _Filter(request)
    match result:
        case CodeResult():
            result = filter_.code(result)
        case ReviewResult():
            result = filter_.review(result)
        case ChatResult():
            filter_.look("text", result.text)
    told = [*result.verification.notices, *notices, *filter_.notices]
    told = list(dict.fromkeys(told))
    return result.model_copy(
        update={"verification": result.verification.model_copy(update={"notices": told})}
    )


class _Filter:
    def __init__(self, request: TaskRequest) -> None:
        self._request = request
        self._given: list[str] | None = None
        self.notices: list[Notice] = []

    def code(self, result: CodeResult) -> CodeResult:
        self._tell(NoticeKind.SECRET_IN_ANSWER, "diff", self._secrets(result.diff))
        criteria = [
            each.model_copy(update={"explanation": self.prose("criteria", each.explanation)})
            for each in result.criteria
        ]
        return result.model_copy(
            update={"explanation": self.prose("explanation", result.explanation), "criteria": criteria}
        )

    def review(self, result: ReviewResult) -> ReviewResult:
        findings = [self._finding(each) for each in result.findings]
        if isinstance(self._request, ReviewCodeRequest):
            findings = [*_deceiving(self._request), *findings]
        return result.model_copy(
            update={
                "summary": self.prose("summary", result.summary),
                "findings": findings,
                "unanchored": [self._finding(each) for each in result.unanchored],
                "dropped": [self._finding(each) for each in result.dropped],
                "apart": [self._finding(each) for each in result.apart],
            }
        )

    def _finding(self, finding: Finding) -> Finding:
        self._tell(NoticeKind.SECRET_IN_ANSWER, "suggestion", self._secrets(finding.suggestion or ""))
        said = finding.judgement
        if said is not None:
            said = said.model_copy(update={"reason": self.prose("judgement", said.reason)})
        return finding.model_copy(
            update={
                "title": self.prose("findings", finding.title),
                "body": self.prose("findings", finding.body),
                "category": self.prose("findings", finding.category),
                "note": finding.note and self.prose("findings", finding.note),
                "judgement": said,
            }
        )

    def prose(self, where: str, text: str) -> str:
        """Prose without what would act where it is shown, and without secrets of the model's own."""
        secrets = self._secrets(text)
        self._tell(NoticeKind.SECRET_IN_ANSWER, where, secrets)
        for span in reversed(secrets):
            text = f"{text[: span.start]}[secret hidden]{text[span.end :]}"
        safe = disarmed(text)
        if safe != text:
            self._active(where, "was disarmed")
        return safe

    def look(self, where: str, text: str) -> None:
        """Tell of the same things in a text that stays as it is."""
        self._tell(NoticeKind.SECRET_IN_ANSWER, where, self._secrets(text))
        if disarmed(text) != text:
            self._active(where, "is in it; escape it before you show it")

    def _active(self, where: str, what: str) -> None:
        detail = f"markup that acts or loads where it is shown {what}"
        self.notices.append(Notice(kind=NoticeKind.ACTIVE_CONTENT, where=where, detail=detail))

    def _tell(self, kind: NoticeKind, where: str, secrets: list[Span]) -> None:
        for rule in dict.fromkeys(span.rule for span in secrets):
            detail = f"the answer holds a secret that the task does not (it looks like: {rule})"
            self.notices.append(Notice(kind=kind, where=where, detail=detail))

    def _secrets(self, text: str) -> list[Span]:
        """Secrets in a text of the answer that were in no text of the task, in order."""
        found = merged(span for span in sensitive(text) if span.label == SECRET)
        if found and self._given is None:
            self._given = [given for _, given in texts(self._request)]
        return [
            span
            for span in found
            if not any(text[span.start : span.end] in given for given in self._given or ())
        ]


def _deceiving(request: ReviewCodeRequest) -> list[Finding]:
    """Lines of the diff that show something else than they are, or speak to whoever reviews by machine."""
    diff = request.context.diff
    if not (BIDI.search(diff) or injections(diff)):
        return []
    found = []
    for file in read_diff(diff):
        for number, line in zip(file.new.numbers, file.new.texts, strict=True):
            path = file.path(Side.NEW) or ""
            if BIDI.search(line):
                found.append(_own(path, number, line, Severity.HIGH, *_TURNED))
            elif injections(line):
                found.append(_own(path, number, line, Severity.MEDIUM, *_SPOKEN))
    return found[:_OWN]


_TURNED: Final = (
    "Text that is shown in another order than it stands",
    """\
The line holds bidirectional control characters: an editor shows it in another order than a compiler reads it,
which can hide what the code does (CVE-2021-42574). Remove them.""",
)
_SPOKEN: Final = (
    "Text addressed to a language model",
    """\
The line tells a model what to do instead of telling a reader what the code does. It was taken as data here;
other tools may follow it.""",
)


def _own(path: str, number: int, line: str, severity: Severity, title: str, body: str) -> Finding:
    return Finding(
        file=path,
        side=Side.NEW,
        start_line=number,
        end_line=number,
        quote=clipped(line, 5_000),
        category="security",
        severity=severity,
        title=title,
        body=body,
    )
