"""Tools: forced calls fit their schemas, streamed or not. No model need be clever for it."""

from polychat.conformance.areas.stream import deltas, reasons, said
from polychat.conformance.departure import Json, at, equal, fits, one_of, parsed, require, text
from polychat.conformance.scenario import Area
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("tools", feature=Feature.TOOLS)
refusal = scenario.proving("errors")
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Paris", "Rome", "Ulm"]},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
CLOCK_SCHEMA = {
    "type": "object",
    "properties": {"hours": {"type": "integer", "enum": [12, 24]}},
    "required": ["hours"],
    "additionalProperties": False,
}
SCHEMAS = {"get_weather": WEATHER_SCHEMA, "get_time": CLOCK_SCHEMA}
TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "description": name, "parameters": schema, "strict": True},
    }
    for name, schema in SCHEMAS.items()
]
FORCED: dict[str, Json] = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 600}
NAMED = {"type": "function", "function": {"name": "get_time"}}
_ASK = "What is the weather in Paris?"


def check_call(call: Json) -> None:
    """It has an id, and calls a tool that is there with arguments that fit."""
    require(text(at(call, "id"), "id of the call"), "an id of the call", call)
    equal(at(call, "type"), "function", "type of the call")
    name = at(call, "function", "name")
    one_of(name, SCHEMAS, "the called tool")
    fits(parsed(at(call, "function", "arguments"), "arguments"), SCHEMAS[name], "arguments")


def calls_of(answer: Json, choice: int = 0) -> list[Json]:
    """The calls of an answer, at least one, all good."""
    calls: list[Json] = at(answer, "choices", choice, "message", "tool_calls")
    require(isinstance(calls, list) and calls, "at least one call", calls)
    for call in calls:
        check_call(call)
    return calls


def streamed_calls(chunks: list[Json]) -> list[Json]:
    """The calls that the pieces of a stream make up."""
    calls: dict[int, Json] = {}
    for piece in [piece for delta in deltas(chunks) for piece in delta.get("tool_calls") or ()]:
        index = at(piece, "index")
        if index not in calls:
            first = {name: at(piece, name) for name in ("id", "type")}
            calls[index] = first | {"function": {"name": at(piece, "function", "name"), "arguments": ""}}
        calls[index]["function"]["arguments"] += piece.get("function", {}).get("arguments") or ""
    equal(sorted(calls), list(range(len(calls))), "indexes of the calls")
    return [calls[index] for index in sorted(calls)]


@scenario("tool_choice required: a call of one of the tools that fits its schema")
async def required(t: Target) -> None:
    answer = await t.chat(_ASK, **FORCED)
    calls_of(answer)
    equal(at(answer, "choices", 0, "finish_reason"), "tool_calls", "finish_reason")


@scenario("a named tool is the one that is called")
async def named(t: Target) -> None:
    calls = calls_of(await t.chat(_ASK, **FORCED | {"tool_choice": NAMED}))
    equal({call["function"]["name"] for call in calls}, {"get_time"}, "the called tools")


@scenario("a call without text has content null")
async def null_content(t: Target) -> None:
    content = at(await t.chat(_ASK, **FORCED), "choices", 0, "message", "content")
    require(not content, "content null", content)


@scenario("tool_choice none: text and no call")
async def none(t: Target) -> None:
    answer = await t.chat(_ASK, tools=TOOLS, tool_choice="none")
    require(not at(answer, "choices", 0, "message").get("tool_calls"), "no calls", answer)
    text(at(answer, "choices", 0, "message", "content"), "content")


@scenario("tool_choice auto: text, or calls of tools that are there")
async def auto(t: Target) -> None:
    answer = await t.chat(_ASK, tools=TOOLS, max_tokens=600)
    message = at(answer, "choices", 0, "message")
    if message.get("tool_calls"):
        for call in message["tool_calls"]:
            one_of(at(call, "function", "name"), SCHEMAS, "the called tool")
            text(at(call, "function", "arguments"), "arguments")
    else:
        text(at(message, "content"), "content")


@scenario("a streamed call: id, type and name first, then arguments in pieces that fit when joined")
async def streamed(t: Target) -> None:
    chunks = await t.chat_chunks(_ASK, **FORCED)
    calls = streamed_calls(chunks)
    require(calls, "at least one call", said(chunks))
    for call in calls:
        check_call(call)
    equal(reasons(chunks), ["tool_calls"], "finish_reason")


@scenario("a named tool is called in a stream too")
async def streamed_named(t: Target) -> None:
    calls = streamed_calls(await t.chat_chunks(_ASK, **FORCED | {"tool_choice": NAMED}))
    equal({call["function"]["name"] for call in calls}, {"get_time"}, "the called tools")
    check_call(calls[0])


@scenario("streamed or not, the same calls at temperature 0")
async def same_as_whole(t: Target) -> None:
    whole = [call["function"] for call in calls_of(await t.chat(_ASK, **FORCED))]
    equal(
        [c["function"] for c in streamed_calls(await t.chat_chunks(_ASK, **FORCED))], whole, "streamed calls"
    )


@scenario("parallel_tool_calls false: one call at most")
async def not_parallel(t: Target) -> None:
    calls = calls_of(await t.chat(_ASK, **FORCED, parallel_tool_calls=False))
    equal(len(calls), 1, "calls")


@scenario("each of n choices has its own calls with their own ids")
async def n(t: Target) -> None:
    answer = await t.chat(_ASK, **FORCED, n=2)
    ids = [call["id"] for choice in (0, 1) for call in calls_of(answer, choice)]
    require(len(set(ids)) == len(ids), "ids that differ", ids)


@scenario("two calls and their results are taken as history, and answered")
async def results(t: Target) -> None:
    functions = [
        {"name": "get_weather", "arguments": '{"city": "Paris", "unit": "celsius"}'},
        {"name": "get_time", "arguments": '{"hours": 24}'},
    ]
    calls = [{"id": f"call_{i}", "type": "function", "function": each} for i, each in enumerate(functions)]
    turns = [
        {"role": "user", "content": _ASK},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_0", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_1", "content": "12:30"},
    ]
    answer = await t.chat(messages=turns, tools=TOOLS, tool_choice="none")
    text(at(answer, "choices", 0, "message", "content"), "content")


@scenario("an agent's loop: three turns of calls and results, then an answer")
async def agent_loop(t: Target) -> None:
    turns: list[Json] = [{"role": "user", "content": _ASK}]
    for _ in range(3):
        answer = await t.chat(messages=turns, **FORCED)
        calls = calls_of(answer)
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in calls]
        turns += [at(answer, "choices", 0, "message"), *results]
    last = await t.chat(messages=turns, tools=TOOLS, tool_choice="none")
    text(at(last, "choices", 0, "message", "content"), "content")


@scenario("a tool without parameters is called with an empty object or any other")
async def no_parameters(t: Target) -> None:
    bare = {"type": "function", "function": {"name": "ping"}}
    answer = await t.chat("ping", **FORCED | {"tools": [bare]})
    arguments = at(answer, "choices", 0, "message", "tool_calls", 0, "function", "arguments")
    require(isinstance(parsed(arguments, "arguments"), dict), "an object as arguments", arguments)


@refusal("a tool without a name is a 400")
async def nameless(t: Target) -> None:
    tool = {"type": "function", "function": {"parameters": {}}}
    await t.refused(Endpoint.CHAT, t.chat_body(tools=[tool]), param="tools")


@refusal("a tool whose schema is none is a 400")
async def bad_schema(t: Target) -> None:
    function = {"name": "f", "strict": True, "parameters": {"type": "nonsense"}}
    body = t.chat_body(tools=[{"type": "function", "function": function}], tool_choice="required")
    await t.refused(Endpoint.CHAT, body, param="tools")
