"""Text of other people, before it is rendered: what a reader of it would not see is taken out of prose.

Prose (descriptions, criteria, specifications) loses comments, hidden elements and invisible characters;
output of programs loses invisible characters only; code and conversations stay as they are, to the byte.
Whatever was found becomes a notice: it is told, and changes nothing else.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel

from schemas.notices import Notice, NoticeKind
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest
from workers.context.fence import TAGS
from workers.context.sensitive import in_small_letters

MOST_NOTICES: Final = 50
_CODE: Final = frozenset({
    "base", "branch", "commit", "content", "data", "diff", "language", "path", "paths", "repository", "tests",
})  # fmt: skip
"""Fields whose text is code, or a name in it."""
_OUTPUT: Final = frozenset({"error_report", "logs"})


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A request that may be rendered, and what was found in it."""

    request: TaskRequest
    notices: tuple[Notice, ...]


def sanitised(request: TaskRequest) -> Sanitised:
    """The request without hidden content in its prose."""
    notices: list[Notice] = []
    if isinstance(request, EmbedRequest):
        return Sanitised(request, ())
    if isinstance(request, ChatRequest):
        for where, text in texts(request):
            notices += _suspicious(where, text)
        return Sanitised(request, tuple(notices[:MOST_NOTICES]))
    context = _cleaned(request.context, "", "", notices)
    changed = context is not request.context
    return Sanitised(
        request.model_copy(update={"context": context}) if changed else request, tuple(notices[:MOST_NOTICES])
    )


def texts(request: TaskRequest) -> Iterator[tuple[str, str]]:
    """Every text of the task's context, with the field it stands in."""
    yield from _texts(request.context, "")


def _texts(value: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name), f"{where}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{where}[{number}]")


def _cleaned(value: Any, name: str, where: str, notices: list[Notice]) -> Any:
    """The value with its prose cleaned; the very same object where there was nothing to do."""
    if isinstance(value, str):
        notices += _suspicious(where, value) if name not in ("path", "paths") else ()
        return value if name in _CODE else _without_hidden(value, where, notices, prose=name not in _OUTPUT)
    if isinstance(value, list):
        each = [_cleaned(item, name, f"{where}[{at}]", notices) for at, item in enumerate(value)]
        return value if all(new is old for new, old in zip(each, value, strict=True)) else each
    if isinstance(value, BaseModel):
        fields = {field: getattr(value, field) for field in type(value).model_fields}
        new = {
            field: _cleaned(old, field, f"{where}.{field}".lstrip("."), notices)
            for field, old in fields.items()
        }
        changed = {field: each for field, each in new.items() if each is not fields[field]}
        return value.model_copy(update=changed) if changed else value
    return value


_SHOWN: Final = 5
_BIDI: Final = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAG: Final = re.compile("[\U000e0000-\U000e007f\U000e0100-\U000e01ef]")
_INVISIBLE: Final = re.compile(
    f"[{_BIDI}\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef\U0001d173-\U0001d17a]|[\ufe00-\ufe0f](?=[\ufe00-\ufe0f])"
)
_JOINED: Final = "[^\\x00-\\x7f\u200c\u200d]"
_JOINER: Final = re.compile(f"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})")
"""A joiner that joins no letters of other scripts and no parts of an emoji: it hides something."""
_FENCED: Final = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?^ {0,3}\1[`~]*[ \t]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE
)
_REFERENCE: Final = re.compile(
    r"^ {0,3}\[(?://|comment|_|#|\^?-)\]:[ \t]*\S.*$\n?", re.MULTILINE | re.IGNORECASE
)
_UNSEEN: Final = re.compile(
    r"<(\w{1,20})\b(?=[^<>]{0,500}(?:\shidden\b|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|"
    r"opacity\s*:\s*0(?![.\d])))[^<>]{0,600}>.{0,5000}?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)


def _without_hidden(text: str, where: str, notices: list[Notice], *, prose: bool) -> str:
    shown, characters, joiners = text, 0, 0
    if not text.isascii():
        shown, characters = _INVISIBLE.subn("", text)
        shown, joiners = _JOINER.subn("", shown)
    comments = elements = 0
    if prose and ("<" in shown or "[" in shown):
        shown, comments = _outside_code(shown, _comments)
        shown, references = _outside_code(shown, _matches(_REFERENCE))
        shown, elements = _outside_code(shown, _matches(_UNSEEN))
        comments += references
    counted = (
        (characters + joiners, "invisible characters"),
        (comments, "comments"),
        (elements, "hidden elements"),
    )
    found = " and ".join(f"{count} {what}" for count, what in counted if count)
    if found:
        detail = f"not shown to a reader, and not sent: {found}"
        notices.append(Notice(kind=NoticeKind.HIDDEN_CONTENT, where=where, detail=detail))
    return shown if found else text


Places = Iterator[tuple[int, int]]


def _outside_code(text: str, find: Callable[[str], Places]) -> tuple[str, int]:
    """The text without what is found in it, and how often; code is shown as it is written, and stays."""
    code = [match.span() for match in _FENCED.finditer(text)] if "`" in text or "~~~" in text else []
    parts, at, count = [], 0, 0
    for start, end in find(text):
        if start >= at and not any(first <= start < last for first, last in code):
            parts.append(text[at:start])
            at, count = end, count + 1
    return "".join([*parts, text[at:]]), count


def _matches(pattern: re.Pattern[str]) -> Callable[[str], Places]:
    return lambda text: (match.span() for match in pattern.finditer(text))


def _comments(text: str) -> Places:
    """Comments; one that begins a line and has no end takes the rest."""
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        begins_line = not text[text.rfind("\n", 0, start) + 1 : start].strip()
        if end < 0 and not begins_line:
            return
        at = end + 3 if end >= 0 else len(text)
        yield start, at


_ASIDE: Final = r"(?:all |any |every )?(?:of )?(?:the |your |my |these |those )?"
_WHAT: Final = r"(?:instructions?|prompts?|rules?|directions?|guidelines?|commands?|messages?|context)"
_AGAINST: Final = (
    rf"\s+{_ASIDE}(?:previous|prior|above|earlier|preceding|system|original|existing)\s+{_WHAT}\b"
    r"|\s+(?:everything |all |anything )?(?:of )?(?:the |that is )?above\b"
)
_TOLD: Final = r" (?:me )?(?:your|the) (?:system prompt|hidden prompt|initial instructions)\b"
_SILENCE: Final = (
    r" (?:report|mention|flag) (?:this|any|the|these)\b[^.\n]{0,40}"
    r"\b(?:bugs?|issues?|problems?|findings?|vulnerabilit(?:y|ies))\b"
)
_SPOKEN: Final = {
    **dict.fromkeys(("ignore", "disregard", "forget", "override", "bypass"), _AGAINST),
    **dict.fromkeys(("reveal", "print", "repeat", "show", "output"), _TOLD),
    **dict.fromkeys(("do not", "don't", "never"), _SILENCE),
    "you are now": r" (?:a|an|in|the|no longer)\b",
    "approve this": r" (?:pr|pull request|change|diff|merge request)\b",
    "new instructions": r"\s*:",
    "system prompt": r"\s*:",
    "<|": r"(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>",
    "[inst": r"\]",
    "[/inst": r"\]",
    "<<sys": r">>",
}
_GOES_ON: Final = {word: re.compile(rest, re.IGNORECASE) for word, rest in _SPOKEN.items()}
"""By the word it begins with, how an attempt to speak to the model goes on."""


def injections(text: str) -> list[int]:
    """Where a text speaks to a language model instead of its reader."""
    lowered = in_small_letters(text)
    found = []
    for word, rest in _GOES_ON.items():
        at = lowered.find(word)
        while at >= 0:
            alone = at == 0 or not (word[0].isalpha() and lowered[at - 1].isalnum())
            if alone and rest.match(text, at + len(word)):
                found.append(at)
            at = lowered.find(word, at + len(word))
    return sorted(found)


_DELIMITER: Final = re.compile(r"</\s*(?:" + "|".join(TAGS) + r")(?:-[0-9a-f]{12})?\s*>", re.IGNORECASE)
_INSTRUCTIONS: Final = re.compile(
    r"(?:^|/)(?:agents\.md|claude\.md|gemini\.md|\.cursorrules|\.windsurfrules|\.clinerules|copilot-instructions\.md"
    r"|\.cursor/rules/[^/]+)$",
    re.IGNORECASE,
)


def _suspicious(where: str, text: str) -> list[Notice]:
    """What a text seems to be up to, with the lines where."""
    unusual = not text.isascii()
    found = [
        Notice(kind=kind, where=where, detail=f"{what} in line {_lines(places, text)}")
        for kind, places, what in (
            (NoticeKind.BIDI, _starts(BIDI, text) if unusual else [], "characters that turn the text around"),
            (
                NoticeKind.HIDDEN_CONTENT,
                _starts(_TAG, text) if unusual else [],
                "characters that nobody sees",
            ),
            (NoticeKind.INJECTION, injections(text), "words to a language model instead of a reader"),
            (NoticeKind.FAKE_DELIMITER, _starts(_DELIMITER, text), "a delimiter of our prompts"),
        )
        if places
    ]
    if where == "diff":
        found += [
            Notice(kind=NoticeKind.INSTRUCTION_FILE, where=where, detail=f"the change touches {path}")
            for path in _touched(text)
        ]
    return found


def _starts(pattern: re.Pattern[str], text: str) -> list[int]:
    return [match.start() for match in islice(pattern.finditer(text), _SHOWN + 1)]


_NAMED: Final = re.compile(r"^\+\+\+ (?:b/)?([^\t\n]{1,500})", re.MULTILINE)


def _touched(diff: str) -> list[str]:
    return [path for path in _NAMED.findall(diff) if _INSTRUCTIONS.search(path)]


def _lines(places: list[int], text: str) -> str:
    """The numbers of the first lines that the places are in."""
    numbers = list(dict.fromkeys(text.count("\n", 0, place) + 1 for place in places[: _SHOWN + 1]))
    return ", ".join(map(str, numbers[:_SHOWN])) + (" and others" if len(places) > _SHOWN else "")
