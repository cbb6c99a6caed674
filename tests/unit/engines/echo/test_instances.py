from typing import Any

import jsonschema
import pytest

from polychat.engines.echo.instances import instance
from polychat.errors import RequestError

NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
    "additionalProperties": False,
}
SCHEMAS: list[tuple[Any, Any]] = [
    ({"type": "string"}, ""),
    ({"type": "string", "minLength": 3}, "aaa"),
    ({"type": "string", "format": "date"}, "2000-01-01"),
    ({"enum": ["red", "green"]}, "red"),
    ({"const": 7}, 7),
    ({"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, 10),
    ({"type": "number", "maximum": -2}, -2),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
    ({"type": ["null", "string"]}, None),
    ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
    ({"allOf": [{"properties": {"a": {"type": "null"}}}, {"required": ["a"]}]}, {"a": None}),
    ({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, {"value": 0, "next": None}),
    (True, {}),
]


@pytest.mark.parametrize(("schema", "smallest"), SCHEMAS)
def test_the_smallest_instance_fits(schema: Any, smallest: object) -> None:
    made = instance(schema, param="tools")
    assert made == smallest
    jsonschema.validate(made, schema)


def test_what_is_given_is_kept_where_it_fits() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["b"],
    }
    assert instance(schema, {"a": "x", "b": "no", "c": 1}, param="tools") == {"a": "x", "b": 0}
    assert instance(schema, {"a": "x", "b": 1, "c": 1}, param="tools") == {"a": "x", "b": 1, "c": 1}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#/$defs/absent"},
        {"$ref": "#"},
        {
            "$ref": "#/$defs/node",
            "$defs": {"node": NODE | {"properties": {"next": {"$ref": "#/$defs/node"}}}},
        },
    ],
)
def test_a_bad_or_endless_schema_is_refused(schema: Any) -> None:
    with pytest.raises(RequestError) as caught:
        instance(schema, param="response_format")
    assert caught.value.param == "response_format"
