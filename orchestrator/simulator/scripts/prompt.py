"""What the worker's prompts say, read back from their tags.

A tag's name may carry a suffix (`<file-0f3a9c1b2d4e path="…">`): then only the closing tag with the same
suffix ends it, so that text which holds such tags itself is read as the text it is.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.wire import Message, Role
from schemas.tasks import TaskKind

_KIND: Final = re.compile(r"^Task kind: *(\w+) *$", re.MULTILINE)
_KINDS: Final = {kind.value: kind for kind in TaskKind}
_OPENING: Final = re.compile(
    r"^<((constraint|conventions|criterion|description|diff|error_report|file|finding|logs|manifest|message|outline"
    r"|problems|specification)(?:-[0-9a-f]+)?)"
    r"((?: [a-z_]+=\"[^\"\n]*\")*)>",
    re.MULTILINE,
)
_ATTRIBUTE: Final = re.compile(r' ([a-z_]+)="([^"\n]*)"')
_VERIFIER: Final = re.compile(r"^Step: *verifier *$", re.MULTILINE)
_MOST_FINDINGS: Final = re.compile(r"\bat most (\d{1,4}) findings\b")
DEFAULT_FINDINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion, numbered from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task as the worker put it; `repair` when an earlier answer was found unusable.

    `verifier` when the findings of a review are to be scored.
    """

    kind: TaskKind | None
    description: str
    files: dict[str, str]
    criteria: tuple[Criterion, ...]
    diff: str
    repair: bool
    below: tuple[str, ...] = ()
    most_findings: int = DEFAULT_FINDINGS
    verifier: bool = False
    findings: "tuple[Element, ...]" = ()
    rounds: int = 0
    """How many earlier answers it comes with."""

    def allows(self, path: str) -> bool:
        """Whether the task's constraints let the path be changed."""
        return not self.below or any(path == root or path.startswith(f"{root}/") for root in self.below)

    def inside(self, path: str) -> str:
        """The path, moved below the first folder that may be changed where it must be."""
        return path if self.allows(path) else f"{self.below[0]}/{path}"


@dataclass(frozen=True, slots=True)
class Element:
    """One tag with its attributes and text."""

    tag: str
    attributes: Mapping[str, str]
    text: str


def read(messages: Sequence[Message]) -> Prompt:
    """The task in the messages; a prompt of another origin has no kind."""
    asked = "\n".join(message.text for message in messages if message.role is Role.USER)
    found = list(elements(asked))
    most = _MOST_FINDINGS.search(asked[-500:])
    return Prompt(
        kind=_kind(messages),
        description=_text("description", found) or asked,
        files={
            one.attributes["path"]: one.text
            for one in found
            if one.tag == "file" and "path" in one.attributes and "shown" not in one.attributes
        },
        criteria=tuple(_criteria(found)),
        diff=_text("diff", found),
        repair=any(message.role is Role.ASSISTANT for message in messages),
        below=tuple(_below(found)),
        verifier=any(one.role is Role.SYSTEM and _VERIFIER.search(one.text) for one in messages),
        findings=tuple(one for one in found if one.tag == "finding"),
        most_findings=int(most[1]) if most else DEFAULT_FINDINGS,
        rounds=sum(message.role is Role.ASSISTANT for message in messages),
    )


def elements(text: str) -> Iterator[Element]:
    """The tags in their order; what stands inside one is its text and nothing else."""
    at = 0
    while opening := _OPENING.search(text, at):
        closing = f"</{opening[1]}>"
        end = text.find(closing, opening.end())
        if end < 0:
            return
        inner = text[opening.end() : end]
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(opening[3])}
        yield Element(opening[2], attributes, inner.removeprefix("\n"))
        at = end + len(closing)


def _kind(messages: Sequence[Message]) -> TaskKind | None:
    for message in messages:
        if message.role is Role.SYSTEM and (found := _KIND.search(message.text)):
            return _KINDS.get(found[1])
    return None


def _text(tag: str, found: Sequence[Element]) -> str:
    return next((one.text for one in found if one.tag == tag), "").strip("\n")


def _criteria(found: Sequence[Element]) -> Iterator[Criterion]:
    for one in found:
        number = one.attributes.get("number", "")
        if one.tag == "criterion" and number.isdigit():
            yield Criterion(int(number), one.text.strip())


def _below(found: Sequence[Element]) -> Iterator[str]:
    for one in found:
        if one.tag == "constraint" and one.attributes.get("name") == "change only below":
            yield from (line.rstrip("/") for line in one.text.split("\n") if line)
