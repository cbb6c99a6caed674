"""What a replica is asked for each of Anthropic's requests, by example."""

import json

import msgspec
import pytest

from polychat.compat.anthropic import asks
from polychat.compat.anthropic.requests import parse_count, parse_messages
from polychat.schema.validation import parse_chat

Json = dict[str, object]
USER: Json = {"role": "user", "content": "Hi"}
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Json = {"name": "weather", "description": "Tells it", "input_schema": SCHEMA}
PNG = "iVBORw0KGgo="
IMAGE: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
IMAGE_PART: Json = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def asked(**fields: object) -> Json:
    """The fields of the chat request, which must be one by the published rules."""
    request = {"model": "m", "max_tokens": 9, "messages": [USER]} | fields
    body = msgspec.json.encode(asks.chat(parse_messages(json.dumps(request).encode())))
    parse_chat(body)
    return dict(json.loads(body))


def turns(*messages: Json) -> object:
    return asked(messages=messages)["messages"]


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def text(text: str) -> Json:
    return {"type": "text", "text": text}


def use(id_: str, name: str = "weather", **arguments: object) -> Json:
    return {"type": "tool_use", "id": id_, "name": name, "input": arguments}


def result(id_: str, content: object = None, **fields: object) -> Json:
    return {"type": "tool_result", "tool_use_id": id_, "content": content} | fields


def test_a_plain_request_has_nothing_that_was_not_asked_for() -> None:
    assert asked() == {"model": "m", "max_tokens": 9, "messages": [USER]}


def test_the_system_prompt_comes_first_and_its_blocks_become_one_text() -> None:
    messages = asked(system=[text("Be kind."), text("Be short.")])["messages"]
    assert messages == [{"role": "system", "content": "Be kind.\nBe short."}, USER]
    assert asked(system="Be kind.")["messages"] == [{"role": "system", "content": "Be kind."}, USER]
    assert asked(system="")["messages"] == [USER]


def test_a_system_message_may_stand_among_the_others() -> None:
    system: Json = {"role": "system", "content": [text("From now on in French.")]}
    assert turns(USER, system) == [USER, {"role": "system", "content": "From now on in French."}]


def test_blocks_of_text_become_one_string() -> None:
    assert turns(user(text("a"), text("b"))) == [{"role": "user", "content": "a\nb"}]


def test_neighbours_of_one_role_become_one_turn() -> None:
    assert turns(USER, user(text("there")), assistant(text("a")), assistant(text("b")), USER) == [
        {"role": "user", "content": "Hi\nthere"},
        {"role": "assistant", "content": "ab"},
        USER,
    ]


def test_images_become_parts() -> None:
    linked: Json = {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}
    [turn] = json.loads(json.dumps(turns(user(text("Look"), IMAGE, linked))))
    assert turn["content"] == [
        {"type": "text", "text": "Look"},
        IMAGE_PART,
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
    ]


def test_documents_of_text_and_search_results_are_read() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "Once"}
    blocks: list[Json] = [
        {"type": "document", "source": plain, "title": "Tale"},
        {"type": "document", "source": {"type": "content", "content": [text("upon")]}},
        {"type": "search_result", "title": "T", "source": "https://a", "content": [text("a time")]},
    ]
    assert turns(user(*blocks)) == [{"role": "user", "content": "Tale\nOnce\nupon\nT\nhttps://a\na time"}]


def test_the_assistants_thoughts_and_calls_go_back_to_the_model() -> None:
    said = assistant(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        text("I look."),
        use("toolu_1", city="Oslo"),
    )
    call = {"id": "toolu_1", "type": "function"}
    assert json.loads(json.dumps(turns(USER, said, user(result("toolu_1", "cold"))))) == [
        USER,
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "tool_calls": [call | {"function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "cold", "name": "weather"},
    ]


def test_results_of_tools_become_messages_in_order_before_what_else_was_said() -> None:
    said = user(text("And now?"), result("b", [text("warm"), text("dry")]), result("a", "cold"), result("c"))
    told = turns(USER, assistant(use("a"), use("b"), use("c")), said)
    assert isinstance(told, list)
    assert told[2:] == [
        {"role": "tool", "tool_call_id": "b", "content": "warm\ndry", "name": "weather"},
        {"role": "tool", "tool_call_id": "a", "content": "cold", "name": "weather"},
        {"role": "tool", "tool_call_id": "c", "content": "", "name": "weather"},
        {"role": "user", "content": "And now?"},
    ]


def test_a_result_may_be_an_image_or_a_failure() -> None:
    results = [result("a", [IMAGE]), result("b", "no net", is_error=True), result("c", is_error=True)]
    told = turns(USER, assistant(use("a"), use("b"), use("c")), user(*results))
    assert isinstance(told, list)
    assert [message["content"] for message in told[2:]] == [
        [IMAGE_PART],
        "The tool failed:\nno net",
        "The tool failed.",
    ]


def test_tools_keep_their_names_and_schemas() -> None:
    function = {"name": "weather", "description": "Tells it", "parameters": SCHEMA}
    assert asked(tools=[TOOL])["tools"] == [{"type": "function", "function": function}]


def test_a_strict_tool_need_not_be_what_openai_calls_strict() -> None:
    assert asked(tools=[TOOL | {"strict": True}])["tools"] == asked(tools=[TOOL])["tools"]


@pytest.mark.parametrize(
    ("choice", "published"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
    ],
)
def test_the_choice_of_a_tool_has_its_published_name(choice: Json, published: object) -> None:
    fields = asked(tools=[TOOL], tool_choice=choice)
    assert fields["tool_choice"] == published
    assert "parallel_tool_calls" not in fields
    assert "tool_choice" not in asked(tool_choice={"type": "auto"})
    alone = asked(tools=[TOOL], tool_choice=choice | {"disable_parallel_tool_use": True})
    assert alone["parallel_tool_calls"] is False


def test_sampling_and_the_user_are_forwarded() -> None:
    sampling = {"temperature": 0, "top_p": 0.5, "top_k": 0}
    assert asked(**sampling, metadata={"user_id": "u"}).items() >= (sampling | {"user": "u"}).items()
    assert "user" not in asked(metadata={"user_id": None})


def test_stop_sequences_become_stop_and_the_engine_says_which_it_met() -> None:
    assert asked(stop_sequences=["a", "b"]).items() >= {"verbose": True}.items()
    assert asked(stop_sequences=["a", "b"])["stop"] == ["a", "b"]
    assert "verbose" not in asked(stop_sequences=[])


def test_a_stream_is_asked_for_its_usage() -> None:
    assert asked(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in asked(stream=False)


def test_a_last_message_of_the_assistant_is_gone_on_with() -> None:
    fields = asked(messages=[USER, {"role": "assistant", "content": "He"}], thinking={"type": "adaptive"})
    assert fields["continue_final_message"] is True
    assert fields["add_generation_prompt"] is False
    assert fields["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(("kind", "is_enabled"), [("enabled", True), ("adaptive", True), ("disabled", False)])
def test_thinking_is_turned_on_and_off_in_the_chat_template(kind: str, is_enabled: bool) -> None:
    fields = asked(thinking={"type": kind, "budget_tokens": 1})
    assert fields["chat_template_kwargs"] == {"enable_thinking": is_enabled}


def test_a_schema_for_the_answer_is_published_as_a_response_format() -> None:
    form = {"type": "json_schema", "schema": SCHEMA}
    published = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert asked(output_config={"format": form})["response_format"] == published
    assert asked(output_format=form)["response_format"] == published


@pytest.mark.parametrize(("effort", "published"), [("low", "low"), ("high", "high"), ("max", "high")])
def test_effort_is_published_as_reasoning_effort(effort: str, published: str) -> None:
    assert asked(output_config={"effort": effort})["reasoning_effort"] == published


def test_counting_asks_for_the_tokens_of_the_same_conversation() -> None:
    request = {"model": "m", "messages": [USER], "system": "S", "tools": [TOOL]}
    counted = asks.count(parse_count(json.dumps(request).encode()))
    chat = asks.chat(parse_messages(json.dumps(request | {"max_tokens": 9}).encode()))
    assert json.loads(msgspec.json.encode(counted | {"max_tokens": 9})) == json.loads(
        msgspec.json.encode(chat)
    )
