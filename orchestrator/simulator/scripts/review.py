"""Reviews: a scripted reviewer that knows some kinds of trouble and quotes the added lines that have them.

It sees the prompt and nothing else: the diff in it, with the lines around each change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.scripts.code import LABEL
from orchestrator.simulator.scripts.diffs import Hunk, added_lines, hunks
from orchestrator.simulator.scripts.prompt import Prompt
from orchestrator.simulator.scripts.suspicions import suspect
from orchestrator.simulator.scripts.troubles import TROUBLES, Trouble

_RANKS: Final = ("critical", "high", "medium", "low", "info")
_COMMENTS: Final = ("#", "//", "*", "/*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark, anchored by the line it quotes."""

    file: str
    line: int
    severity: str
    category: str
    title: str
    quote: str
    body: str
    suggestion: str | None = None

    def render(self) -> str:
        """The finding as an answer shows it."""
        where = f'file="{self.file}" side="new" line="{self.line}"'
        what = f'severity="{self.severity}" category="{self.category}" title="{self.title}"'
        parts = [f"<finding {where} {what}>", f"<quote>\n{self.quote}\n</quote>", f"<body>{self.body}</body>"]
        if self.suggestion is not None:
            parts.append(f"<suggestion>\n{self.suggestion}\n</suggestion>")
        return "\n".join([*parts, "</finding>"])


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """A summary and the findings."""

    summary: str
    findings: tuple[Finding, ...]

    def render(self) -> str:
        """The whole answer."""
        findings = [finding.render() for finding in self.findings]
        return "\n\n".join([LABEL, f"<summary>{self.summary}</summary>", *findings]) + "\n"


def review(prompt: Prompt) -> ReviewAnswer:
    """The answer to a task that asks for a review."""
    found = known_troubles(prompt.diff)
    return ReviewAnswer(_summary(prompt.diff, found), tuple(found[: prompt.most_findings]))


def known_troubles(diff: str) -> list[Finding]:
    """All that the script has to say about a diff, the gravest first."""
    found = [
        _finding(trouble, hunk, at)
        for hunk in hunks(diff)
        for at in range(len(hunk.lines))
        for trouble in _troubles(hunk, at)
    ]
    return sorted(found, key=lambda finding: _RANKS.index(finding.severity))


def _troubles(hunk: Hunk, at: int) -> Iterator[Trouble]:
    line = hunk.lines[at]
    text = line.text.strip()
    if not line.added or not text or text.startswith(_COMMENTS):
        return
    language = line.file.rpartition(".")[2].lower()
    titles = set()
    for trouble in (
        *(each for each in TROUBLES if _has(trouble=each, hunk=hunk, at=at, language=language)),
        *suspect(hunk, at, language),
    ):
        if trouble.title not in titles:
            titles.add(trouble.title)
            yield trouble


def _has(trouble: Trouble, hunk: Hunk, at: int, language: str) -> bool:
    if trouble.languages and language not in trouble.languages:
        return False
    if not trouble.looks.search(hunk.lines[at].text):
        return False
    if trouble.if_next is not None and not trouble.if_next.search(hunk.following(at) or ""):
        return False
    later = trouble.unless_later
    return later is None or not any(later.search(text) for text in hunk.after(at))


def _finding(trouble: Trouble, hunk: Hunk, at: int) -> Finding:
    line = hunk.lines[at]
    suggestion = trouble.suggest(line.text) if trouble.suggest else None
    return Finding(
        file=line.file,
        line=line.number,
        severity=trouble.severity,
        category=trouble.category,
        title=trouble.title,
        quote=line.text,
        body=trouble.body,
        suggestion=suggestion if suggestion != line.text else None,
    )


def _summary(diff: str, found: Sequence[Finding]) -> str:
    lines = added_lines(diff)
    files = len({line.file for line in lines})
    looked = f"A script looked at {len(lines)} added lines in {files} files for a few known patterns"
    if not found:
        return f"{looked} and found none of them."
    worst = found[0]
    return f"{looked} and found {len(found)}; the worst: {worst.title.lower()} in {worst.file}."
