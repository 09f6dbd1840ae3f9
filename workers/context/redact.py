"""What must not leave is put out of the messages, and back into what comes for it.

A placeholder is one word that depends on the tenant and the value alone: the same value has the same one in
every message, attempt and task of a tenant, so prompts stay the same and vendors' prefix caches hit; nobody
else can try values against it. Nothing but the hidden values changes, lines keep their numbers, and what was
hidden comes back to the byte.
"""

import hmac
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from workers.context.render import Message
from workers.context.sensitive import PLACEHOLDER, Span, merged, sensitive
from workers.context.structured import rewritten

_PREFIX: Final = "HIDDEN_"
_BEGINNING: Final = re.compile(
    r"H(?:I(?:D(?:D(?:E(?:N(?:_(?:[A-Z]{0,10}|[A-Z]{2,10}_[0-9a-f]{0,11}))?)?)?)?)?)?\Z"
)
_LONGEST: Final = 40
_SOUGHT: Final = 8
"""A value this long is looked for wherever it stands, not only where its name gave it away."""
_FEW: Final = 50
_SHORT: Final = 20_000
NOTE: Final = """

Some values were taken out before this was sent. A word that begins with `HIDDEN_`, names a kind and ends in
twelve hexadecimal digits stands for such a value and is put back in your answer. Treat it as the value
itself: copy it exactly wherever the text around it is kept, in what you search for too, and never change,
shorten or invent one."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Messages, and a schema, without what must not leave; `values` is what placeholders stand for."""

    messages: tuple[Message, ...]
    values: Mapping[str, str]
    schema: Mapping[str, Any] | None = None

    def restore(self, text: str) -> str:
        """The text with the hidden values back in their places."""
        return restored(text, self.values)

    @property
    def told(self) -> str:
        """How many values of each kind were hidden, in words; empty if none were."""
        counted = Counter(token.split("_")[1].lower() for token in self.values)
        return ", ".join(f"{count} × {label}" for label, count in sorted(counted.items()))


def redact(
    messages: Sequence[Message],
    key: bytes,
    first: Sequence[Message] | None = None,
    schema: Mapping[str, Any] | None = None,
) -> Redacted:
    """Messages without secrets and personal data; `key` is the tenant's, and is never sent.

    `first` are the messages that a task began with, else these ones. What was hidden in them, or in the
    schema of the answer, is hidden in all later messages too, however short, wherever it is a word."""
    beginning = tuple(messages if first is None else first)
    follows = tuple(messages[: len(beginning)]) == beginning
    looked_at = [*messages, *(() if follows else beginning)]
    texts = [message.content for message in looked_at]
    spans = [_found(message) for message in looked_at]
    named = _strings(schema)
    words = _Words(key, [*texts, *(text for text, _ in named)])
    for text, found in (
        *zip(texts, spans, strict=True),
        *((text, _named(text, name)) for text, name in named),
    ):
        for span in found:
            words.add(text[span.start : span.end], span.label)
    if not words.labels:
        return Redacted(tuple(messages), {}, schema)
    later = len(beginning) if follows else 0
    hidden = [
        words.hide(text, found, short=at >= later)
        for at, (text, found) in enumerate(zip(texts, spans, strict=True))
    ]
    told = rewritten(schema, lambda text, name: words.hide(text, _named(text, name)))
    changed = tuple(replace(old, content=text) for old, text in zip(messages, hidden, strict=False))
    if changed == tuple(messages) and told == schema:
        return Redacted(changed, {}, schema)
    return Redacted(_noted(changed), words.values, told)


def _strings(schema: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The strings of a schema, each with its name."""
    found: list[tuple[str, str]] = []

    def note(text: str, name: str) -> str:
        found.append((text, name))
        return text

    rewritten(schema, note)
    return found


def _named(text: str, name: str) -> list[Span]:
    """What is to be hidden in a string of a schema: by its looks, or by its name."""
    found = sensitive(text)
    if name:
        before = f'{name} = "'
        spans = (span for span in sensitive(f'{before}{text}"') if span.start >= len(before))
        moved = (replace(span, start=span.start - len(before), end=span.end - len(before)) for span in spans)
        found += [span for span in moved if span.end <= len(text)]
    return merged(found)


def _found(message: Message) -> list[Span]:
    """What is to be hidden in a message; the same few system prompts begin most conversations."""
    if message.role == "system" and len(message.content) <= _SHORT:
        return list(_known(message.content))
    return merged(sensitive(message.content))


@lru_cache(maxsize=64)
def _known(text: str) -> tuple[Span, ...]:
    return tuple(merged(sensitive(text)))


def concealed(text: str, messages: Sequence[Message] = (), schema: Mapping[str, Any] | None = None) -> str:
    """A text for anybody's eyes: what must not be seen in it, in the messages and in the schema, is replaced
    for good."""
    hidden = redact((*messages, Message("user", text)), b"for nobody", messages, schema)
    seen = {token: f"[{token.split('_')[1].lower()} hidden]" for token in hidden.values}
    return restored(hidden.messages[-1].content, seen)


def restored(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder that is known replaced by its value."""
    parts, at, copied = [], 0, 0
    while (at := text.find(_PREFIX, at)) >= 0:
        match = PLACEHOLDER.match(text, at)
        if match is None or match[0] not in values:
            at += 1
            continue
        parts += [text[copied:at], values[match[0]]]
        at = copied = match.end()
    return "".join([*parts, text[copied:]])


def may_hold_placeholders(text: str) -> bool:
    """Whether it is worth the trouble to restore a text."""
    return _PREFIX in text


def strangers(text: str, own: Iterable[str]) -> list[str]:
    """Words in the form of placeholders that stand for nothing, and are in none of the `own` texts."""
    found = dict.fromkeys(PLACEHOLDER.findall(text)) if _PREFIX in text else {}
    given = list(own) if found else []
    return [token for token in found if not any(token in each for each in given)]


def showable(text: str) -> tuple[int, bool]:
    """How much of an answer that still comes may be shown as it is; and whether more may follow.

    A placeholder ends it: what it stands for is put in when the answer is complete."""
    match = PLACEHOLDER.search(text)
    if match is not None:
        return match.start(), False
    beginning = _BEGINNING.search(text, max(0, len(text) - _LONGEST))
    return (beginning.start() if beginning else len(text)), True


class _Words:
    """The placeholders of one set of messages."""

    def __init__(self, key: bytes, texts: Sequence[str]) -> None:
        self._key = key
        self._told = {token for text in texts if _PREFIX in text for token in PLACEHOLDER.findall(text)}
        self._tokens: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.labels: dict[str, str] = {}

    def add(self, value: str, label: str) -> None:
        if value not in self.labels:
            self.labels[value] = label
            self._name(value)

    def _name(self, value: str) -> str:
        turn = 0
        while True:
            said = f"{turn}:{value}".encode("utf-8", "surrogatepass")
            token = f"{_PREFIX}{self.labels[value]}_{hmac.new(self._key, said, 'sha256').hexdigest()[:12]}"
            if token not in self.values and token not in self._told:
                self.values[token], self._tokens[value] = value, token
                return token
            turn += 1

    def hide(self, text: str, found: list[Span], *, short: bool = False) -> str:
        """The text with the spans, and every other place of their values, replaced.

        With `short` those too that are short, where they are words of their own."""
        sought = [value for value in self.labels if len(value) >= _SOUGHT]
        again = _few(text, sought) if len(sought) <= _FEW else _many(text, sought)
        if short:
            again += _short(text, frozenset(value for value in self.labels if len(value) < _SOUGHT))
        places = [Span(start, start + len(value), self.labels[value], "again") for start, value in again]
        parts, at = [], 0
        for span in merged([*found, *places]):
            value = text[span.start : span.end]
            self.add(value, span.label)
            parts += [text[at : span.start], self._tokens[value]]
            at = span.end
        return "".join([*parts, text[at:]])


def _few(text: str, values: list[str]) -> list[tuple[int, str]]:
    """Where the values stand, each looked for by itself."""
    found = []
    for value in values:
        at = text.find(value)
        while at >= 0:
            found.append((at, value))
            at = text.find(value, at + len(value))
    return found


def _many(text: str, values: list[str]) -> list[tuple[int, str]]:
    """The same in one walk over the text, by the values' first characters."""
    begun: dict[str, set[int]] = {}
    for value in values:
        begun.setdefault(value[:_SOUGHT], set()).add(len(value))
    known = frozenset(values)
    heads = ((at, text[at : at + _SOUGHT]) for at in range(len(text) - _SOUGHT + 1))
    return [
        (at, value)
        for at, head in heads
        if head in begun
        for length in begun[head]
        if (value := text[at : at + length]) in known
    ]


def _short(text: str, values: frozenset[str]) -> list[tuple[int, str]]:
    """Where the values stand as words of their own."""
    if len(values) <= _FEW:
        found = _few(text, list(values))
    else:
        sizes = {len(value) for value in values}
        places = ((at, text[at : at + size]) for at in range(len(text)) for size in sizes)
        found = [(at, value) for at, value in places if value in values]
    return [(at, value) for at, value in found if not _within_a_word(text, at, at + len(value))]


def _within_a_word(text: str, start: int, end: int) -> bool:
    return any(
        len(pair) == 2 and all(char.isalnum() or char == "_" for char in pair)
        for pair in (text[max(0, start - 1) : start + 1], text[end - 1 : end + 1])
    )


def _noted(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """A word about placeholders at the end of the first system message, if there is one."""
    at = next((at for at, message in enumerate(messages) if message.role == "system"), None)
    if at is None:
        return messages
    told = replace(messages[at], content=messages[at].content + NOTE)
    return (*messages[:at], told, *messages[at + 1 :])
