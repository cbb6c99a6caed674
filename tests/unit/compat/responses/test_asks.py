"""From a request to the chat request behind it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polychat.compat.responses import asks, items
from polychat.compat.responses.requests import parse
from polychat.errors import RequestError
from polychat.schema.validation import parse_chat
from tests.unit.compat.responses.support import ASKED, KEY, Json

NOTHING = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
TOOL = {"type": "function", "name": "add", "parameters": NOTHING, "strict": True}
OTHER = {"type": "function", "name": "sub"}
CUSTOM = {"type": "custom", "name": "shell", "description": "Runs a command."}


def asked(**fields: Any) -> Json:
    """The chat request for a response request with these fields."""
    document = ASKED | fields
    request = parse(json.dumps(document).encode())
    messages = asks.conversation(request, items.listed(document["input"], KEY))
    body = asks.chat_request(request, messages)
    parse_chat(body)
    decoded: Json = json.loads(body)
    return decoded


def test_a_string_is_what_the_user_said() -> None:
    assert asked() == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_instructions_come_first() -> None:
    assert asked(instructions="Be brief.")["messages"][0] == {"role": "system", "content": "Be brief."}


def test_parameters_get_the_names_that_chat_has_for_them() -> None:
    body = asked(
        temperature=0.3,
        top_p=0.9,
        max_output_tokens=50,
        reasoning={"effort": "low"},
        text={"verbosity": "low"},
        include=["message.output_text.logprobs"],
        top_logprobs=2,
    )
    body.pop("messages")
    assert body == {
        "model": "m",
        "temperature": 0.3,
        "top_p": 0.9,
        "max_completion_tokens": 50,
        "reasoning_effort": "low",
        "verbosity": "low",
        "logprobs": True,
        "top_logprobs": 2,
    }


def test_a_stream_asks_for_the_token_counts() -> None:
    assert asked(stream=True)["stream_options"] == {"include_usage": True}


def test_one_turn_of_the_assistant_is_one_message() -> None:
    said = [
        {"role": "user", "content": "1+1 and 2+2?"},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm"}],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me add."}]},
        {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "2"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "4"}]},
    ]
    user, assistant, first, second = asked(input=said)["messages"]
    assert user["content"] == "1+1 and 2+2?"
    assert (assistant["content"], assistant["reasoning_content"]) == ("Let me add.", "Hm")
    assert [call["id"] for call in assistant["tool_calls"]] == ["a", "b"]
    assert first == {"role": "tool", "tool_call_id": "a", "content": "2"}
    assert second["content"] == "4"


def test_two_answers_in_a_row_stay_two() -> None:
    said = [{"role": "assistant", "content": "One."}, {"role": "assistant", "content": "Two."}]
    assert [message["content"] for message in asked(input=said)["messages"]] == ["One.", "Two."]


def test_images_become_chat_parts() -> None:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
    ]
    assert asked(input=[{"role": "user", "content": parts}])["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
    ]


def test_functions_are_told_as_chat_has_them() -> None:
    body = asked(tools=[TOOL], tool_choice={"type": "function", "name": "add"}, parallel_tool_calls=False)
    function = {"name": "add", "parameters": NOTHING, "strict": True}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "add"}}
    assert body["parallel_tool_calls"] is False


def test_of_allowed_tools_only_those_are_told() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "sub"}]}
    body = asked(tools=[TOOL, OTHER], tool_choice=choice)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["sub"]
    assert body["tool_choice"] == "required"


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    said = [
        {"type": "custom_tool_call", "call_id": "a", "name": "shell", "input": 'echo "x"'},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "x"},
    ]
    body = asked(tools=[CUSTOM], input=said)
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["input"]
    call = body["messages"][0]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"input": 'echo "x"'}


def test_a_json_schema_goes_along() -> None:
    form = {"type": "json_schema", "name": "n", "schema": NOTHING, "strict": True, "description": "d"}
    assert asked(text={"format": form})["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": NOTHING, "strict": True, "description": "d"},
    }


def test_plain_text_asks_for_no_format() -> None:
    assert "response_format" not in asked(text={"format": {"type": "text"}})


def test_every_item_gets_an_id_that_tells_its_response() -> None:
    listed = items.listed([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], KEY)
    assert len({item["id"] for item in listed}) == 2
    assert {items.owner_of(item["id"]) for item in listed} == {items.response_id(KEY)}
    assert items.owner_of(items.output_id("message", KEY, 0)) == items.response_id(KEY)


def test_only_what_looks_like_an_id_is_looked_up() -> None:
    assert items.is_response_id(items.response_id(KEY))
    assert not any(map(items.is_response_id, ("", "resp_", "resp_\0", f"resp_{KEY}\n", f"x{KEY}")))


def test_an_id_of_the_clients_own_stays_and_tells_nothing() -> None:
    (item,) = items.listed([{"id": "mine", "role": "user", "content": "a"}], KEY)
    assert item["id"] == "mine"
    assert items.owner_of("mine") is None


CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}
OUTPUT = {"role": "tool", "tool_call_id": "a", "content": "1"}


def test_the_oldest_go_first_but_instructions_and_the_last_stay() -> None:
    first, *turns = [{"role": "system", "content": "s"}] + [
        {"role": "user", "content": str(n)} for n in range(9)
    ]
    assert asks.shortened([first, *turns]) == [first, *turns[2:]]


def test_a_tools_output_goes_with_its_call() -> None:
    last = {"role": "user", "content": "?"}
    assert asks.shortened([CALL, OUTPUT, OUTPUT, last]) == [last]


def test_what_cannot_be_shortened_is_not() -> None:
    assert asks.shortened([{"role": "user", "content": "long"}]) == []
    assert asks.shortened([{"role": "system", "content": "s"}, {"role": "user", "content": "long"}]) == []


@settings(deadline=None)  # a busy machine is no bug
@given(st.lists(st.sampled_from([CALL, OUTPUT, {"role": "user", "content": "u"}]), max_size=30))
def test_shortening_comes_to_an_end(messages: list[Json]) -> None:
    while messages:
        shorter = asks.shortened(messages)
        assert len(shorter) < len(messages)
        assert not shorter or shorter[0]["role"] != "tool"
        messages = shorter


@pytest.mark.parametrize("given_", ["hi", [{"role": "user", "content": "hi", "type": "message"}]])
def test_messages_are_listed_as_parts(given_: str | list[Json]) -> None:
    (item,) = items.listed(given_, KEY)
    assert item["content"] == [{"type": "input_text", "text": "hi"}]
    assert (item["type"], item["status"]) == ("message", "completed")


texts = st.one_of(st.none(), st.text(max_size=3))
words = st.text(max_size=3)
parts = st.one_of(
    st.builds(
        lambda kind, text: {"type": kind, "text": text}, st.sampled_from(["input_text", "text"]), words
    ),
    st.builds(lambda text: {"type": "refusal", "refusal": text, "text": None}, words),
    st.builds(lambda url: {"type": "input_image", "image_url": url, "detail": None}, words),
)
contents = st.one_of(words, st.lists(parts, max_size=2))


def item(kind: str | None, **needed: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An item of a kind with what it needs, and perhaps with fields that are not its own."""
    others = {"id": texts, "name": texts, "summary": st.one_of(st.none(), st.lists(parts, max_size=1))}
    free = {name: value for name, value in others.items() if name not in needed}
    return st.fixed_dictionaries({"type": st.just(kind), **needed}, optional=free)


odd_items = st.one_of(
    item("message", role=st.sampled_from(["user", "assistant", "system", "developer"]), content=contents),
    item(None, role=st.just("user"), content=contents),
    item("function_call", call_id=words, name=words, arguments=words),
    item("function_call_output", call_id=words, output=contents),
    item("custom_tool_call", call_id=words, name=words, input=words),
    item("reasoning", content=st.one_of(st.none(), contents)),
    item("item_reference", id=words),
)


@settings(deadline=None)  # a busy machine is no bug
@given(st.lists(odd_items, min_size=1, max_size=4))
def test_whatever_the_items_are_they_are_asked_or_refused(given_: list[Json]) -> None:
    try:
        request = parse(json.dumps({"model": "m", "input": given_}).encode())
    except RequestError:
        return
    listed = [one for one in items.listed(given_, KEY) if not items.is_reference(one)]
    assert all(one["id"] for one in listed)
    asks.chat_request(request, asks.conversation(request, listed))
