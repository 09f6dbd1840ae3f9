"""What the worker's prompts say, read back from their tags."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.simulator.wire import Message, Role
from schemas.tasks import TaskKind

_KIND: Final = re.compile(r"^Task kind: *(\w+) *$", re.MULTILINE)
_FILE: Final = re.compile(r'^<file\b[^>\n]*?\bpath="([^"\n]+)"[^>\n]*>\n', re.MULTILINE)
_FILE_END: Final = "\n</file>"
_CRITERION: Final = re.compile(r'<criterion\b[^>\n]*?\bnumber="(\d+)"[^>\n]*>(.*?)</criterion>', re.DOTALL)

_KINDS: Final = {kind.value: kind for kind in TaskKind}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion, numbered from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task as the worker put it; `repair` when an earlier answer was found unusable."""

    kind: TaskKind | None
    description: str
    files: dict[str, str]
    criteria: tuple[Criterion, ...]
    diff: str
    repair: bool


def read(messages: Sequence[Message]) -> Prompt:
    """The task in the messages; a prompt of another origin has no kind."""
    asked = "\n".join(message.text for message in messages if message.role is Role.USER)
    return Prompt(
        kind=_kind(messages),
        description=_inside("description", asked) or asked,
        files=dict(_files(asked)),
        criteria=tuple(Criterion(int(number), text.strip()) for number, text in _CRITERION.findall(asked)),
        diff=_inside("diff", asked),
        repair=any(message.role is Role.ASSISTANT for message in messages),
    )


def _files(text: str) -> Iterator[tuple[str, str]]:
    for opening in _FILE.finditer(text):
        # An empty file's closing tag stands right after the opening line.
        end = text.find(_FILE_END, opening.end() - 1)
        if end >= 0:
            yield opening[1], text[opening.end() : end]


def _kind(messages: Sequence[Message]) -> TaskKind | None:
    for message in messages:
        if message.role is Role.SYSTEM and (found := _KIND.search(message.text)):
            return _KINDS.get(found[1])
    return None


def _inside(tag: str, text: str) -> str:
    """What stands between the first opening of the tag and the first closing after it."""
    _, opened, rest = text.partition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    return inside.strip("\n") if opened and closed else ""
