"""Where a text holds what must not leave: secrets by the rules of `patterns.toml`, assignments, private keys.

A rule costs nothing where none of its words occurs, and a span never reaches over a line's end, so that
lines keep their numbers. Time is linear in the text.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise
from typing import Any, Final

from workers.context.personal import personal

SECRET: Final = "SECRET"
PLACEHOLDER: Final = re.compile(r"HIDDEN_[A-Z]{2,10}_[0-9a-f]{12}")
"""What stands for a hidden value; one is never hidden itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line that is to be hidden; `rule` names what found it."""

    start: int
    end: int
    label: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """`near`: its words are looked for in any case; `back`: how far before the word the pattern may begin."""

    name: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    near: bool
    back: int
    random: bool
    real: bool

    @property
    def group(self) -> str | int:
        """What of a match is hidden."""
        return "s" if "s" in self.pattern.groupindex else 0


def sensitive(text: str) -> list[Span]:
    """What is to be hidden in a text, in no order; spans may overlap."""
    lowered = in_small_letters(text)
    found = [span for word, rule in _FIND if word in text for span in _of_rule(rule, word, text, text)]
    found += [span for word, rule in _NEAR if word in lowered for span in _of_rule(rule, word, text, lowered)]
    found += _assigned(text, lowered)
    found += _private_keys(text)
    found += [Span(*each, rule=each[2].lower()) for each in personal(text)]
    if "HIDDEN_" in text:
        found = [span for span in found if not PLACEHOLDER.search(text, span.start, span.end)]
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """In their order; those that overlap are one, named by the first."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = replace(last, end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged


# An assignment from the name on: the rest of the name, what closes it, a type, the sign, an opening quote.
_SIGN: Final = r"""[\w.-]{0,30}["'`\])]{0,2}[ \t]{0,4}(?::[ \t]?[\w\[\]|. ]{1,30}=|:=|=>|=|:)[ \t]{0,4}"""
_NEAR_SIGN: Final = r"""[\w. -]{0,30}["'`\])]{0,2}[ \t]{0,4}(?::=|=>|=|:|,)[ \t]{0,4}["'`]?"""


def _rule(given: dict[str, Any]) -> _Rule:
    near = tuple(given.get("near", ()))
    words = "|".join(map(re.escape, near))
    pattern = f"(?i:{words}){_NEAR_SIGN}(?P<s>{given['value']})" if near else given["pattern"]
    return _Rule(
        name=given["name"],
        words=near or tuple(given["find"]),
        pattern=re.compile(pattern + "(?![A-Za-z0-9])"),
        near=bool(near),
        back=given.get("back", 0),
        random=given.get("random", False),
        real=given.get("real", False),
    )


_FILE: Final = resources.files("workers.context").joinpath("patterns.toml")
_RULES: Final = tuple(_rule(given) for given in tomllib.loads(_FILE.read_text("utf-8"))["rule"])
_FIND: Final = tuple((word, rule) for rule in _RULES if not rule.near for word in rule.words)
_NEAR: Final = tuple((word, rule) for rule in _RULES if rule.near for word in rule.words)
NAMES: Final = tuple(rule.name for rule in _RULES)
"""The rules of `patterns.toml`, by name."""


def _of_rule(rule: _Rule, word: str, text: str, searched: str) -> Iterator[Span]:
    at = searched.find(word)
    while at >= 0:
        match = _begun(rule, text, at)
        if match is not None:
            start, end = match.span(rule.group)
            value = text[start:end]
            if not (rule.random and not _random(value)) and not (rule.real and not _real(value)):
                yield Span(start, end, SECRET, rule.name)
        at = searched.find(word, at + 1 if match is None else max(at + 1, match.end()))


def _begun(rule: _Rule, text: str, at: int) -> re.Match[str] | None:
    """The rule's match around a word; one that begins within another word is none."""
    for start in range(at, max(-1, at - rule.back - 1), -1):
        if (rule.near or rule.pattern.groupindex or _opens(text, start)) and (
            match := rule.pattern.match(text, start)
        ):
            return match
    return None


def _opens(text: str, at: int) -> bool:
    """Whether a word may begin here: `\\n` written out in a string is no letter."""
    before = text[at - 1 : at]
    return not (before.isalnum() or before == "_") or (before in "nrt" and text[at - 2 : at - 1] == "\\")


_NAMED: Final = (
    "passw", "passphrase", "pwd", "secret", "token", "api_key", "apikey", "api-key", "private_key",
    "access_key", "auth_key", "signing_key", "encryption_key", "credential",
)  # fmt: skip
_ASSIGNED: Final = re.compile(
    _SIGN + r"""(?:[rbfuRBFU]{0,2}(?P<q>["'`])(?P<s>(?:[^"'`\s\\]|\\["'`\\]){8,200})(?P=q)"""
    r"""|(?P<bare>[^\s"'`\\$<>(){}\[\],;]{8,200})[ \t]*$)""",
    re.MULTILINE,
)
_OF_PEOPLE: Final = ("passw", "passphrase", "pwd")
_HASHED: Final = re.compile(r"(?:sha\d{1,3}|md5|\$2[aby]\$|pbkdf2)[:_$-]", re.IGNORECASE)


def _assigned(text: str, lowered: str) -> Iterator[Span]:
    """Values of names such as `password` and `api_key` that look as if nobody had thought of them."""
    for word in _NAMED:
        at = -1
        while (at := lowered.find(word, at + 1)) >= 0:
            match = _ASSIGNED.match(text, at + len(word))
            if match is None or PLACEHOLDER.match(text, at - len("HIDDEN_")):
                continue
            start, end = match.span("s" if match["s"] is not None else "bare")
            value = text[start:end]
            chosen = word in _OF_PEOPLE and (_chosen(value) if match["s"] is not None else _signed(value))
            if _real(value) and not _HASHED.match(value) and (chosen or _random(value)):
                yield Span(start, end, SECRET, "assignment")


_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE: Final = re.compile(r"\\[nr]|[A-Za-z0-9+/=]{16,}")
_LONGEST_KEY: Final = 20_000


def _private_keys(text: str) -> Iterator[Span]:
    """The lines of private keys, each by itself; a key that is cut short too."""
    at = 0
    while begin := _KEY_BEGINS.search(text, at):
        end = text.find("-----", begin.end(), begin.end() + _LONGEST_KEY)
        at = end if end >= 0 else min(len(text), begin.end() + _LONGEST_KEY)
        for line in _KEY_LINE.finditer(text, begin.end(), at):
            if not line[0].startswith("\\"):
                yield Span(*line.span(), SECRET, "private-key")


_TEMPLATE: Final = re.compile(r"\$\{|\{\{|\{[\w.!:]*\}|%\(|%[sdr]|\$\(|^\$\w+$|<[^<>]*>|\*\*\*|\.\.\.|…")
_DUMMY: Final = re.compile(
    r"(?:your|my|the|some|a|test|dummy|fake|example|sample|change|insert|replace|enter|redacted|none|null|"
    r"undefined|true|false|pass(?:word|wd)?|pwd|pw|secret|token|user(?:name)?|admin|root|guest|tiger|foo|bar|"
    r"key|api|here|me|this|it|x|localhost|placeholder|default|[-_. ])+\d{0,4}",
    re.IGNORECASE,
)
"""No text is made of these words in two ways: a word like `xx` beside `x` would take exponential time."""
_WORDS: Final = re.compile(r"[A-Za-z]+\d{0,2}(?:[_.:/@ -]+[A-Za-z]+\d{0,2})*[_.:/-]*")
_PATH: Final = re.compile(r"[./~]|[A-Za-z][\w+.-]*://")


def _real(value: str) -> bool:
    """Whether a value may be a secret at all, and no template, path or word that stands for one."""
    return not (_TEMPLATE.search(value) or _DUMMY.fullmatch(value) or _PATH.match(value))


def _random(value: str) -> bool:
    """Whether a value looks drawn by lot: letters and digits, no words, many different characters."""
    if not any(map(str.isdigit, value)):
        turns = sum(one.islower() != two.islower() for one, two in pairwise(value))
        return len(value) >= 16 and turns > len(value) / 3 and _entropy(value) >= 3.5
    letters = any(map(str.isalpha, value))
    return letters and not _WORDS.fullmatch(value) and _entropy(value) >= 3.0


def _chosen(value: str) -> bool:
    """Whether a value looks like a password that a person chose: more than letters."""
    kinds = (str.isdigit, str.isalpha, lambda char: not (char.isalnum() or char in "_-./: "))
    return sum(any(map(kind, value)) for kind in kinds) >= 2 and _entropy(value) >= 2.5


def _signed(value: str) -> bool:
    """The same where nothing tells a value from code: letters, digits and a sign that joins no operands."""
    kinds = (str.isdigit, str.isalpha, lambda char: char in "!#$%?~")
    return all(any(map(kind, value)) for kind in kinds) and _entropy(value) >= 2.5


def _entropy(value: str) -> float:
    """Bits a character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def in_small_letters(text: str) -> str:
    """In small letters, each at its place: some letters beyond ASCII become two."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(_ASCII_LOWER)
