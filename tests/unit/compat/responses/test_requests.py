"""What a request may say, and the sentence for what it may not."""

import json
from typing import Any

import pytest

from polychat.compat.responses.errors import RESPONSES_ERRORS, error_body
from polychat.compat.responses.requests import parse, parse_count
from polychat.errors import ContextLengthExceeded, RequestError, UnsupportedFeature
from tests.unit.compat.responses.support import ASKED, Json, events_of

TOOLS = [{"type": "function", "name": "add"}]


def body(**fields: object) -> bytes:
    return json.dumps(ASKED | fields).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"input": []},
        {"input": [{"role": "developer", "content": "x"}, {"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"id": "msg_1"}]},
        {"tools": TOOLS, "tool_choice": "required"},
        {"conversation": None, "prompt": None, "moderation": None},
        {"include": ["reasoning.encrypted_content"], "store": False},
        {"metadata": {str(n): "x" * 512 for n in range(16)}},
        {"a_field_of_next_year": 1},
        {"reasoning": {"effort": "xhigh", "summary": "auto"}},
        {"service_tier": "priority", "safety_identifier": "u", "prompt_cache_key": "k", "user": "u"},
    ],
)
def test_what_is_published_is_taken(fields: Json) -> None:
    assert parse(body(**fields)).model == "m"


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"input": 5}, "input", "a string or a list of input items"),
        ({"input": None}, "input", "required"),
        ({"input": [{"role": "user"}]}, "input[0].content", "required"),
        ({"input": [{"role": "bot", "content": ""}]}, "input[0].role", "'developer'"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type", "not supported"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
            "no file store",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "input[0].content[0].type",
            "not supported",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "x"}]}]},
            "input[0].content[0].type",
            "'input_file'",
        ),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "'web_search'"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type", "'mcp'"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "required"),
        ({"tool_choice": {"type": "function", "name": "add"}}, "tool_choice", "'add'"),
        ({"tools": TOOLS, "tool_choice": {"type": "file_search"}}, "tool_choice.type", "hosted"),
        ({"tool_choice": "maybe"}, "tool_choice", "'required'"),
        ({"conversation": "conv_1"}, "conversation", "not supported"),
        ({"prompt": {"id": "p"}}, "prompt", "not supported"),
        ({"background": True, "store": False}, "background", "'store'"),
        ({"stream_options": {}}, "stream_options", "'stream'"),
        ({"temperature": 2.5}, "temperature", "0 to 2"),
        ({"top_logprobs": 21}, "top_logprobs", "0 to 20"),
        ({"max_output_tokens": 0}, "max_output_tokens", "at least 1"),
        ({"metadata": {"a": 1}}, "metadata", "at most 16"),
        ({"metadata": {"k" * 65: ""}}, "metadata", "at most 16"),
        ({"include": ["everything"]}, "include[0]", "output_text.logprobs"),
        ({"truncation": "middle"}, "truncation", "'disabled'"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", "required"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "'xhigh'"),
    ],
)
def test_what_is_not_is_named(fields: Json, param: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        parse(body(**fields))
    assert caught.value.param == param


def test_counting_needs_only_a_model() -> None:
    assert parse_count(b'{"model":"m"}').input is None


def envelope(error: RequestError) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(error_body(error))["error"]
    return found


def test_an_error_of_the_chat_request_names_this_requests_field() -> None:
    too_long = envelope(ContextLengthExceeded(prompt_tokens=9, context_length=8))
    assert (too_long["param"], too_long["code"]) == ("input", "context_length_exceeded")
    assert "the input" in too_long["message"]
    assert envelope(UnsupportedFeature("m", "json_schema"))["param"] == "text.format"
    assert envelope(RequestError("no", param="messages[3].content"))["param"] == "input"
    assert envelope(RequestError("no", param="tools[1].function.name"))["param"] == "tools[1].name"
    assert envelope(RequestError("no", param="temperature"))["param"] == "temperature"


def test_an_error_event_has_its_number() -> None:
    (event,) = events_of(RESPONSES_ERRORS.event(RequestError("no")))
    assert event == {"type": "error", "sequence_number": 0, "code": None, "message": "no", "param": None}
