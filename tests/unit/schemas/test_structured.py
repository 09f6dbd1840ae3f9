"""Schemas of answers: what is refused before it is read, what fits, and that nothing holds a check up."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.structured import MAX_BYTES, AnswerSchema, fault_of, is_strict, leads_back, misfits

SCHEMA: Any = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^(a+)+$"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "$id": {"type": "integer"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
TAKEN = TypeAdapter[Any](AnswerSchema)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        inner = of(a=inner)
    return inner


def test_a_good_schema_is_taken_and_has_no_fault() -> None:
    assert TAKEN.validate_python(SCHEMA) == SCHEMA
    assert fault_of(SCHEMA) is None
    assert misfits(SCHEMA, {"name": "aa", "tags": ["x", "y"], "$id": 1}) == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "describe an object"),
        (of(a={"enum": ["x" * MAX_BYTES]}), "not be larger"),
        (nested(20), "not be nested deeper"),
        (of(a={"$ref": "https://example.com/x"}), "but to a part of itself"),
        (of(a={"$ref": "#/$defs/none"}), "but to a part of itself"),
        (of(a={"$id": "https://example.com/x", "type": "object"}), "must not use '$id' (in properties.a)"),
        ({"type": "object", "patternProperties": {"(a+)+$": {}}}, "must not use 'patternProperties'"),
    ],
)
def test_a_schema_that_is_too_much_or_leads_elsewhere_is_refused(schema: Any, words: str) -> None:
    with pytest.raises(ValidationError, match="value_error") as raised:
        TAKEN.validate_python(schema)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (of(a={"type": "sting"}), "properties.a.type"),
        ({"type": "object", "required": "a"}, "required"),
        (of(a={"pattern": "(?=a)"}), "properties.a.pattern"),
        (of(a={"pattern": "("}), "properties.a.pattern"),
    ],
)
def test_a_fault_is_told_with_its_place(schema: Any, where: str) -> None:
    assert (fault_of(schema) or "").startswith(f"{where}: ")


def test_what_does_not_fit_is_told_with_its_place() -> None:
    told = misfits(SCHEMA, {"name": "b", "tags": ["x", "x"], "more": 1})
    assert [line.partition(":")[0] for line in told] == ["At the top", "At name", "At tags"]


def test_a_pattern_takes_no_more_time_than_the_text_is_long() -> None:
    assert misfits(SCHEMA, {"name": "a" * 100_000 + "b"})


def test_a_schema_without_end_ends_a_check_and_not_the_process() -> None:
    loop = of(x={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert "without end" in misfits(loop, {"x": 1})[0]
    twice = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(25)}
    bomb = of(x={"$ref": "#/$defs/a0"}) | {"$defs": twice | {"a25": {"type": "string"}}}
    assert TAKEN.validate_python(bomb) == bomb
    assert "too large for this schema" in misfits(bomb, {"x": "y"})[0]


def test_only_a_schema_that_leaves_nothing_open_is_strict() -> None:
    assert not is_strict(SCHEMA)
    assert is_strict(SCHEMA | {"required": ["name", "tags", "$id"]})
    assert not is_strict({"type": "object"})


def test_a_schema_that_contains_itself_is_known() -> None:
    assert leads_back(of(a={"$ref": "#"}))
    assert not leads_back(of(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": {"type": "string"}}})
