"""Foreign text between tags that it cannot close.

The text itself is never changed: where it holds a closing tag of ours, the fence around it takes a name
that does not occur in it. The name depends on the text alone, so equal text gives an equal prompt and
vendors' prefix caches keep working.
"""

import hashlib
import re
from typing import Final

TAGS: Final = (
    "answer", "constraint", "conventions", "criterion", "description", "diff", "error_report", "file",
    "finding", "logs", "manifest", "message", "outline", "problems", "specification", "task",
)  # fmt: skip
_CLOSING: Final = re.compile(r"</\s*(?:" + "|".join(TAGS) + ")", re.IGNORECASE)
_ATTRIBUTE: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def fence(tag: str, content: str, **attributes: object) -> str:
    """The content on lines of its own between the tags; a missing last line end is added."""
    return _fenced(tag, f"\n{content}" if content.endswith("\n") else f"\n{content}\n", attributes)


def inline(tag: str, content: str, **attributes: object) -> str:
    """The content directly between the tags."""
    return _fenced(tag, content, attributes)


def _fenced(tag: str, inner: str, attributes: dict[str, object]) -> str:
    name = tag + _suffix(inner)
    opening = "".join(f' {key}="{str(value).translate(_ATTRIBUTE)}"' for key, value in attributes.items())
    return f"<{name}{opening}>{inner}</{name}>"


def _suffix(inner: str) -> str:
    if not _CLOSING.search(inner):
        return ""
    digest = hashlib.sha256(inner.encode("utf-8", "replace"))
    while (suffix := "-" + digest.hexdigest()[:12]) in inner:
        digest.update(b"again")
    return suffix
