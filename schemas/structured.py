"""JSON that an answer must be: a JSON Schema (2020-12) of bounded size, and whether a value fits it.

Schemas are strangers' data. Nothing is fetched for one, its patterns are matched in linear time, and the
steps of a check are counted, so that no schema can hold a process up. `jsonschema` is loaded with the first
schema, not before.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import SchemaError

MAX_BYTES: Final = 32_768
MAX_DEPTH: Final = 32
MAX_STEPS: Final = 100_000
"""Keywords that one check of a value may apply."""

MOST_MISFITS: Final = 10
_MAPS: Final = ("properties", "$defs", "definitions", "dependentSchemas")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONES: Final = (
    "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_REFUSED: Final = frozenset(
    {"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"}
    | {"patternProperties"}
)
Schema = Mapping[str, Any]


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """What can be said of a schema without reading it as one: its size, its depth, where it leads."""
    if schema.get("type") != "object":
        raise ValueError("must describe an object: its own `type` must be 'object'")
    if len(json.dumps(schema, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ValueError(f"must not be larger than {MAX_BYTES} bytes")
    if _depth(schema) > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    for path, part in _parts(schema):
        where = ".".join(path)
        refused = sorted(_REFUSED & part.keys())
        if refused:
            raise ValueError(f"must not use {refused[0]!r}" + (f" (in {where})" if where else ""))
        if "$ref" in part and not isinstance(_found(schema, part["$ref"]), Mapping):
            raise ValueError(
                f"must have no $ref but to a part of itself, such as '#/$defs/name'; {where or 'it'} has "
                f"{str(part['$ref'])[:100]!r}"
            )
    return schema


AnswerSchema = Annotated[
    dict[str, Any],
    AfterValidator(_bounded),
    Field(description="a JSON Schema (2020-12) of an object: the answer is JSON that fits it, or is refused"),
]


def fault_of(schema: Schema) -> str | None:
    """What is wrong with a schema, beginning with where; None where it is a good one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError as NoSchema

    where = ""
    try:
        Draft202012Validator.check_schema(schema)
        for path, part in _parts(schema):
            where = ".".join((*path, "pattern"))
            if "pattern" in part:
                _matcher(part["pattern"])
    except NoSchema as error:
        where = ".".join(str(each) for each in error.absolute_path)
        return f"{where}: {error.message[:300]}" if where else error.message[:300]
    except _Unmatchable as error:
        return f"{where}: {error}"
    return None


def misfits(schema: Schema, value: object) -> list[str]:
    """Where a value doesn't fit a schema that has no fault, in words for who has to mend it."""
    try:
        found = sorted(_checker()(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    except _TooMuch:
        return [f"The answer can't be checked in {MAX_STEPS} steps: it is too large for this schema."]
    except RecursionError:
        return ["The answer can't be checked: its schema leads back to itself without end."]
    return [
        f"At {'.'.join(str(each) for each in error.absolute_path) or 'the top'}: {error.message[:300]}"
        for error in found[:MOST_MISFITS]
    ]


def is_strict(schema: Schema) -> bool:
    """Whether every object in it names all its properties as required and takes no others.

    Vendors that build answers by a schema take no other kind.
    """
    return all(
        part.get("additionalProperties") is False
        and set(part.get("required") or ()) == set(part.get("properties") or ())
        for _, part in _parts(schema)
        if part.get("type") == "object" or "properties" in part
    )


def keywords(schema: Schema) -> set[str]:
    """Every keyword that it uses, in any of its parts."""
    return {keyword for _, part in _parts(schema) for keyword in part}


def leads_back(schema: Schema) -> bool:
    """Whether a part of it contains itself, as the schema of a tree does."""
    return any(_reaches(schema, part["$ref"], set()) for _, part in _parts(schema) if "$ref" in part)


def _reaches(schema: Schema, pointer: str, seen: set[str]) -> bool:
    if pointer in seen:
        return True
    inner = {part["$ref"] for _, part in _parts(_found(schema, pointer)) if "$ref" in part}
    return any(_reaches(schema, each, seen | {pointer}) for each in inner)


class _TooMuch(Exception):
    pass


class _Unmatchable(Exception):
    pass


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting and deepest <= MAX_DEPTH:
        each, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        waiting.extend((one, depth + 1) for one in inner)
    return deepest


def _parts(schema: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The schema and every schema in it, each with its place; what is only data in it is left out."""
    if not isinstance(schema, Mapping):
        return
    yield path, schema
    for keyword in schema:
        inner = schema[keyword]
        if keyword in _ONES:
            yield from _parts(inner, (*path, keyword))
        elif keyword in _LISTS and isinstance(inner, list):
            for number, each in enumerate(inner):
                yield from _parts(each, (*path, keyword, str(number)))
        elif keyword in _MAPS and isinstance(inner, Mapping):
            for name, each in inner.items():
                yield from _parts(each, (*path, keyword, name))


def _found(schema: object, pointer: object) -> object:
    """What a pointer such as `#/$defs/name` leads to; None where there is nothing."""
    if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
        return None
    for step in pointer.split("/")[1:]:
        if not isinstance(schema, Mapping) or "%" in step:
            return None
        schema = schema.get(step.replace("~1", "/").replace("~0", "~"))
    return schema


@lru_cache(maxsize=16)
def _matcher(pattern: str) -> TypeAdapter[str]:
    """The pattern by Rust's engine, that needs no more time than the text is long."""
    try:
        return TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except SchemaError as error:
        message = f"{pattern[:100]!r} can't be used: it must do without look-around and back-references"
        raise _Unmatchable(message) from error


def _pattern(_: Any, pattern: str, value: object, __: Schema) -> Iterator[Any]:
    from jsonschema import ValidationError as Misfit

    if isinstance(value, str):
        try:
            _matcher(pattern).validate_python(value)
        except ValidationError:
            yield Misfit(f"{value[:100]!r} does not match {pattern!r}")


def _unique_items(_: Any, wanted: bool, value: object, __: Schema) -> Iterator[Any]:
    from jsonschema import ValidationError as Misfit

    if wanted and isinstance(value, list):
        seen = {json.dumps(each, sort_keys=True) for each in value}
        if len(seen) < len(value):
            yield Misfit("has items that are the same")


@cache
def _keywords() -> dict[str, Callable[..., Any]]:
    from jsonschema import Draft202012Validator

    return {**Draft202012Validator.VALIDATORS, "pattern": _pattern, "uniqueItems": _unique_items}


def _checker() -> Callable[[Schema], Any]:
    """A validator of jsonschema's that gives up after so many steps, and fetches nothing."""
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    left = MAX_STEPS

    def counted(check: Callable[..., Any]) -> Callable[..., Any]:
        def checked(validator: Any, wanted: Any, value: Any, schema: Schema) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise _TooMuch
            return check(validator, wanted, value, schema)

        return checked

    kind = validators.extend(
        Draft202012Validator, {keyword: counted(check) for keyword, check in _keywords().items()}
    )
    return lambda schema: kind(schema, registry=Registry())
