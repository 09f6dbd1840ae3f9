"""Reviews: a small reviewer that knows a few patterns of trouble and quotes the added lines with them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.scripts.code import LABEL
from orchestrator.simulator.scripts.diffs import AddedLine, added_lines
from orchestrator.simulator.scripts.prompt import Prompt

_RANKS: Final = ("critical", "high", "medium", "low", "info")

Suggest = Callable[[AddedLine], str | None]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of trouble and how it looks."""

    looks: re.Pattern[str]
    severity: str
    category: str
    title: str
    body: str
    suggest: Suggest | None = None


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


def _defaulting_to_none(line: AddedLine) -> str | None:
    """The signature with None in place of the shared value; the body must make a new one."""
    if not line.text.rstrip().endswith(":") or (line.follower or '"""').lstrip().startswith(('"""', "'''")):
        return None
    found = re.search(r"(\w+)(\s*:\s*[^,=()]+?)?(\s*=\s*)(\[\]|\{\}|set\(\)|dict\(\)|list\(\))", line.text)
    if found is None:
        return None
    name, annotation, equals, value = found[1], found[2] or "", found[3], found[4]
    optional = f"{annotation} | None" if annotation else ""
    signature = line.text[: found.start()] + f"{name}{optional}{equals}None" + line.text[found.end() :]
    indent = " " * (len(line.text) - len(line.text.lstrip()) + 4)
    return f"{signature}\n{indent}if {name} is None:\n{indent}    {name} = {value}"


def _swallows(line: AddedLine) -> bool:
    caught = re.match(r"\s*except(\s+(Base)?Exception(\s+as\s+\w+)?)?\s*:\s*(#.*)?(pass\b.*)?$", line.text)
    if caught is None:
        return False
    return caught[1] is None or caught[5] is not None or (line.follower or "").strip() == "pass"


PATTERNS: Final = (
    Pattern(
        re.compile(
            r"""\bf["'].*\b(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b.*\{"""
            r"""|["'].*\b(SELECT|INSERT\s+INTO|DELETE\s+FROM)\b.*["']\s*(%\s*\w|%\s*\(|\+|\.format\()""",
            re.IGNORECASE,
        ),
        "critical",
        "security",
        "SQL built from text",
        "A value is put into the statement as text, so whoever supplies it can change the statement. "
        "Pass it as a bound parameter.",
    ),
    Pattern(
        re.compile(
            r"""\b\w*(password|passwd|secret|api_key|access_token)\w*\s*(:\s*str\s*)?=\s*["'][^"'{}]{3,}["']""",
            re.IGNORECASE,
        ),
        "high",
        "security",
        "Secret in the source",
        "A secret in the source is readable by everyone who reads the code, as long as its history lives. "
        "Read it from the environment or a secret store.",
    ),
    Pattern(
        re.compile(r"(?<![\w.])(eval|exec)\("),
        "high",
        "security",
        "Text run as code",
        "Whatever reaches this call is executed. Parse the value instead, for example with ast.literal_eval.",
    ),
    Pattern(
        re.compile(r"\bshell\s*=\s*True\b"),
        "high",
        "security",
        "Command run through a shell",
        "Shell syntax in any part of the command is obeyed. Pass a list of arguments without a shell.",
    ),
    Pattern(
        re.compile(r"\bverify\s*=\s*False\b"),
        "high",
        "security",
        "Certificate check switched off",
        "Anyone on the way can read and change this traffic. Keep the check on.",
    ),
    Pattern(
        re.compile(r"\brange\(\s*len\([^()]*\)\s*\+\s*1\s*\)"),
        "high",
        "bug",
        "Loop runs one step too far",
        "The last index equals the length, so the last step reads past the end and raises IndexError.",
        lambda line: re.sub(r"(range\(\s*len\([^()]*\))\s*\+\s*1\s*\)", r"\1)", line.text),
    ),
    Pattern(
        re.compile(r"\bwhile\b.*\w\s*<=\s*len\("),
        "high",
        "bug",
        "Loop runs one step too far",
        "The index may equal the length, which is one past the last element.",
        lambda line: re.sub(r"<=(\s*len\()", r"<\1", line.text),
    ),
    Pattern(
        re.compile(r"^\s*(async\s+)?def\s.*=\s*(\[\]|\{\}|set\(\)|dict\(\)|list\(\))"),
        "medium",
        "bug",
        "Mutable default argument",
        "The default is made once and shared by all calls, so what one call adds the next one finds.",
        _defaulting_to_none,
    ),
)
SWALLOWED: Final = Pattern(
    re.compile(r"^\s*except\b"),
    "medium",
    "bug",
    "Errors are swallowed",
    "Every error is caught here, also those nobody thought of. Catch what can be handled.",
)


def review(prompt: Prompt) -> ReviewAnswer:
    """The answer to a task that asks for a review."""
    lines = added_lines(prompt.diff)
    found = [finding for line in lines for finding in _findings(line)]
    found.sort(key=lambda finding: _RANKS.index(finding.severity))
    return ReviewAnswer(_summary(lines, found), tuple(found[: prompt.most_findings]))


def _findings(line: AddedLine) -> list[Finding]:
    if not line.text.strip() or line.text.lstrip().startswith("#"):
        return []
    found = [pattern for pattern in PATTERNS if pattern.looks.search(line.text)]
    if _swallows(line):
        found.append(SWALLOWED)
    return [_finding(pattern, line) for pattern in found]


def _finding(pattern: Pattern, line: AddedLine) -> Finding:
    return Finding(
        file=line.file,
        line=line.number,
        severity=pattern.severity,
        category=pattern.category,
        title=pattern.title,
        quote=line.text,
        body=pattern.body,
        suggestion=pattern.suggest(line) if pattern.suggest else None,
    )


def _summary(lines: Sequence[AddedLine], found: Sequence[Finding]) -> str:
    files = len({line.file for line in lines})
    looked = f"A script looked at {len(lines)} added lines in {files} files for a few known patterns"
    if not found:
        return f"{looked} and found none of them."
    worst = found[0]
    return f"{looked} and found {len(found)}; the worst: {worst.title.lower()} in {worst.file}."
