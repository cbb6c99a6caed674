"""Chats on llama.cpp with the built-in model: each feature of the published API, streamed and not."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from polychat.engines.llamacpp.collect import chat_of
from polychat.errors import ContextLengthExceeded, RequestError
from tests.support.llamacpp_api import Api, builtin_api

Document = dict[str, Any]
USER: Document = {"role": "user", "content": "hi"}
BEGUN: Document = {"role": "assistant", "content": "Hello! How"}
CITY: Document = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
TREE: Document = {
    "type": "object",
    "properties": {"p": {"$ref": "#/$defs/p"}},
    "required": ["p"],
    "$defs": {"p": POINT},
}
ASK = "What is the weather in Oslo?"


def tool(name: str, **fields: object) -> Document:
    return {"type": "function", "function": {"name": name, "description": f"Call {name}"} | fields}


def named(name: str) -> Document:
    return {"type": "function", "function": {"name": name}}


def schema_format(schema: object) -> Document:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def only(schema: object) -> Document:
    return {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}


WEATHER, TREES, NOW = tool("get_weather", parameters=CITY), tool("tree", parameters=TREE), tool("now")
TOOLS = [WEATHER, TREES, NOW]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with builtin_api() as api:
        yield api


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 5},
        {"n": 3, "max_tokens": 6},
        {"n": 6, "max_tokens": 6, "seed": 5, "temperature": 1},
        {"content": ASK, "tools": TOOLS, "tool_choice": "required", "max_tokens": 80, "n": 5},
        {"logprobs": True, "top_logprobs": 3},
        {"logprobs": True, "n": 2, "stop": ["can I", "😀"]},
        {"stop": ["an I hel"], "content": "hi"},
        {"content": ASK, "tools": [WEATHER]},
        {"content": ASK, "tools": TOOLS, "n": 2},
        {"content": ASK, "tools": [WEATHER], "tool_choice": "none", "max_tokens": 20},
        {"content": ASK, "tools": TOOLS, "tool_choice": "required", "max_tokens": 80},
        {"content": ASK, "tools": TOOLS, "tool_choice": "required", "max_tokens": 14},
        {"tools": TOOLS, "tool_choice": named("tree"), "max_tokens": 80, "n": 2},
        {"content": ASK, "tools": [WEATHER], "parallel_tool_calls": False},
        {"content": ASK, "tools": [WEATHER], "logprobs": True, "top_logprobs": 2},
        {"content": ASK, "tools": TOOLS, "tool_choice": "required", "max_tokens": 80, "logprobs": True},
        {"content": "hi", "tools": [WEATHER], "tool_choice": "none", "logprobs": True, "n": 2},
        {"response_format": {"type": "json_object"}, "max_tokens": 30},
        {"response_format": schema_format(only({"enum": ["a", "b"]})), "tools": [WEATHER]},
        {"messages": [USER, BEGUN], "continue_final_message": True},
        {"content": "Repeat: 😀é 你好", "logprobs": True},
        {"frequency_penalty": 1.5, "presence_penalty": 1, "seed": -3},
    ],
)
def test_a_stream_tells_what_a_whole_answer_tells(api: Api, fields: Document) -> None:
    fields = {"temperature": 0, **fields}
    whole = api.chat(**fields)
    chunks = api.chat_chunks(**fields, stream_options={"include_usage": True})
    streamed = chat_of(iter(json.loads(json.dumps(chunks))))
    assert _told(streamed) == _told(whole)
    assert streamed["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    assert streamed["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"]


def _told(document: Document) -> list[object]:
    told: list[object] = []
    for choice in document["choices"]:
        message = choice["message"]
        calls = [call["function"] for call in message.get("tool_calls", [])]
        told.append([message["content"] or "", calls, choice["finish_reason"], choice["logprobs"]])
    return told


def test_a_stream_tells_no_usage_unless_asked(api: Api) -> None:
    assert not any("usage" in chunk or "timings" in chunk for chunk in api.chat_chunks(n=2, max_tokens=2))


def test_a_whole_answer_has_what_openai_promises_and_nothing_private(api: Api) -> None:
    answer = api.chat(max_tokens=3)
    assert answer.keys() == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
    (choice,) = answer["choices"]
    assert choice.keys() == {"index", "finish_reason", "logprobs", "message"}
    assert choice["message"].keys() == {"role", "content", "refusal", "annotations"}
    assert answer["model"] == "asked/name"


def test_a_call_that_the_model_chooses_has_no_content(api: Api) -> None:
    (choice,) = api.chat(ASK, tools=[WEATHER])["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["id"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}


def test_without_a_choice_no_tool_is_called_and_none_is_written(api: Api) -> None:
    (choice,) = api.chat(ASK, tools=[WEATHER], tool_choice="none")["choices"]
    assert "tool_calls" not in choice["message"]
    assert "tool_call" not in choice["message"]["content"]


@pytest.mark.parametrize("temperature", [0, 1, 2])
@pytest.mark.parametrize("name", ["get_weather", "tree", "now"])
def test_a_named_tool_is_called_with_arguments_of_its_schema(api: Api, name: str, temperature: int) -> None:
    answer = api.chat(tools=TOOLS, tool_choice=named(name), temperature=temperature, max_tokens=400)
    (choice,) = answer["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == name
    if choice["finish_reason"] == "tool_calls":  # the tiny model may not come to an end
        schemas: dict[str, Document] = {"get_weather": CITY, "tree": TREE, "now": {"type": "object"}}
        jsonschema.validate(json.loads(call["function"]["arguments"]), schemas[name])


def test_only_an_allowed_tool_is_called(api: Api) -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("now")]}}
    (call,) = api.chat(tools=TOOLS, tool_choice=choice)["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "now", "arguments": "{}"}


def test_several_choices_have_calls_of_different_ids(api: Api) -> None:
    choices = api.chat(ASK, tools=TOOLS, tool_choice="required", n=3)["choices"]
    assert len({call["id"] for choice in choices for call in choice["message"]["tool_calls"]}) == 3


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["red", "green"]},
        {"type": "string", "pattern": r"^\d{3}-[A-F]{2}$"},
        {"type": "string", "pattern": r"^(foo|bar)$"},
        {"type": "string", "pattern": r"^.{0,8}$"},
        {"type": "string", "pattern": r"^[^x]{1,5}b$"},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
        {"anyOf": [{"type": "null"}, {"const": 7}]},
    ],
)
def test_an_answer_is_of_its_schema(api: Api, schema: Document, temperature: int) -> None:
    format_ = schema_format(only(schema))
    answer = api.chat("x", response_format=format_, temperature=temperature, max_tokens=200, seed=5)
    jsonschema.validate(json.loads(answer["choices"][0]["message"]["content"]), only(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/a.json"},
        only({"type": "string", "pattern": "^(?=a)b$"}),
        only({"type": "string", "pattern": "^((a{1,1000}){1,1000}){1,1000}$"}),
        only({"type": "array", "items": {"type": "integer"}, "minItems": 10**6}),
        {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(3000)}},
    ],
)
def test_a_schema_that_no_grammar_can_hold_is_refused_at_once(api: Api, schema: Document) -> None:
    with pytest.raises(RequestError) as caught:
        api.chat(response_format=schema_format(schema), max_tokens=5)
    assert caught.value.param == "response_format"
    assert api.chat(max_tokens=1)["choices"]


@pytest.mark.parametrize(
    "fields",
    [
        {"logit_bias": {str(token): 1 for token in range(2000)}, "max_tokens": 5},
        {"stop": ["a" * 100_000] * 4},
        {"logprobs": True, "top_logprobs": 20, "n": 4},
        {
            "response_format": schema_format(only({"type": "array", "items": {}, "maxItems": 10**6})),
            "max_tokens": 9,
        },
        {"response_format": schema_format(only({"enum": [f"v{i}" for i in range(1000)]})), "max_tokens": 9},
    ],
)
def test_large_values_are_answered(api: Api, fields: Document) -> None:
    assert api.chat(**fields)["choices"]


def test_logprobs_of_a_text_are_the_same_beside_tools(api: Api) -> None:
    asked: Document = {"logprobs": True, "top_logprobs": 2, "temperature": 0, "max_tokens": 6}
    (choice,) = api.chat("hi", tools=[WEATHER], tool_choice="none", **asked)["choices"]
    tokens = [token["token"] for token in choice["logprobs"]["content"]]
    assert "".join(tokens) == choice["message"]["content"]
    assert {len(token["top_logprobs"]) for token in choice["logprobs"]["content"]} == {2}


def test_logprobs_tell_each_token_with_its_bytes(api: Api) -> None:
    (choice,) = api.chat("Repeat: 😀é 你好", logprobs=True, top_logprobs=2)["choices"]
    told = choice["logprobs"]["content"]
    assert choice["logprobs"]["refusal"] is None
    assert all(token.keys() == {"token", "bytes", "logprob", "top_logprobs"} for token in told)
    assert all(len(token["top_logprobs"]) == 2 for token in told)
    said = bytes(byte for token in told for byte in token["bytes"]).decode()
    assert said.startswith(choice["message"]["content"])


@pytest.mark.parametrize("fields", [{}, {"top_logprobs": 0}])
def test_logprobs_without_likeliest_tokens_are_those_of_the_answer(api: Api, fields: Document) -> None:
    told = api.chat(logprobs=True, max_tokens=2, **fields)["choices"][0]["logprobs"]["content"]
    assert [token["top_logprobs"] for token in told] == [[], []]


def test_a_stop_string_over_tokens_is_never_told(api: Api) -> None:
    (choice,) = api.chat(stop=["w can I he"])["choices"]
    assert choice["message"]["content"] == "Hello! Ho"
    assert choice["finish_reason"] == "stop"


def test_a_last_message_of_the_assistant_is_answered_unless_it_shall_go_on(api: Api) -> None:
    (anew,) = api.chat(messages=[USER, BEGUN], max_tokens=4)["choices"]
    assert anew["message"]["content"] == "Hello! How can"
    (on,) = api.chat(messages=[USER, BEGUN], continue_final_message=True)["choices"]
    assert on["message"]["content"] == " can I help you?"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "developer", "content": "Be brief."}, USER, {"role": "system", "content": "Now."}],
        [USER, BEGUN, BEGUN],
        [USER, {"role": "assistant", "refusal": "No."}, USER],
        [USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, USER],
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "name": "Al",
            }
        ],
        [
            USER,
            {"role": "assistant", "tool_calls": [named("now") | {"id": "1"}]},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "noon"}]},
        ],
    ],
)
def test_every_order_and_form_of_messages_is_taken(api: Api, messages: list[Document]) -> None:
    assert api.chat(messages=messages, max_tokens=3)["usage"]["completion_tokens"] == 3


def test_the_same_seed_says_the_same_and_another_does_not(api: Api) -> None:
    def said(seed: int) -> str:
        fields: Document = {"temperature": 2, "top_k": 0, "min_p": 0, "top_p": 1, "max_tokens": 30}
        content: str = api.chat(seed=seed, **fields)["choices"][0]["message"]["content"]
        return content

    assert said(-7) == said(-7)
    assert len({said(seed) for seed in (1, 2, 2**40 + 3)}) == 3


def test_a_bias_forces_a_token_and_one_out_of_the_vocabulary_does_nothing(api: Api) -> None:
    assert api.chat(logit_bias={"40": 100}, max_tokens=3)["choices"][0]["message"]["content"] == "III"
    assert (
        api.chat(logit_bias={"99999999": 100}, max_tokens=2)["choices"][0]["message"]["content"] == "Hello!"
    )


def test_penalties_reach_over_the_whole_text(api: Api) -> None:
    fields: Document = {"messages": [{"role": "user", "content": "word " * 300}], "max_tokens": 100}
    said = api.chat(**fields, frequency_penalty=2)["choices"][0]["message"]["content"]
    assert said
    assert not re.search(r"(\b\w+\b)( \1){9}", said)


def test_too_long_a_chat_is_told_with_its_numbers(api: Api) -> None:
    with pytest.raises(ContextLengthExceeded, match=r"2048 tokens.* 3009 tokens"):
        api.chat("word " * 3000)
    with pytest.raises(ContextLengthExceeded, match="2048 tokens"):
        api.chat(tools=[tool(f"tool_{i}", description="long " * 30) for i in range(100)])


def test_a_length_beyond_the_context_is_clipped(api: Api) -> None:
    answer = api.chat("word " * 1990, max_tokens=10_000, ignore_eos=True)
    assert answer["usage"]["total_tokens"] == 2048
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1/a.png", "/etc/passwd"])
def test_llamacpp_never_gets_an_address_of_an_image(api: Api, url: str) -> None:
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(RequestError, match="data URL"):
        api.chat(messages=[{"role": "user", "content": parts}])
