"""A review answer, read: its summary and its findings as claimed, before they are anchored."""

import re
from dataclasses import dataclass
from typing import Final

from schemas.results import Severity, Side
from workers.verify.headings import is_fence
from workers.verify.tags import Element, elements, first
from workers.verify.verdict import clipped

MOST: Final = 200
_LONG: Final = 20_000
_TITLE: Final = 300
_NAME: Final = 500

SEVERITIES: Final = {
    **{severity.value: severity for severity in Severity},
    "blocker": Severity.CRITICAL, "fatal": Severity.CRITICAL,
    "major": Severity.HIGH, "error": Severity.HIGH, "serious": Severity.HIGH,
    "moderate": Severity.MEDIUM, "warning": Severity.MEDIUM,
    "minor": Severity.LOW, "trivial": Severity.LOW,
    "information": Severity.INFO, "informational": Severity.INFO, "nit": Severity.INFO, "note": Severity.INFO,
    "suggestion": Severity.INFO,
}  # fmt: skip
CATEGORIES: Final = frozenset({
    "bug", "security", "performance", "concurrency", "error_handling", "compatibility", "maintainability",
    "tests", "documentation", "style", "other",
})  # fmt: skip
_OTHER_SPELLINGS: Final = {
    "correctness": "bug", "logic": "bug", "error": "bug", "vulnerability": "security",
    "efficiency": "performance",
    "race_condition": "concurrency", "errors": "error_handling", "exceptions": "error_handling",
    "breaking_change": "compatibility", "readability": "maintainability", "design": "maintainability",
    "test": "tests", "testing": "tests", "docs": "documentation", "naming": "style", "formatting": "style",
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A finding as the model wrote it, with severity and category in our words."""

    file: str
    side: Side
    line: int | None
    severity: Severity
    category: str
    title: str
    body: str
    quote: str
    suggestion: str | None
    confidence: int | None = None


@dataclass(frozen=True)
class ParsedReview:
    """What an answer says; `summary` is None where it has none, `malformed` counts empty findings."""

    summary: str | None
    claims: tuple[Claim, ...]
    malformed: int


def parse_review(answer: str) -> ParsedReview:
    """The summary and findings of an answer in their order."""
    text = answer.replace("\r\n", "\n")
    found = list(elements(text, "finding", MOST))
    claims = [_claim(element) for element in found]
    kept = tuple(claim for claim in claims if claim is not None)
    return ParsedReview(_summary(text, found), kept, len(claims) - len(kept))


def _summary(text: str, found: list[Element]) -> str | None:
    """The summary element before the findings or after them, else the prose around them."""
    outside = _outside(text, found)
    summary = first(outside, "summary")
    if summary is not None:
        return clipped(summary.text.strip(), _LONG)
    return clipped(outside.strip(), _LONG) if found else None


def _outside(text: str, found: list[Element]) -> str:
    parts, at = [], 0
    for element in found:
        parts.append(text[at : element.start])
        at = element.end
    return "".join([*parts, text[at:]])


def _claim(element: Element) -> Claim | None:
    named = element.attributes
    # In this order, each taken out before the next: a quote of HTML may hold a <body> of its own.
    quote, rest = _taken(element.text, "quote")
    body, rest = _taken(rest, "body")
    suggestion, _ = _taken(rest, "suggestion")
    said = (body or "").strip()
    title = " ".join(named.get("title", "").split()) or " ".join(said.split("\n", 1)[0].split())
    if not title:
        return None
    return Claim(
        file=clipped(named.get("file", ""), _NAME),
        side=Side.OLD if named.get("side", "").lower() in ("old", "left") else Side.NEW,
        line=_line(named.get("line", "")),
        severity=SEVERITIES.get(_word(named.get("severity", "")), Severity.MEDIUM),
        category=_category(named.get("category", "")),
        title=clipped(title, _TITLE),
        body=clipped(said, _LONG),
        quote=_unfenced(quote or ""),
        suggestion=clipped(_unfenced(suggestion), _LONG) if suggestion and suggestion.strip() else None,
        confidence=tenths(named.get("confidence", "")),
    )


def _taken(text: str, tag: str) -> tuple[str | None, str]:
    element = first(text, tag)
    if element is None:
        return None, text
    return element.text, text[: element.start] + text[element.end :]


def _unfenced(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > 2 and is_fence(lines[0]) and is_fence(lines[-1]):
        return "\n".join(lines[1:-1])
    return text


def _line(said: str) -> int | None:
    number = re.match(r"[L\s]{0,3}([0-9]{1,9})", said)
    return int(number[1]) if number else None


def tenths(said: str) -> int | None:
    """A number from 0 to 10, also where it is written as a percentage or a fraction; None if it is none."""
    found = re.match(r"\s*([0-9]{1,3})(\.[0-9]{1,3})?\s*(%?)", said)
    if found is None:
        return None
    value = float(found[1] + (found[2] or ""))
    value = value / 10 if found[3] else value * 10 if found[2] and value <= 1 else value
    return round(value) if value <= 10 else None


def _category(said: str) -> str:
    word = _word(said)
    word = _OTHER_SPELLINGS.get(word, word)
    return word if word in CATEGORIES else "other"


def _word(said: str) -> str:
    return "_".join(re.split(r"[\s_-]+", said.strip().lower()))
