"""The text that a grammar leaves the model becomes the call that the client demanded."""

import json
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines.forced_call import CallReader, format_of
from polychat.engines.llamacpp.schemas import compilable
from polychat.schema.tools import FunctionTool

ARGUMENTS = '{"a": "}{\\"", "b": {"c": []}}'
TEXT = '{ "name": "f",\n "arguments": ' + ARGUMENTS + " }"


def read(pieces: list[str]) -> list[dict[str, object]]:
    reader = CallReader()
    return [call for piece in pieces for call in reader.feed(piece)]


def arguments_of(calls: list[dict[str, object]]) -> str:
    return "".join(json.loads(json.dumps(call))["function"]["arguments"] for call in calls)


@given(cuts=st.lists(st.integers(0, len(TEXT))))
def test_however_the_text_is_cut_the_arguments_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    calls = read([TEXT[start:end] for start, end in pairwise(places)])
    assert arguments_of(calls) == ARGUMENTS
    assert json.loads(json.dumps(calls[0]))["function"]["name"] == "f"
    assert all("id" not in call for call in calls[1:])


def test_a_text_cut_before_its_arguments_is_no_call() -> None:
    assert read(['{"name": "f", "argum']) == []


def test_references_within_parameters_lead_to_where_these_are_now() -> None:
    parameters = b'{"type":"object","properties":{"p":{"$ref":"#/$defs/q"}},"$defs":{"q":{"type":"null"}}}'
    function = FunctionTool(name="f", parameters=msgspec.Raw(parameters))
    schema = json.loads(json.dumps(format_of([function], compilable)))["json_schema"]["schema"]
    assert schema["anyOf"][0]["properties"]["arguments"] == {"$ref": "#/$defs/tool0"}
    assert schema["$defs"]["tool0"]["properties"]["p"] == {"$ref": "#/$defs/tool0/$defs/q"}


def test_a_function_without_parameters_is_called_with_none() -> None:
    schema = json.loads(json.dumps(format_of([FunctionTool(name="now")], compilable)))["json_schema"][
        "schema"
    ]
    assert schema["$defs"]["tool0"]["properties"] == {}
