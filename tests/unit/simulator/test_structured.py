"""Structured answers fit the schema they were asked for, and come to an end."""

import json
from typing import Any

import pytest

from orchestrator.simulator import structured
from orchestrator.simulator.wire import Refused

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "children"],
        }
    },
}
ENDLESS = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"$ref": "#/$defs/node"}},
            "required": ["next"],
        }
    },
}


def example(schema: Any) -> Any:
    return json.loads(structured.example(schema, "an answer"))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {"answer": "an answer"}),
        ({"type": "string"}, "an answer"),
        ({"type": "string", "maxLength": 2}, "an"),
        ({"type": "string", "minLength": 11}, "an answer.."),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "exclusiveMinimum": 1}, 2),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, {"a": "an answer"}),
    ],
)
def test_a_value_is_made_from_the_schema_alone(schema: Any, value: Any) -> None:
    assert example(schema) == value
    assert example(schema) == value


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    node, depth = example(TREE), 0
    while node["children"]:
        (node,) = node["children"]
        depth += 1
    assert 0 < depth < 20


@pytest.mark.parametrize("schema", [ENDLESS, {"type": "array", "minItems": "many"}, {"anyOf": 3}])
def test_a_schema_that_nothing_fits_is_refused(schema: Any) -> None:
    with pytest.raises(Refused, match="Invalid schema"):
        structured.example(schema, "an answer")
