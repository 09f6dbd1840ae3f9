"""Code wrapped in JSON: recognised, so that it is refused by name and never passes for prose.

It is not unwrapped: what an escape meant in a string of code is a guess, and code in JSON is worse code.
"""

import re
from typing import Final

_WHERE: Final = re.compile(r'"(?:path|file|filename|file_path|filePath)"\s{0,20}:')
_WHAT: Final = re.compile(
    r'"(?:code|content|contents|new_content|new_code|patch|diff|replace|replacement)"\s{0,20}:'
)
_STARTS: Final = ("{", "[", '"', "}", "]")
FORM: Final = "The answer holds code in JSON, which is not read. Write code as it is, in edit blocks."


def wraps_code(prose: list[str]) -> bool:
    """Whether the lines hold an object that names a file and carries its code."""
    told = [line for line in prose if line.lstrip().startswith(_STARTS)]
    return any(map(_WHERE.search, told)) and any(map(_WHAT.search, told))


def is_wrapped(answer: str) -> bool:
    """Whether an answer without a block is JSON that carries text of several lines, or names files."""
    text = answer.strip().strip("`").removeprefix("json").strip()
    carries = "\\n" in text or bool(_WHAT.search(text) or _WHERE.search(text))
    return text[:1] in ("{", "[") and text[-1:] in ("}", "]") and '"' in text and carries
