"""Paths as git writes them in diffs: plain, or in C-style quotes with octal escapes of UTF-8 bytes."""

import re
from typing import Final

_ESCAPES: Final = {
    7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\",
}  # fmt: skip
_BYTES: Final = {escape[1]: byte for byte, escape in _ESCAPES.items()}
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)


def quoted(path: str) -> str:
    """A path for a diff header; quoted where git would, and where a trailing space could get lost."""
    data = path.encode()
    plain = all(32 <= byte < 127 and byte not in _ESCAPES for byte in data)
    if plain and not path.endswith(" "):
        return path
    return '"' + "".join(map(_escape, data)) + '"'


def unquoted(text: str) -> tuple[str, str] | None:
    """The path that a text begins with in quotes, and what follows it; None if it doesn't so begin."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    data = _ESCAPED.sub(_byte, match[1].encode("utf-8", "replace"))
    return data.decode("utf-8", "replace"), text[match.end() :]


def _escape(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _byte(match: re.Match[bytes]) -> bytes:
    escape = match[1].decode("latin-1")
    if escape[0] in "01234567":
        return bytes([int(escape, 8) & 255])
    return bytes([_BYTES.get(escape, ord(escape))])
