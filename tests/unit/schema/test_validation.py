import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polychat.errors import RequestError
from polychat.schema.chat import ChatRequest
from polychat.schema.validation import parse_chat, parse_completion, parse_embedding

USER = {"role": "user", "content": "hi"}
SAID = {"role": "assistant", "content": "Hel"}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def chat(**fields: object) -> ChatRequest:
    return parse_chat(json.dumps({"model": "m", "messages": [USER]} | fields).encode())


def refusal(**fields: object) -> RequestError:
    with pytest.raises(RequestError) as caught:
        chat(**fields)
    return caught.value


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}], "name": "Ann"},
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "data:"}}]},
        {"role": "assistant", "content": "Hello."},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "refusal": "No."},
        {"role": "function", "content": None, "name": "f"},
    ],
)
def test_each_kind_of_message_that_openai_publishes_is_taken(message: dict[str, object]) -> None:
    assert chat(messages=[message]).messages[0].role == message["role"]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"role": "robot", "content": ""}, "role"),
        ({"content": ""}, "role"),
        ({"role": "user"}, "content"),
        ({"role": "user", "content": None}, "content"),
        ({"role": "user", "content": 5}, "content"),
        ({"role": "user", "content": []}, "content"),
        ({"role": "user", "content": [{"type": "text"}]}, "content[0].text"),
        ({"role": "user", "content": [{"text": "x"}]}, "content[0].type"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "content[0].image_url"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, "content[0].image_url"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "big"}}]},
            "content[0].image_url.detail",
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]},
            "content[0].input_audio.format",
        ),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, "content[0].type"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "content[0].type"),
        (
            {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "content[0].type",
        ),
        ({"role": "assistant", "content": [{"type": "input_audio"}]}, "content[0].input_audio"),
        ({"role": "assistant"}, "content"),
        ({"role": "assistant", "tool_calls": [{"type": "function"}]}, "tool_calls[0].function"),
        ({"role": "tool", "content": ""}, "tool_call_id"),
        ({"role": "function", "content": ""}, "name"),
    ],
)
def test_a_bad_message_is_named_by_its_place(message: dict[str, object], field: str) -> None:
    assert refusal(messages=[USER, message]).param == f"messages[1].{field}"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("temperature", [0, 2, 0.7], [-0.1, 2.1, "1", True, []]),
        ("top_p", [0, 1], [-0.1, 1.1]),
        ("n", [1, 128], [0, 129, 1.5, "1"]),
        ("max_tokens", [1, 100_000], [0, -1, 1.5, 2**40]),
        ("max_completion_tokens", [1], [0]),
        ("presence_penalty", [-2, 2], [-2.1, 2.1]),
        ("frequency_penalty", [-2, 2], [-2.1, 2.1]),
        ("seed", [-1, 2**63 - 1], [2**63, 1.5]),
        ("stop", ["a", [], ["a", "b", "c", "d"]], [["a"] * 5, 1, {}, "", ["a", ""]]),
        ("stream", [False, True], ["yes", 1]),
        ("logprobs", [False, True], [1]),
        ("logit_bias", [{}, {"7": -100}], [{"7": 101}, [], {"x": 1}, {"-1": 1}, {"1\n": 1}]),
        ("user", ["ann"], [1]),
        ("tools", [[], [FUNCTION]], ["x", {}, [FUNCTION] * 129, [FUNCTION] * 2, [{"type": "custom"}]]),
        ("tool_choice", [], ["any", 1, "none", "auto", FUNCTION]),
        ("parallel_tool_calls", [], ["no", True, False]),
        ("response_format", [{"type": "text"}, {"type": "json_object"}], ["json", {"type": "xml"}, {}]),
        ("metadata", [{"k" * 64: "v" * 512}], [{"k" * 65: "v"}, {"k": "v" * 513}, {"k": 1}]),
        ("metadata", [{str(i): "" for i in range(16)}], [{str(i): "" for i in range(17)}]),
        ("store", [True], ["yes"]),
        ("service_tier", ["auto", "default", "flex", "scale", "priority", "fast"], ["slow"]),
        ("reasoning_effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"], ["some"]),
        ("verbosity", ["low", "medium", "high"], ["loud"]),
        ("modalities", [["text"]], [["video"], ["audio"], "text"]),
        (
            "audio",
            [{"format": "wav", "voice": "alloy"}],
            [{"format": "tape", "voice": "alloy"}, {"format": "wav"}],
        ),
        ("prediction", [{"type": "content", "content": "x"}], [{"type": "text", "content": "x"}]),
        ("safety_identifier", ["x" * 128], ["x" * 129]),
        ("prompt_cache_retention", ["in_memory", "24h"], ["1h"]),
        ("functions", [[]], [[{"name": "f"}]]),
        ("function_call", [], ["auto", {"name": "f"}]),
        ("web_search_options", [], [{}]),
    ],
)
def test_each_field_is_held_to_its_published_range(field: str, good: list[object], bad: list[object]) -> None:
    for value in [*good, None]:
        chat(**{field: value})
    for value in bad:
        assert (refusal(**{field: value}).param or "").startswith(field)


def test_the_message_says_what_was_sent_and_what_is_allowed() -> None:
    assert (
        str(refusal(temperature=3)) == "Invalid value for 'temperature': 3; it must be a number from 0 to 2."
    )
    assert str(refusal(max_tokens=0)).endswith("0; it must be an integer of at least 1.")
    assert str(refusal(messages=[])).endswith("[]; it must be a list of at least one message.")
    assert str(refusal(stop=[1])).startswith("Invalid value for 'stop[0]': 1; it must be a string or a list ")
    assert str(refusal(verbosity="loud")) == (
        "Invalid value for 'verbosity': \"loud\"; it must be one of 'high', 'low' and 'medium'."
    )


def test_a_long_value_is_shown_only_in_part() -> None:
    assert len(str(refusal(temperature="x" * 10_000))) < 200


def test_a_missing_field_is_named() -> None:
    with pytest.raises(RequestError, match="'messages' is required") as caught:
        parse_chat(b'{"model":"m"}')
    assert caught.value.param == "messages"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream_options": {}}, "stream_options"),
        ({"stream": False, "stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
            "response_format.json_schema.name",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            "response_format.json_schema.schema",
        ),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "custom"}}, "tool_choice.type"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens"),
        ({"continue_final_message": True}, "continue_final_message"),
        (
            {"continue_final_message": True, "add_generation_prompt": True, "messages": [USER, SAID]},
            "continue_final_message",
        ),
    ],
)
def test_fields_that_do_not_fit_together_are_named(fields: dict[str, object], param: str) -> None:
    assert refusal(**fields).param == param


def test_fields_that_nobody_published_pass() -> None:
    assert chat(top_k=40, my_field={"a": [1]}).model == "m"


def test_usage_is_wanted_only_when_asked_for() -> None:
    assert chat(stream=True, stream_options={"include_usage": True}).wants_usage
    assert not chat(stream=True).wants_usage


@pytest.mark.parametrize("prompt", ["", "hi", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_each_kind_of_prompt_is_taken(prompt: object) -> None:
    body = json.dumps({"model": "m", "prompt": prompt, "max_tokens": 0}).encode()
    assert parse_completion(body).prompt == prompt


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [1.5]}, "prompt[0]"),
        ({"prompt": [-1]}, "prompt[0]"),
        ({"prompt": [[1, -1]]}, "prompt[0][1]"),
        ({"prompt": [[]]}, "prompt[0]"),
        ({"prompt": ["a"] * 2049}, "prompt"),
        ({"prompt": "x", "best_of": 2, "stream": True}, "best_of"),
        ({"prompt": "x", "suffix": "y", "echo": True}, "echo"),
        ({"prompt": "x", "best_of": 1, "n": 2}, "best_of"),
        ({"prompt": "x", "logprobs": 6}, "logprobs"),
        ({"prompt": "x", "max_tokens": -1}, "max_tokens"),
    ],
)
def test_a_bad_completion_request_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_completion(json.dumps({"model": "m"} | fields).encode())
    assert caught.value.param == param


def test_embeddings_need_an_input() -> None:
    with pytest.raises(RequestError, match="'input' is required"):
        parse_embedding(b'{"model":"m"}')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
field_names = st.sampled_from(
    ["model", "messages", "role", "content", "type", "text", "stop", "n", "tools", "function", "stream"]
)
request_like = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(field_names, inner, max_size=6),
    max_leaves=20,
)


@settings(deadline=None)
@given(request_like)
def test_any_json_is_a_request_or_a_refusal(document: object) -> None:
    for parse in (parse_chat, parse_completion, parse_embedding):
        with contextlib.suppress(RequestError):
            parse(json.dumps(document).encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_refusal(body: bytes) -> None:
    with contextlib.suppress(RequestError):
        parse_chat(body)
