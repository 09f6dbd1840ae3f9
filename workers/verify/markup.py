"""Prose without markup that acts, links to code or loads anything where it is rendered as Markdown or HTML.

Code in it stays as it is, as far as every reader of Markdown takes it for code: fences at the beginning of a
line, and spans within one. Where that can't be told (fences in lists and quotes, raw HTML around them), the
text is taken for prose: what is spared wrongly acts, what is disarmed wrongly is only shown otherwise.
"""

import re
from typing import Final

_FENCE: Final = re.compile(r"(`{3,})[^`]*|(~{3,}).*")
_FENCE_LIKE: Final = re.compile(r"[\s>*+\-\d.)]*(?:```|~~~)")
_TICKS: Final = re.compile(r"`+|\n")
_RAW: Final = re.compile(r"<(?!(?:https?://|mailto:)[^\s<>]*>)[a-z!?/]", re.IGNORECASE)

_ELEMENT: Final = re.compile(
    r"<(?=/?(?:script|iframe|object|embed|applet|form|meta|link|base|style|svg|math|frame|frameset|portal"
    r"|template|textarea|title|noscript|plaintext|xmp)\b|[!?])",
    re.IGNORECASE,
)
_HANDLER: Final = re.compile(r"\bon[a-z]{3,30}\s*=", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?=[a-z])", re.IGNORECASE)
_PLAIN_LINK: Final = re.compile(
    r"<a\s+href\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=`]+)\s*>", re.IGNORECASE
)
_SCHEME: Final = (
    r"(?:j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|vbscript|data(?=:(?!image/(?:png|jpe?g|gif|webp)[;,])))\s*:"
)
# Possessive, as one run of spaces between two other things would else be tried in every division.
_TARGET: Final = r"(?:\]\(|\]:)\s*+<?"
_ATTRIBUTE: Final = r"\b(?:href|src|action)\s*+=\s*+[\"']?"
_LINK: Final = re.compile(rf"({_TARGET}|<|{_ATTRIBUTE})\s*+{_SCHEME}", re.IGNORECASE)
_VEILED: Final = re.compile(
    rf"((?:{_TARGET}|<)(?=\s*+[^\s/?#)>\"']{{0,120}}?[&\\\x00-\x08])|{_ATTRIBUTE}(?=[^/?#>\"']{{0,120}}?[&\\]))",
    re.IGNORECASE,
)
"""An entity, an escape or a control character where a scheme would stand: readers of links undo them."""
_IMAGE: Final = re.compile(r"!(?=\[)")
_LEADS: Final = re.compile(r"\]\s*[(\[:]")
_IMG: Final = re.compile(r"<(?=img\b)", re.IGNORECASE)


def disarmed(text: str) -> str:
    """The text, of which nothing but its code stays as it is where it acts."""
    parts = _split(text)
    if any(_RAW.search(part) for part in parts[::2]):
        # Within raw HTML neither fences nor backticks mean anything.
        parts = [text]
    leads = any(_LEADS.search(part) for part in parts[::2])
    handles = any(_HANDLER.search(part) for part in parts[::2])
    return "".join(
        part if at % 2 else _prose(part, leads=leads, handles=handles) for at, part in enumerate(parts)
    )


def _prose(text: str, *, leads: bool, handles: bool) -> str:
    text = _LINK.sub(lambda match: f"{match[1]}#unsafe-", text)
    text = _VEILED.sub(lambda match: f"{match[1]}#unsafe-", text)
    text = _IMG.sub("&lt;", _ELEMENT.sub("&lt;", text))
    text = _TAG.sub("&lt;", text) if handles else _without_values(text)
    return _IMAGE.sub("", text) if leads else text


def _without_values(text: str) -> str:
    """The text in which only a link's element has attributes with values: others may load what they name."""
    closes = equals = -1
    found, at = list[str](), 0
    for tag in _RAW.finditer(text):
        start = tag.start()
        closes = closes if closes > start else _next(">", text, start)
        equals = equals if equals > start else _next("=", text, start)
        if equals < closes and not _PLAIN_LINK.match(text, start):
            found += [text[at:start], "&lt;"]
            at = start + 1
    return "".join([*found, text[at:]])


def _next(sign: str, text: str, start: int) -> int:
    """Where the sign stands next; the end of the text where it doesn't."""
    place = text.find(sign, start)
    return place if place >= 0 else len(text)


def _split(text: str) -> list[str]:
    """Prose and code in turns, prose first."""
    parts, prose, code, fence = list[str](), list[str](), list[str](), ""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        bare = line.rstrip()
        if fence:
            code.append(line)
            if len(bare) >= len(fence) and set(bare) == {fence[0]}:
                parts += ["".join(prose), "".join(code)]
                prose, code, fence = [], [], ""
        elif (opening := _FENCE.fullmatch(bare)) is not None:
            fence, code = opening[1] or opening[2], [line]
        elif _FENCE_LIKE.match(line):
            return [
                *_spans(parts),
                *_inline("".join(prose))[:-1],
                _inline("".join(prose))[-1] + "".join(lines[at:]),
            ]
        else:
            prose.append(line)
    # A fence that nothing closes is prose to whoever closes it otherwise.
    return [*_spans(parts), *_inline("".join(prose) + "".join(code))]


def _spans(parts: list[str]) -> list[str]:
    """The same with the code spans of the prose as parts of their own."""
    found: list[str] = []
    for at, part in enumerate(parts):
        found += [part] if at % 2 else _inline(part)
    return found


def _inline(prose: str) -> list[str]:
    found, at = list[str](), 0
    for start, end in reversed(_closed(prose)):
        if start >= at:
            found += [prose[at:start], prose[start:end]]
            at = end
    return [*found, prose[at:]]


def _closed(prose: str) -> list[tuple[int, int]]:
    """Where code may begin and ends then, the last first: as many backticks on both sides, on one line."""
    found, ends = list[tuple[int, int]](), dict[int, int]()
    for ticks in reversed(list(_TICKS.finditer(prose))):
        if ticks[0] == "\n":
            ends.clear()
            continue
        end = ends.get(len(ticks[0]))
        if end is not None and not prose.startswith("\\", ticks.start() - 1 if ticks.start() else 0):
            found.append((ticks.start(), end))
        ends[len(ticks[0])] = ticks.end()
    return found
