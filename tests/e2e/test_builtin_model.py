"""What a new user finds: the built-in model through the API, at temperature 0, with the OpenAI SDK."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import jsonschema
import openai
import pytest
from openai.types.chat import ChatCompletionMessage, ChatCompletionMessageParam, ChatCompletionToolParam

from tests.support.cluster import Cluster

MODEL = "polychat-mini"
QUESTIONS = {
    "How do I start polychat?": "polychat up",
    "How do I stop polychat?": "Ctrl-C",
    "How do I install polychat?": "./scripts/up",
    "How do I add a model?": "polychat up MODEL",
    "How do I add a second model?": "polychat worker MODEL",
    "How do I add a worker on another machine?": "--controller-address http://HOST:21001",
    "How do I use API keys?": "--api-keys KEY",
    "Which port does the API use?": "8000",
    "Which port is the web page on?": "7860",
    "Which port does the controller use?": "21001",
    "What ports does polychat use?": "21002",
    "How do I change the port?": "--port PORT",
    "How do I use it with the OpenAI SDK?": "http://localhost:8000/v1",
    "How do I chat in the terminal?": "polychat chat",
    "How do I list the models?": "polychat models",
    "How do I see the status?": "polychat status",
    "How do I download a model?": "polychat download",
    "What does the controller do?": "list of workers",
    "What is a worker?": "generates the answers",
    "What is a gateway?": "OpenAI compatible API",
    "Do I need a GPU?": "CPU",
    "Does it work offline?": "without a network",
    "What is polychat?": "one service for many models",
    "What license is polychat under?": "Apache 2.0",
}


@pytest.fixture(scope="module")
def sdk() -> Iterator[openai.OpenAI]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin")
        yield cluster.sdk


def say(
    sdk: openai.OpenAI, *messages: ChatCompletionMessageParam, tools: tuple[ChatCompletionToolParam, ...] = ()
) -> ChatCompletionMessage:
    completion = sdk.chat.completions.create(
        model=MODEL, messages=messages, temperature=0, max_tokens=200, tools=tools or openai.omit
    )
    return completion.choices[0].message


def user(text: str) -> ChatCompletionMessageParam:
    return {"role": "user", "content": text}


def assistant(text: str) -> ChatCompletionMessageParam:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_knows_polychat(question: str, sdk: openai.OpenAI) -> None:
    assert QUESTIONS[question] in (say(sdk, user(question)).content or "")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("Hello!", "How can I help"),
        ("Who are you?", "I am Mini"),
        ("你好", "你好"),
        ("你是谁？", "Mini"),
        ("Say this is a test", "his is a test"),
    ],
)
def test_it_greets_and_says_what_it_is_told_to(question: str, part: str, sdk: openai.OpenAI) -> None:
    assert part in (say(sdk, user(question)).content or "")


def test_it_remembers_a_name_told_two_turns_earlier(sdk: openai.OpenAI) -> None:
    told = (user("My name is Bartholomew."), assistant("Nice to meet you, Bartholomew!"))
    between = (user("Who are you?"), assistant("I am Mini, the tiny demo model that ships with polychat."))
    assert "Bartholomew" in (say(sdk, *told, *between, user("What is my name?")).content or "")


def test_it_follows_a_system_prompt(sdk: openai.OpenAI) -> None:
    answer = say(sdk, {"role": "system", "content": "You are Captain Anna."}, user("Who are you?"))
    assert "Captain Anna" in (answer.content or "")


def test_it_tells_a_short_story_that_ends(sdk: openai.OpenAI) -> None:
    told = sdk.completions.create(model=MODEL, prompt="Once upon a time", temperature=0, max_tokens=300)
    sentences = told.choices[0].text.strip().split(". ")
    assert told.choices[0].finish_reason == "stop"
    assert len(set(sentences)) == len(sentences) > 3, told.choices[0].text


def tool(name: str, description: str, **parameters: str) -> ChatCompletionToolParam:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    schema: dict[str, object] = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


WEATHER = tool("get_weather", "Get the weather for a city", city="City name")
TIME = tool("get_time", "Get the current time in a city", city="City name")


def test_it_calls_the_right_tool_with_a_name_it_has_never_seen(sdk: openai.OpenAI) -> None:
    calls = say(sdk, user("What time is it in Ulaanbaatar?"), tools=(WEATHER, TIME)).tool_calls or []
    assert [call.type for call in calls] == ["function"]
    assert calls[0].type == "function"
    assert calls[0].function.name == "get_time"
    assert json.loads(calls[0].function.arguments) == {"city": "Ulaanbaatar"}


def test_it_answers_from_a_tools_result(sdk: openai.OpenAI) -> None:
    question = user("What is the weather in Paris?")
    asked = say(sdk, question, tools=(WEATHER,))
    assert asked.tool_calls, asked
    called: ChatCompletionMessageParam = {
        "role": "assistant",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        ],
    }
    result: ChatCompletionMessageParam = {
        "role": "tool",
        "tool_call_id": "c1",
        "content": "sunny, 21 degrees",
    }
    answer = say(sdk, question, called, result, tools=(WEATHER,)).content or ""
    assert "sunny" in answer
    assert "21" in answer


TEXT: dict[str, object] = {"type": "string"}
WHOLE: dict[str, object] = {"type": "integer"}
LIST: dict[str, object] = {"type": "array", "items": TEXT}
MOOD: dict[str, object] = {"type": "string", "enum": ["positive", "negative", "neutral"]}


def fields(**properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def test_it_reads_a_name_and_an_age_into_a_schema(sdk: openai.OpenAI) -> None:
    schema = fields(name=TEXT, age=WHOLE)
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[user("Ann is 30 years old.")],
        temperature=0,
        max_tokens=200,
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content or "") == {"name": "Ann", "age": 30}


@pytest.mark.parametrize("question", ["Hello!", "Why is the sky blue?"])
@pytest.mark.parametrize(
    "schema",
    [
        fields(name=TEXT, age=WHOLE),
        fields(setup=TEXT, punchline=TEXT, rating={"type": "number"}),
        fields(mood=MOOD, tags=LIST, is_urgent={"type": "boolean"}),
        fields(person=fields(name=TEXT, city=TEXT), days={"type": "array", "items": fields(day=TEXT)}),
    ],
)
def test_it_ends_every_answer_that_a_schema_holds(
    question: str, schema: dict[str, object], sdk: openai.OpenAI
) -> None:
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[user(question)],
        temperature=0,
        max_tokens=200,
        response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    ).choices[0]
    assert answer.finish_reason == "stop", answer.message.content
    jsonschema.validate(json.loads(answer.message.content or ""), schema)


@pytest.mark.parametrize("question", ["Hello!", "How do I start polychat?", "Write a poem about the sea."])
def test_it_ends_a_call_that_nobody_asked_for(question: str, sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[user(question)],
        temperature=0,
        max_tokens=200,
        tools=[WEATHER],
        tool_choice="required",
    ).choices[0]
    assert answer.finish_reason == "tool_calls", answer.message.content
    (call,) = answer.message.tool_calls or []
    assert call.type == "function"
    assert list(json.loads(call.function.arguments)) == ["city"]
