"""Ollama's own SDK in front of the built-in model on llama.cpp, and of echo."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import ollama
import pytest

from tests.support.cluster import ECHO, Cluster
from tests.support.gateway_site import start_api
from tests.support.processes import answers, wait_until

MODEL = "polychat-mini"
GREEDY = {"temperature": 0, "num_predict": 60}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin")
        cluster.start_worker(*ECHO)
        wait_until(lambda: cluster.serves(MODEL) and cluster.serves("echo"))
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[ollama.Client]:
    with ollama.Client(cluster.api_url, timeout=30, trust_env=False) as client:
        yield client


def user(text: str) -> ollama.Message:
    return ollama.Message(role="user", content=text)


def chat(client: ollama.Client, *messages: ollama.Message, stream: bool = False) -> ollama.ChatResponse:
    """The answer; of a stream its last line, with the message of all lines."""
    if not stream:
        return client.chat(MODEL, messages, tools=[WEATHER], options=GREEDY)
    *lines, last = client.chat(MODEL, messages, tools=[WEATHER], options=GREEDY, stream=True)
    assert not any(line.done for line in lines)
    last.message.content = "".join(line.message.content or "" for line in lines)
    last.message.tool_calls = [call for line in lines for call in line.message.tool_calls or []] or None
    return last


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_answered_with_its_counts_and_times(client: ollama.Client, stream: bool) -> None:
    answer = chat(client, user("Hello!"), stream=stream)
    assert answer.message.content == "Hello! How can I help you?"
    assert (answer.model, answer.done, answer.done_reason) == (MODEL, True, "stop")
    assert answer.prompt_eval_count
    assert answer.eval_count
    assert answer.total_duration == (answer.prompt_eval_duration or 0) + (answer.eval_duration or 0) > 0


async def test_the_async_sdk_streams_a_chat_and_a_prompt(cluster: Cluster) -> None:
    async with ollama.AsyncClient(cluster.api_url, timeout=30, trust_env=False) as client:
        said = [line.message.content async for line in await client.chat("echo", [user("a b")], stream=True)]
        assert said == ["a", " b", ""]
        parts = [line.response async for line in await client.generate("echo", "a b", stream=True)]
        assert parts == ["a", " b", ""]
        assert (await client.chat("echo", [user("hi")])).message.content == "hi"


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_takes_three_turns_with_a_tool(client: ollama.Client, stream: bool) -> None:
    messages: list[ollama.Message] = []
    for city, weather in (
        ("Paris", "18 degrees, sunny"),
        ("Oslo", "-3 degrees, snow"),
        ("Rome", "25 degrees"),
    ):
        messages.append(user(f"What is the weather in {city}?"))
        asked = chat(client, *messages, stream=stream)
        [call] = asked.message.tool_calls or []
        assert (call.function.name, call.function.arguments) == ("get_weather", {"city": city})
        result = ollama.Message(role="tool", tool_name=call.function.name, content=weather)
        told = chat(client, *messages, asked.message, result, stream=stream)
        assert weather in (told.message.content or "")
        messages += [asked.message, result, told.message]


def test_a_schema_forces_the_form_of_the_answer(client: ollama.Client) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    answer = client.chat(MODEL, [user("Is Paris a city?")], format=schema, options=GREEDY)
    assert isinstance(json.loads(answer.message.content or "")["ok"], bool)
    lines = client.generate(MODEL, "Is Paris a city?", format=schema, options=GREEDY, stream=True)
    assert isinstance(json.loads("".join(line.response or "" for line in lines))["ok"], bool)


def test_generate_stops_at_its_length_and_at_a_word(client: ollama.Client) -> None:
    short = client.generate(MODEL, "Hello!", options=GREEDY | {"num_predict": 3})
    assert (short.response, short.done_reason, short.eval_count) == ("Hello! How", "length", 3)
    stopped = client.generate(MODEL, "Hello!", options=GREEDY | {"stop": [" How"]})
    assert (stopped.response, stopped.done_reason) == ("Hello!", "stop")


def test_code_completion_may_send_many_stop_words(client: ollama.Client) -> None:
    stops = [f"<|stop{i}|>" for i in range(12)]
    options = GREEDY | {"stop": [*stops, "Once"]}
    assert client.generate(MODEL, "Once upon", raw=True, options=options).response == ""
    with pytest.raises(ollama.ResponseError, match="up to 4 strings"):
        client.chat(MODEL, [user("Hello!")], options=options)


def test_a_repeat_penalty_changes_the_answer(client: ollama.Client) -> None:
    def story(penalty: float) -> str:
        options = GREEDY | {"repeat_penalty": penalty}
        return client.generate(MODEL, "Tell me a story", options=options).response or ""

    assert story(1.0) == client.generate(MODEL, "Tell me a story", options=GREEDY).response
    assert story(2.0) != story(1.0)


def test_a_raw_prompt_goes_on_past_the_16_tokens_of_a_completion(client: ollama.Client) -> None:
    raw = client.generate(MODEL, "Hello", raw=True, options={"temperature": 0, "stop": ["<never said>"]})
    assert (raw.eval_count or 0) > 16


def test_logprobs_are_given_for_chats_and_raw_prompts(client: ollama.Client) -> None:
    answers = [
        client.chat(MODEL, [user("Hello!")], logprobs=True, top_logprobs=2, options=GREEDY).logprobs,
        client.generate(MODEL, "Hello", raw=True, logprobs=True, top_logprobs=2, options=GREEDY).logprobs,
    ]
    for logprobs in answers:
        assert logprobs
        assert logprobs[0].logprob <= 0
        assert len(logprobs[0].top_logprobs or []) == 2


def test_the_default_tag_is_taken_and_said_again(client: ollama.Client) -> None:
    answer = client.chat(f"{MODEL}:latest", [user("Hello!")], options=GREEDY)
    assert answer.model == f"{MODEL}:latest"
    assert client.show(f"{MODEL}:latest").capabilities == client.show(MODEL).capabilities


def test_nothing_to_say_loads_and_unloads(client: ollama.Client) -> None:
    assert client.generate(MODEL).done_reason == "load"
    assert client.chat(MODEL).done_reason == "load"
    assert client.chat(MODEL, [], keep_alive=0).done_reason == "unload"
    assert [line.done_reason for line in client.generate(MODEL, "", stream=True)] == ["load"]


def test_thinking_may_be_asked_of_a_model_that_does_not_think(client: ollama.Client) -> None:
    answer = client.chat(MODEL, [user("Hello!")], think=True, options=GREEDY)
    assert answer.message.content == "Hello! How can I help you?"
    assert answer.message.thinking is None


def test_embeddings_come_one_for_each_text(client: ollama.Client) -> None:
    answer = client.embed("echo", ["a b", "c"], dimensions=3)
    assert [len(vector) for vector in answer.embeddings] == [3, 3]
    assert (answer.model, answer.prompt_eval_count) == ("echo", 3)
    assert client.embed("echo", "a b", dimensions=3).embeddings == [answer.embeddings[0]]
    assert client.embeddings("echo", "a b").embedding == client.embed("echo", "a b").embeddings[0]
    assert client.embed("echo", []).embeddings == []


def test_the_models_are_listed_running_and_shown(client: ollama.Client) -> None:
    assert {model.model for model in client.list().models} == {MODEL, "echo"}
    context = {model.model: model.context_length for model in client.ps().models}
    shown = client.show(MODEL)
    assert {"completion", "tools"} <= set(shown.capabilities or [])
    assert shown.modelinfo is not None
    assert (
        shown.modelinfo[f"{shown.modelinfo['general.architecture']}.context_length"] == context[MODEL] == 2048
    )


def test_a_model_that_is_served_has_been_pulled(client: ollama.Client) -> None:
    assert client.pull(MODEL).status == "success"
    assert [line.status for line in client.pull(MODEL, stream=True)][-1] == "success"


def test_errors_are_typed_and_say_why(client: ollama.Client) -> None:
    def error_of(call: object) -> tuple[int, str]:
        with pytest.raises(ollama.ResponseError) as caught:
            call()  # type: ignore[operator]  # a lambda without arguments
        return caught.value.status_code, caught.value.error

    missing = (404, "model 'nope' not found")
    assert error_of(lambda: client.chat("nope", [user("hi")])) == missing
    assert error_of(lambda: list(client.chat("nope", [user("hi")], stream=True))) == missing
    assert error_of(lambda: client.generate("nope")) == missing
    assert error_of(lambda: client.show("nope")) == missing
    assert error_of(lambda: client.pull("nope:latest")) == missing
    assert error_of(lambda: client.embed("nope", "hi")) == missing
    assert error_of(lambda: client.embed(MODEL, "hi"))[0] == 501
    status, text = error_of(lambda: client.generate(MODEL, "hi", suffix="there"))
    assert (status, "does not support suffix" in text) == (400, True)
    for call in (lambda: client.delete(MODEL), lambda: client.copy(MODEL, "x"), lambda: client.push(MODEL)):
        status, text = error_of(call)
        assert (status, "polychat command line" in text) == (501, True)


def test_keys_are_asked_for_as_everywhere(cluster: Cluster) -> None:
    api, url = start_api(cluster.controller_url, "--api-keys", "k3y")
    cluster.stack.enter_context(api)
    wait_until(lambda: answers(f"{url}/v1/models/echo", api_key="k3y"))
    with ollama.Client(url, trust_env=False) as unknown, pytest.raises(ollama.ResponseError) as caught:
        unknown.list()
    assert caught.value.status_code == 401
    assert "API key" in caught.value.error
    with ollama.Client(url, trust_env=False, headers={"authorization": "Bearer k3y"}) as known:
        assert known.chat("echo", [user("hi")]).message.content == "hi"
