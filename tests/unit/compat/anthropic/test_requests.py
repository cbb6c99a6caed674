"""What Anthropic's clients may send, and how they are told what is wrong."""

import json

import pytest

from polychat.compat.anthropic.requests import MessagesRequest, parse_count, parse_messages
from polychat.errors import RequestError

Json = dict[str, object]
USER: Json = {"role": "user", "content": "Hi"}
TOOL: Json = {"name": "t", "input_schema": {"type": "object"}}
USE: Json = {"type": "tool_use", "id": "a", "name": "t", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "a"}
USED_BY_NOBODY = RESULT | {"tool_use_id": "b"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}


def parsed(**fields: object) -> MessagesRequest:
    return parse_messages(json.dumps({"model": "m", "max_tokens": 9, "messages": [USER]} | fields).encode())


def said(block: Json, role: str = "user") -> list[Json]:
    return [USER, {"role": role, "content": [block]}]


@pytest.mark.parametrize(
    ("fields", "param", "sentence"),
    [
        ({"max_tokens": 0}, "max_tokens", "must be an integer of at least 1"),
        ({"temperature": 1.5}, "temperature", "must be a number from 0 to 1"),
        ({"top_p": -1}, "top_p", "must be a number from 0 to 1"),
        ({"top_k": -1}, "top_k", "must be an integer of at least 0"),
        ({"messages": []}, "messages", "must be a list of at least one message"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].role", "must be one of '"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "is required"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "a string or a list of cont"),
        ({"messages": said({"type": "video"})}, "messages[1].content[0].type", "must be one of 'text', 'ima"),
        ({"messages": said({"type": "text"})}, "messages[1].content[0].text", "is required"),
        ({"messages": said({"type": "thinking", "thinking": ""})}, "messages[1].content", "not 'thinking'"),
        (
            {"messages": said({"type": "image", "source": {"type": "file", "file_id": "f"}})},
            "messages[1].content[0].source",
            "must be of type 'url'",
        ),
        ({"messages": said({"type": "document", "source": PDF})}, "messages[1].content[0].source", "PDFs"),
        (
            {"messages": [*said(USE, "assistant"), USER]},
            "messages[1].content",
            "without 'tool_result' blocks immediately after: a",
        ),
        ({"messages": said(USE, "assistant")}, "messages[1].content", "leaves 'tool_use' ids without"),
        (
            {"messages": [*said(USE, "assistant"), *said(RESULT)[1:], *said(USED_BY_NOBODY)]},
            "messages[4].content[0].tool_use_id",
            "is unexpected: 'b'",
        ),
        (
            {"messages": said(USE | {"input": []}, "assistant")},
            "messages[1].content[0].input",
            "must be an object",
        ),
        ({"system": [{"type": "image"}]}, "system[0].type", "must be 'text'"),
        ({"stop_sequences": "x"}, "stop_sequences", "must be a list of strings"),
        ({"stop_sequences": [""]}, "stop_sequences[0]", "must not be empty"),
        ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools[0].type", "'web_search_20250305'"),
        ({"tools": [{"name": "t"}]}, "tools[0].input_schema", "is required"),
        ({"tools": [TOOL | {"name": "a.b"}]}, "tools[0].name", "must be 1 to 64 letters"),
        ({"tools": [TOOL, TOOL]}, "tools", "must have different names"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type", "must be one of '"),
        ({"tool_choice": {"type": "any"}}, "tool_choice", "only allowed with 'tools'"),
        ({"tool_choice": {"type": "tool", "name": "x"}, "tools": [TOOL]}, "tool_choice", "names 'x'"),
        ({"tool_choice": {"type": "tool"}, "tools": [TOOL]}, "tool_choice.name", "is required"),
        ({"thinking": {"type": "always"}}, "thinking.type", "must be one of '"),
        ({"thread": {"type": "create"}}, "thread", "is not supported here"),
        ({"output_config": {"format": {"type": "xml", "schema": {}}}}, "output_config.format.type", "json_s"),
    ],
)
def test_what_is_wrong_is_named_as_the_client_wrote_it(fields: Json, param: str, sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        parsed(**fields)
    assert caught.value.param == param
    assert f"'{param}'" in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("missing", ["model", "max_tokens", "messages"])
def test_a_request_has_a_model_messages_and_a_length(missing: str) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [USER]}
    del body[missing]
    with pytest.raises(RequestError, match=f"'{missing}' is required"):
        parse_messages(json.dumps(body).encode())


def test_counting_needs_no_length() -> None:
    assert parse_count(json.dumps({"model": "m", "messages": [USER]}).encode()).model == "m"


def test_what_has_no_meaning_here_is_taken_and_skipped() -> None:
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    request = parsed(
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi", "citations": None} | cached]}],
        system=[{"type": "text", "text": "S"} | cached],
        tools=[TOOL | cached | {"defer_loading": True, "type": "custom", "eager_input_streaming": None}],
        thinking={"type": "enabled", "budget_tokens": 4096},
        service_tier="auto",
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
        output_config={"effort": "high"},
        container=None,
        mcp_servers=[],
    )
    assert request.thinking is not None
    assert request.shows_thinking


@pytest.mark.parametrize(
    ("thinking", "is_shown"),
    [
        (None, True),
        ({"type": "adaptive"}, True),
        ({"type": "enabled", "budget_tokens": 1024, "display": "summarized"}, True),
        ({"type": "between_tools"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
        ({"type": "disabled"}, False),
    ],
)
def test_thoughts_are_shown_unless_the_client_wants_none(thinking: Json | None, is_shown: bool) -> None:
    assert parsed(thinking=thinking).shows_thinking is is_shown


def test_only_an_assistants_last_text_is_gone_on_with() -> None:
    assistant = {"role": "assistant", "content": "The answer is ("}
    assert parsed(messages=[USER, assistant]).is_prefilled
    assert not parsed(messages=[USER, assistant, USER]).is_prefilled
    assert not parsed(messages=[USER, assistant | {"content": []}]).is_prefilled


def test_results_belong_to_the_calls_of_the_turn_before() -> None:
    calls = [*said(USE, "assistant"), *said(USE | {"id": "b"}, "assistant")[1:]]
    results = [*said(RESULT)[1:], *said(RESULT | {"tool_use_id": "b"})[1:]]
    assert len(parsed(messages=[*calls, *results, USER]).messages) == 6
