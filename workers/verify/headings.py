"""The line above a block: which path it names, however it is dressed up."""

import html
import re
from collections.abc import Iterator, Set
from typing import Final

_LONGEST: Final = 600
_FENCE: Final = re.compile(r"\s{0,8}(?:`{3,}|~{3,})[\w.+#-]*\s*")
_LEAD: Final = re.compile(r"(?:#{1,6}\s+|[-*+]\s+|\d{1,3}[.)]\s+)")
_LABEL: Final = re.compile(r"(?:file|filename|path)\s?:\s?", re.IGNORECASE)
_NAMED_FENCE: Final = re.compile(r" {0,3}(?:`{3,}|~{3,})([^\s`]*)(?:[ \t]+([^\s`]+))?[ \t]*")
_ATTRIBUTE: Final = re.compile(r"^\{?(?:title|file|filename|path|name)=", re.IGNORECASE)
_NO_SUFFIX: Final = (".net", ".")
_WRAPPERS: Final = ("**", "__", "`", '"', "'")


def is_fence(line: str) -> bool:
    """Whether a line opens or closes a fenced block."""
    return len(line) <= _LONGEST and _FENCE.fullmatch(line) is not None


def path_in(line: str, known: Set[str], *, adjacent: bool) -> str | None:
    """The path a line consists of; a bare word that could be prose needs to stand right above the block."""
    if len(line) > _LONGEST:
        return None
    if line in known:
        return line
    forms = list(_undressed(line))
    for form in forms:
        for path in (form, html.unescape(form), form.removeprefix("./")):
            if path in known:
                return path
    plain = html.unescape(forms[-1]).removeprefix("./")
    wrapped = f"`{forms[-1]}`" in line
    return plain if plain and _path_like(plain, wrapped=wrapped, word=adjacent and ":" not in line) else None


def _undressed(line: str) -> Iterator[str]:
    """The line with one layer of dress after the other taken off."""
    text = line.strip()
    yield text
    text = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
    before = None
    while text != before:
        before = text
        text = text.removesuffix(":").strip()
        text = _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
        for wrapper in _WRAPPERS:
            if len(text) > 2 * len(wrapper) and text.startswith(wrapper) and text.endswith(wrapper):
                text = text[len(wrapper) : -len(wrapper)].strip()
        yield text


def _path_like(text: str, *, wrapped: bool, word: bool) -> bool:
    if any(char in text for char in "<>`*|\n") or text.endswith("."):
        return False
    if any(char.isspace() for char in text):
        return wrapped
    return wrapped or "/" in text or "\\" in text or "." in text or word


def fence_path(line: str, known: Set[str]) -> str | None:
    """The path that a fence's own line names: ```` ```python src/app.py ````, with or without `title=`."""
    match = _NAMED_FENCE.fullmatch(line) if len(line) <= _LONGEST else None
    if match is None:
        return None
    for word in (match[2], match[1]):
        name = _ATTRIBUTE.sub("", word or "").strip("\"'`{}")
        name = name.rpartition(":")[2] if word == match[1] else name
        named = "." in name[1:] and not name.lower().endswith(_NO_SUFFIX)
        if name in known or (named and _path_like(name, wrapped=False, word=False)):
            return name.removeprefix("./")
    return None
