"""Tagged text out of a model's answer, leniently: attributes in either quotes, a missing end tolerated.

Every search is linear in the text, whatever the text is.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ATTRIBUTE: Final = re.compile(
    r"""\s{0,200}([A-Za-z_]{1,40})\s{0,20}=\s{0,20}(?:"([^"\n]{0,2000})"|'([^'\n]{0,2000})'|([^\s"'<>]{1,200}))"""
)
_END: Final = re.compile(r"\s{0,200}/?>")


@dataclass(frozen=True)
class Element:
    """One element: its attributes, its text, and where it stands (start, end)."""

    attributes: Mapping[str, str]
    text: str
    start: int
    end: int


def elements(text: str, tag: str, most: int) -> Iterator[Element]:
    """The first elements of a name, in order. Each ends at its closing tag or where the next begins."""
    openings = re.finditer(rf"<{tag}(?=[\s>])", text)
    opening = next(openings, None)
    while opening is not None and most > 0:
        following = next(openings, None)
        limit = following.start() if following else len(text)
        element = _element(text, tag, opening, limit)
        if element is not None:
            most -= 1
            yield element
        opening = following


def first(text: str, tag: str) -> Element | None:
    """The first element of a name; what it holds may look like another one of that name."""
    found = (_element(text, tag, opening, len(text)) for opening in re.finditer(rf"<{tag}(?=[\s>])", text))
    return next((element for element in found if element is not None), None)


def _element(text: str, tag: str, opening: re.Match[str], limit: int) -> Element | None:
    attributes: dict[str, str] = {}
    at = opening.end()
    while attribute := _ATTRIBUTE.match(text, at, limit):
        value = attribute[2] or attribute[3] or attribute[4] or ""
        attributes.setdefault(attribute[1].lower(), html.unescape(value).strip())
        at = attribute.end()
    end = _END.match(text, at, limit)
    if end is None:
        return None
    inner, after = _closed(text, tag, end.end(), limit)
    return Element(attributes, inner, opening.start(), after)


def _closed(text: str, tag: str, start: int, limit: int) -> tuple[str, int]:
    """The text up to the closing tag: where text begins on a line of its own, so does that tag."""
    closing = f"</{tag}>"
    own_line = text.startswith("\n", start)
    at = text.find("\n" + closing, start, limit) if own_line else -1
    if at >= 0:
        return text[start + 1 : max(at, start + 1)], at + 1 + len(closing)
    at = text.find(closing, start, limit)
    stop = at if at >= 0 else limit
    return text[start + own_line : stop], stop + len(closing) if at >= 0 else limit
