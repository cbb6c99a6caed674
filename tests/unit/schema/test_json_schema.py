import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # has no types

from polychat.schema.json_schema import Rules, problem_of

STRICT = Rules(is_strict=True, may_recurse=False)
ANSWER = Rules(may_recurse=False)
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


def problem(schema: object, rules: Rules = ANSWER) -> str:
    return problem_of(json.dumps(schema).encode(), rules)


def closed(**properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array", "items": True},
        {"$defs": {"city": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/city"}}},
        {"properties": {"a/b": {"type": "string"}, "c": {"$ref": "#/properties/a~1b"}}},
        {"type": ["string", "null"], "pattern": r"^\p{Lu}(?<rest>\w+)\k<rest>[^]$"},
        {"properties": {"type": {"type": "string"}, "enum": {"enum": [1, None]}}},
        {"x-unknown": {"type": "nonsense"}, "default": {"type": 5}},
        {"maxLength": 65536.0, "dependencies": {"a": ["b"], "c": {"type": "object"}}},
    ],
)
def test_schemas_that_clients_send_pass(schema: object) -> None:
    assert problem(schema) == ""


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ([], "[] is not an object"),
        ({"type": "strin"}, "'strin' is not right for 'type'"),
        ({"properties": {"a": {"items": []}}}, "In context=('properties', 'a', 'items'), [] is not of type"),
        ({"anyOf": [{}, {"minLength": -1}]}, "In context=('anyOf', '1'), -1 is not right for 'minLength'"),
        ({"required": ["a", "a"]}, "none of them twice"),
        ({"pattern": "("}, "'pattern' '(' is no regular expression"),
        ({"maxItems": 10**9}, "'maxItems' is 1000000000, more than 1000000"),
        ({"minLength": 10**9}, "'minLength' is 1000000000"),
        ({"enum": list(range(1001))}, "at most 1000 enum values"),
        ({"properties": {str(i): {} for i in range(5001)}}, "at most 5000 object properties"),
        ({"$ref": "https://example.com/a.json"}, "is remote"),
        ({"$ref": "#/$defs/none"}, "leads to no schema"),
        ({"properties": {"a": {"$ref": "#/properties/a/title"}}}, "leads to no schema"),
        ({"$dynamicRef": "#a"}, "no dynamic references"),
        ({"properties": {"a": {"$ref": "#"}}}, "recursive schemas are not supported"),
        ({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, "recursive schemas are not supported"),
        ({"items": {"$ref": "#/items"}}, "In context=('items',), recursive schemas are not supported"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(schema: object, what: str) -> None:
    assert what in problem(schema)


def test_recursion_is_fine_where_it_is_allowed() -> None:
    assert problem({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, Rules()) == ""


def test_the_parameters_of_a_function_are_an_object() -> None:
    of_object = Rules(is_of_object=True)
    assert problem({"type": "object"}, of_object) == ""
    assert problem({"type": "array"}, of_object).endswith("""'type: "object"', got 'type: "array"'""")
    assert "at the top level" in problem({"type": "object", "anyOf": [{}]}, of_object)


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a={"type": ["string", "null"]}, b={"enum": ["x"]}, c={"anyOf": [closed(), {"type": "null"}]}),
        closed(a={"type": "array", "items": closed(b={"type": "integer", "minimum": 0})}),
        closed(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": closed()}},
    ],
)
def test_a_strict_schema_that_keeps_openais_rules_passes(schema: object) -> None:
    assert problem(schema, STRICT) == ""


REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        (
            {"type": "object"},
            "In context=(), 'additionalProperties' is required to be supplied and to be false",
        ),
        (
            closed(a={"type": "object", "properties": {}}),
            "In context=('properties', 'a'), 'additionalProperties'",
        ),
        (closed(a={"type": "string"}) | {"required": []}, f"In context=(), {REQUIRED} Missing 'a'"),
        (closed() | {"required": ["b"]}, "Extra required key 'b'"),
        ({"type": "array"}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'"),
        (closed() | {"anyOf": [closed()]}, "at the top level"),
        (closed(a={"allOf": [{"type": "string"}]}), "'allOf' is not permitted"),
        (closed(a={"type": "array"}), "array schema missing items"),
        (
            closed(a={"description": "anything"}),
            "In context=('properties', 'a'), schema must have a 'type' key",
        ),
    ],
)
def test_a_strict_schema_that_breaks_openais_rules_is_refused_in_openais_words(
    schema: object, what: str
) -> None:
    assert what in problem(schema, STRICT)


def test_nesting_beyond_ten_levels_is_not_strict() -> None:
    schema = closed()
    for _ in range(11):
        schema = closed(a=schema)
    assert "levels of nesting" in problem(schema, STRICT)


# Left out: what engines cannot do though the specification allows it, and forms of identifiers.
ONLY_OURS = {
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "pattern",
    "$anchor",
    "$dynamicAnchor",
    "$recursiveAnchor",
}
NOT_COMPARED = ONLY_OURS | {"$id", "$schema", "$vocabulary"}
VOCABULARIES = (
    "applicator",
    "unevaluated",
    "validation",
    "meta-data",
    "format-annotation",
    "content",
    "core",
)
DEFINED = {
    keyword
    for name in VOCABULARIES
    for keyword in REGISTRY.contents(f"https://json-schema.org/draft/2020-12/meta/{name}")["properties"]
}
COMPARED = sorted(DEFINED - NOT_COMPARED)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.sampled_from([0.5, 2.0, "string", "object", "a", ["string", "null"], ["a", "a"], [{}], {}, [[]]]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(COMPARED), inner, max_size=3),
    max_leaves=8,
)


def is_right_to_the_library(schema: dict[str, Any]) -> bool:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError:
        return False
    return True


SAMPLES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    2,
    1.5,
    "a",
    "string",
    [],
    ["a"],
    ["a", "a"],
    [1],
    [{}],
    {},
    {"a": {}},
    {"a": ["b"]},
)


@pytest.mark.parametrize("keyword", COMPARED)
def test_a_keyword_takes_what_the_reference_library_lets_it_take(keyword: str) -> None:
    for value in SAMPLES:
        assert (problem({keyword: value}, Rules()) == "") == is_right_to_the_library({keyword: value})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(COMPARED), values, max_size=3))
def test_a_schema_is_right_exactly_if_the_reference_library_says_so(schema: dict[str, Any]) -> None:
    assert (problem(schema, Rules()) == "") == is_right_to_the_library(schema)
