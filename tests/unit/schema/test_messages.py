import json
from typing import Any

import pytest

from polychat.errors import RequestError
from polychat.schema.allowed_tools import narrowed
from polychat.schema.validation import parse_chat

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f"}}


def calls(*ids: str) -> dict[str, Any]:
    made = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(id_: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id_, "content": "21 °C"}


def parse(messages: list[dict[str, Any]], **fields: Any) -> None:
    parse_chat(json.dumps({"model": "m", "messages": messages} | fields).encode())


@pytest.mark.parametrize(
    "messages",
    [
        [USER, calls("a"), result("a")],
        [USER, calls("a", "b"), result("b"), result("a"), USER],
        [USER, calls("a"), result("a"), calls("b"), result("b"), USER],
    ],
)
def test_tool_calls_that_are_answered_in_any_order_pass(messages: list[dict[str, Any]]) -> None:
    parse(messages)


@pytest.mark.parametrize(
    ("messages", "param", "sentence"),
    [
        ([USER, result("a")], "messages[1].role", "must be a response to a preceding message"),
        ([USER, calls("a"), result("a"), USER, result("a")], "messages[4].role", "preceding message"),
        ([USER, calls("a"), result("z")], "messages[2].tool_call_id", "'z' not found in 'tool_calls'"),
        ([USER, calls("a", "b"), result("a"), USER], "messages[1].tool_calls", "response messages: b"),
        ([USER, calls("a", "b")], "messages[1].tool_calls", "response messages: a, b"),
    ],
)
def test_a_call_without_its_answer_and_an_answer_without_its_call_are_named(
    messages: list[dict[str, Any]], param: str, sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        parse(messages)
    assert caught.value.param == param


NAMED = {"type": "function", "function": {"name": "g"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}


@pytest.mark.parametrize("choice", [NAMED, ALLOWED])
def test_a_choice_of_an_absent_tool_is_named(choice: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="'g', which is not among 'tools'") as caught:
        parse([USER], tools=[TOOL], tool_choice=choice)
    assert caught.value.param == "tool_choice"
    parse([USER], tools=[TOOL, NAMED], tool_choice=choice)


def test_what_needs_tools_is_refused_without_in_openais_words() -> None:
    for name, value in (("tool_choice", "auto"), ("parallel_tool_calls", True)):
        with pytest.raises(RequestError, match=f"'{name}' is only allowed when 'tools' are specified"):
            parse([USER], **{name: value})


@pytest.mark.parametrize("name", ["", "a b", "é", "f" * 65, "f\n", "a.b"])
def test_a_functions_name_is_held_to_the_published_form(name: str) -> None:
    with pytest.raises(RequestError, match="1 to 64 letters, digits, underscores and dashes") as caught:
        parse([USER], tools=[{"type": "function", "function": {"name": name}}])
    assert caught.value.param == "tools[0].function.name"


@pytest.mark.parametrize("parameters", [{"type": "array"}, {"type": "object", "properties": []}, [], 5])
def test_parameters_that_are_no_schema_of_an_object_are_named(parameters: object) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    with pytest.raises(RequestError, match="Invalid schema for function 'f': ") as caught:
        parse([USER], tools=[tool])
    assert caught.value.param == "tools[0].function.parameters"


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}])
def test_a_function_may_have_no_parameters(parameters: object) -> None:
    parse([USER], tools=[{"type": "function", "function": {"name": "f", "parameters": parameters}}])


def test_of_allowed_tools_only_those_are_told_and_all_else_stays() -> None:
    asked = {
        "model": "m",
        "messages": [USER],
        "tools": [TOOL, NAMED],
        "tool_choice": ALLOWED,
        "my_field": 1.0,
    }
    body = json.dumps(asked).encode()
    assert json.loads(narrowed(body, parse_chat(body))) == asked | {"tools": [NAMED], "tool_choice": "auto"}


@pytest.mark.parametrize("choice", [None, "auto", TOOL])
def test_a_body_without_allowed_tools_stays_the_very_same(choice: object) -> None:
    body = json.dumps({"model": "m", "messages": [USER], "tools": [TOOL], "tool_choice": choice}).encode()
    assert narrowed(body, parse_chat(body)) is body


@pytest.mark.parametrize("kind", ["video_url", "audio_url"])
def test_video_and_audio_are_not_fetched(kind: str) -> None:
    part = {"type": kind, kind: {"url": "http://127.0.0.1/a"}}
    with pytest.raises(RequestError, match="must be a data URL") as caught:
        parse([{"role": "user", "content": [part]}])
    assert caught.value.param == f"messages[0].content[0].{kind}.url"
