"""Anthropic's own SDK in front of the built-in model on llama.cpp, and of echo."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types import Message, MessageParam, ToolParam, ToolUseBlock

from tests.support.cluster import ECHO, Cluster
from tests.support.gateway_site import start_api
from tests.support.processes import wait_until

MODEL = "polychat-mini"
GREEDY = {"temperature": 0}
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "Get the weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "The city"}},
        "required": ["city"],
    },
}
RED_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin")
        cluster.start_worker(*ECHO)
        wait_until(lambda: cluster.serves(MODEL) and cluster.serves("echo"))
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[anthropic.Anthropic]:
    with sdk(cluster.api_url, api_key="any") as client:
        yield client


def sdk(url: str, **credentials: Any) -> anthropic.Anthropic:  # Any: api_key or auth_token
    http = anthropic.DefaultHttpxClient(trust_env=False)
    return anthropic.Anthropic(base_url=url, http_client=http, max_retries=0, timeout=30, **credentials)


def user(content: Any) -> MessageParam:  # Any: a text, or blocks of every type
    return {"role": "user", "content": content}


def ask(
    client: anthropic.Anthropic,
    *messages: MessageParam,
    stream: bool = False,
    model: str = MODEL,
    **fields: Any,  # Any: fields of the request
) -> Message:
    """The answer; of a stream what the SDK puts together from its events."""
    request: Any = {"model": model, "max_tokens": 60, "messages": messages, "extra_body": GREEDY} | fields
    if not stream:
        answer: Message = client.messages.create(**request)
        return answer
    with client.messages.stream(**request) as events:
        return events.get_final_message()


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def call_of(message: Message) -> ToolUseBlock:
    [block] = message.content
    assert isinstance(block, ToolUseBlock)
    return block


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_is_answered_with_its_counts(client: anthropic.Anthropic, stream: bool) -> None:
    answer = ask(client, user("Hello!"), stream=stream)
    assert text_of(answer) == "Hello! How can I help you?"
    assert (answer.model, answer.stop_reason, answer.stop_sequence) == (MODEL, "end_turn", None)
    usage = answer.usage
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == 10
    assert usage.output_tokens == 9


@pytest.mark.parametrize("prompt", ["Tell me a story", "Write a poem about rain", "What is 2 + 2?"])
def test_a_stream_says_what_the_whole_answer_says(client: anthropic.Anthropic, prompt: str) -> None:
    whole, streamed = ask(client, user(prompt)), ask(client, user(prompt), stream=True)
    assert text_of(streamed) == text_of(whole)
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_takes_three_turns_with_a_tool(client: anthropic.Anthropic, stream: bool) -> None:
    messages: list[MessageParam] = []
    for city, weather in (
        ("Paris", "18 degrees, sunny"),
        ("Oslo", "-3 degrees, snow"),
        ("Rome", "25 degrees"),
    ):
        messages.append(user(f"What is the weather in {city}?"))
        asked = ask(client, *messages, stream=stream, tools=[WEATHER])
        call = call_of(asked)
        assert (call.name, call.input, asked.stop_reason) == ("get_weather", {"city": city}, "tool_use")
        result = user([{"type": "tool_result", "tool_use_id": call.id, "content": weather}])
        messages += [{"role": "assistant", "content": asked.content}, result]
        told = ask(client, *messages, stream=stream, tools=[WEATHER])
        assert weather in text_of(told)
        messages.append({"role": "assistant", "content": told.content})


@anthropic.beta_tool
def get_weather(city: str) -> str:
    """Get the weather of a city

    Args:
        city: The city
    """
    return f"18 degrees in {city}"


def test_the_sdks_tool_runner_runs_to_the_end(client: anthropic.Anthropic) -> None:
    messages: Any = [user("What is the weather in Paris?")]
    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=60, tools=[get_weather], messages=messages, extra_body=GREEDY
    )
    assert [message.stop_reason for message in runner] == ["tool_use", "end_turn"]


def test_a_tool_can_be_forced_and_forbidden(client: anthropic.Anthropic) -> None:
    question = user("What is the weather in Paris?")
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        forced = ask(client, question, tools=[WEATHER], tool_choice=choice)
        assert (call_of(forced).name, forced.stop_reason) == ("get_weather", "tool_use")
    free = ask(client, question, tools=[WEATHER], tool_choice={"type": "none"})
    assert {block.type for block in free.content} <= {"text"}


@pytest.mark.parametrize("stream", [False, True])
def test_the_stop_sequence_that_was_met_is_told(client: anthropic.Anthropic, stream: bool) -> None:
    stops = ["never", "said", "by", "this model", " How"]
    stopped = ask(client, user("Hello!"), stream=stream, stop_sequences=stops)
    assert (text_of(stopped), stopped.stop_reason) == ("Hello!", "stop_sequence")
    assert stopped.stop_sequence == " How"
    ended = ask(client, user("Hello!"), stream=stream, stop_sequences=["never"])
    assert (ended.stop_reason, ended.stop_sequence) == ("end_turn", None)


def test_an_answer_ends_at_its_length(client: anthropic.Anthropic) -> None:
    short = client.messages.create(model=MODEL, max_tokens=3, messages=[user("Hello!")], extra_body=GREEDY)
    assert (text_of(short), short.stop_reason, short.usage.output_tokens) == ("Hello! How", "max_tokens", 3)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prefilled_answer_is_gone_on_with(client: anthropic.Anthropic, stream: bool) -> None:
    prefill: MessageParam = {"role": "assistant", "content": "Hello! How"}
    assert text_of(ask(client, user("Hello!"), prefill, stream=stream)) == " can I help you?"


def test_a_schema_forces_the_form_of_the_answer(client: anthropic.Anthropic) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    form = {"format": {"type": "json_schema", "schema": schema}}
    answer = ask(client, user("Is Paris a city?"), output_config=form)
    assert isinstance(json.loads(text_of(answer))["ok"], bool)


def test_counted_tokens_are_those_that_are_read(client: anthropic.Anthropic) -> None:
    request: Any = {"model": MODEL, "messages": [user("Hello!")], "system": "Be kind.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(**request).input_tokens
    usage = client.messages.create(**request, max_tokens=1).usage
    assert counted == usage.input_tokens + (usage.cache_read_input_tokens or 0)


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_are_blocks_that_can_be_sent_back(client: anthropic.Anthropic, stream: bool) -> None:
    question = user("think: Easy.\nFour")
    answer = ask(client, question, stream=stream, model="echo", thinking={"type": "adaptive"})
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert (answer.content[0].to_dict()["thinking"], text_of(answer)) == ("Easy.", "Four")
    again = ask(client, question, {"role": "assistant", "content": answer.content}, user("b"), model="echo")
    assert text_of(again) == "b"


def test_an_image_goes_to_a_model_that_sees_and_to_no_other(client: anthropic.Anthropic) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": RED_DOT}}
    question = user([image, {"type": "text", "text": "What is this?"}])
    assert "What is this?" in text_of(ask(client, question, model="echo"))
    with pytest.raises(anthropic.BadRequestError, match="does not support vision"):
        ask(client, question)


def test_what_coding_agents_send_is_taken(client: anthropic.Anthropic) -> None:
    cached: Any = {"cache_control": {"type": "ephemeral"}}
    request: Any = {
        "model": "echo",
        "max_tokens": 60,
        "system": [{"type": "text", "text": "You are an agent."} | cached],
        "messages": [user([{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"} | cached])],
        "tools": [WEATHER | cached],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "metadata": {"user_id": "user_1"},
        "betas": ["context-management-2025-06-27", "interleaved-thinking-2025-05-14"],
    }
    answer = client.beta.messages.create(**request)
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Hi\nthere"


def test_the_events_of_a_stream_come_in_order(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="echo", max_tokens=9, messages=[user("a b")]) as events:
        kinds = [event.type for event in events]
    block = ["content_block_start", *["content_block_delta", "text"] * 2, "content_block_stop"]
    assert kinds == ["message_start", *block, "message_delta", "message_stop"]


def test_models_are_listed_as_the_sdk_reads_them(client: anthropic.Anthropic, cluster: Cluster) -> None:
    models = {model.id: model for model in client.models.list()}
    assert models.keys() == {MODEL, "echo"}
    model = client.models.retrieve(MODEL)
    assert (model.type, model.display_name, model.max_input_tokens) == ("model", MODEL, 2048)
    published = httpx.get(f"{cluster.api_url}/v1/models", trust_env=False).json()
    assert published["object"] == "list"


def test_a_key_opens_the_api_in_either_header(cluster: Cluster) -> None:
    api, url = start_api(cluster.controller_url, "--api-keys", "sekrit")
    with api:
        for credentials in ({"api_key": "sekrit"}, {"auth_token": "sekrit"}):
            with sdk(url, **credentials) as client:
                assert text_of(ask(client, user("hi"), model="echo")) == "hi"


def test_a_wrong_key_is_refused_on_each_route(cluster: Cluster) -> None:
    api, url = start_api(cluster.controller_url, "--api-keys", "sekrit")
    with api, sdk(url, api_key="guess") as client:
        for call in (lambda: ask(client, user("hi"), model="echo"), client.models.list):
            with pytest.raises(anthropic.AuthenticationError) as caught:
                call()
            assert caught.value.type == "authentication_error"
