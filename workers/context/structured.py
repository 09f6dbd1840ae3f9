"""The strings of a JSON Schema, keys among them, each with the name that a value in it stands for.

What a schema says of values (`const`, `enum`, `default`, examples) may be a secret by the name of its
property alone; a pattern or a description is one only by what it looks like.
"""

from collections.abc import Callable
from typing import Any, Final

_VALUES: Final = frozenset({"const", "default", "enum", "example", "examples"})
_BETWEEN: Final = frozenset({"allOf", "anyOf", "oneOf", "items", "prefixItems"})
"""Keywords between a property and what is said of its values."""

Change = Callable[[str, str], str]
"""A string and its name (empty: none), to the string that takes its place."""


def rewritten(value: Any, change: Change, name: str = "", *, given: bool = False) -> Any:
    """The value with each of its strings changed; `given` inside what is a value and no more schema."""
    if isinstance(value, str):
        return change(value, name if given else "")
    if isinstance(value, list):
        return [rewritten(each, change, name, given=given) for each in value]
    if isinstance(value, dict):
        return {
            change(key, ""): rewritten(
                each,
                change,
                name if not given and key in _VALUES | _BETWEEN else key,
                given=given or key in _VALUES,
            )
            for key, each in value.items()
        }
    return value
