"""A JSON value that fits a schema, for callers that ask for structured output.

Deterministic and made from the schema alone; a text field carries the scripted answer, so that it still
says that it is simulated. Keywords beyond those of structured output (`pattern`, `format` …) are not read.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from orchestrator.simulator.wire import Cause, Refusal, Refused

_DEEPEST: Final = 8
"""Below this only what is required is filled in, so that a schema that contains itself comes to an end."""
_BOTTOM: Final = 3 * _DEEPEST
_MOST_TEXT: Final = 400
_MOST: Final = 10_000


def example(schema: Mapping[str, Any], text: str) -> str:
    """A value of the schema as JSON; an empty schema gives an object with the text. Raises Refused."""
    try:
        value = {"answer": text} if not schema else _Example(schema, text).of(schema, 0)
        return orjson.dumps(value).decode()
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise Refused(Refusal(Cause.INVALID_VALUE, f"Invalid schema: {error}", "schema")) from None


class _Example:
    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text[:_MOST_TEXT]

    def of(self, given: Any, depth: int) -> Any:
        """A value of this part of the schema."""
        if depth > _BOTTOM:
            raise ValueError("it requires itself without end")
        schema = self._resolved(given)
        for fixed in ("const", "default"):
            if fixed in schema:
                return schema[fixed]
        if schema.get("enum"):
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf", "allOf"):
            if schema.get(choice):
                return self.of(self._simplest(schema[choice], depth), depth)
        return self._of_type(_type(schema), schema, depth)

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return self._string(schema)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or ()
        wanted = [name for name in properties if depth < _DEEPEST or name in required]
        return {name: self.of(properties[name], depth + 1) for name in wanted}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        fewest = min(_MOST, int(schema.get("minItems") or 0))
        count = max(fewest, 0 if depth >= _DEEPEST else 1)
        most = schema.get("maxItems")
        count = count if most is None else min(count, int(most))
        return [self.of(schema.get("items") or {}, depth + 1) for _ in range(count)]

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = self._text.ljust(min(_MOST, int(schema.get("minLength") or 0)), ".")
        most = schema.get("maxLength")
        return text if most is None else text[: int(most)]

    def _simplest(self, choices: list[Any], depth: int) -> Any:
        """The first choice; deep down the one that goes no deeper."""
        if depth < _DEEPEST:
            return choices[0]
        flat = (choice for choice in choices if _type(self._resolved(choice)) not in ("object", "array"))
        return next(flat, choices[0])

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        """The schema that a local reference leads to; anything that is no schema allows everything."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                return schema
            schema = self._root
            for part in filter(None, reference.removeprefix("#").split("/")):
                schema = schema.get(part) if isinstance(schema, Mapping) else None
        return {}


def _type(schema: Mapping[str, Any]) -> str:
    """The first type named; Google writes them in capitals."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    return "object" if "properties" in schema else "string"


def _number(schema: Mapping[str, Any], *, whole: bool) -> int | float:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    value: int | float = 1
    if lowest is not None:
        value = max(value, lowest)
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value = schema["exclusiveMinimum"] + 1
    if highest is not None:
        value = min(value, highest)
    return int(value) if whole else value
