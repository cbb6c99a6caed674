"""/v1/messages, Anthropic's API."""

import base64

from polychat.conformance.applies import MESSAGES
from polychat.conformance.areas.tools import SCHEMAS
from polychat.conformance.departure import (
    Json,
    NotApplicable,
    at,
    count,
    equal,
    fits,
    one_of,
    parsed,
    require,
    text,
)
from polychat.conformance.images import png
from polychat.conformance.scenario import Area
from polychat.conformance.target import Event, Reply, Target
from polychat.types import Feature

scenario = Area("anthropic", route=MESSAGES)
with_tools = scenario.needing(Feature.TOOLS)
_VERSION = {"anthropic-version": "2023-06-01"}
_TOOLS = [{"name": name, "description": name, "input_schema": schema} for name, schema in SCHEMAS.items()]
_FORCED: dict[str, Json] = {"tools": _TOOLS, "tool_choice": {"type": "any"}, "max_tokens": 600}


@scenario("an answer is a message with text, a reason and usage")
async def create(t: Target) -> None:
    answer = await _created(t)
    equal((at(answer, "type"), at(answer, "role")), ("message", "assistant"), "type and role")
    require(text(at(answer, "id"), "id").startswith("msg_"), "an id msg_…", answer["id"])
    equal(at(answer, "model"), t.model, "model")
    one_of(at(answer, "stop_reason"), ("end_turn", "max_tokens", "stop_sequence"), "stop_reason")
    at(answer, "stop_sequence")
    said(answer)
    for name in ("input_tokens", "output_tokens"):
        count(at(answer, "usage", name), name)


def said(answer: Json) -> str:
    """All the text of a message."""
    return "".join(text(at(b, "text"), "text") for b in at(answer, "content") if at(b, "type") == "text")


@scenario("max_tokens ends a message with that reason")
async def max_tokens(t: Target) -> None:
    answer = await _created(t, max_tokens=2)
    equal(at(answer, "stop_reason"), "max_tokens", "stop_reason")
    equal(at(answer, "usage", "output_tokens"), 2, "output_tokens")


@scenario("stop_sequences end a message, and the reason names the one")
async def stop_sequences(t: Target) -> None:
    whole = said(await _created(t))
    word = whole[len(whole) // 2 :][:3]
    answer = await _created(t, stop_sequences=[word])
    equal(said(answer), whole[: whole.index(word)], "the text")
    equal((at(answer, "stop_reason"), at(answer, "stop_sequence")), ("stop_sequence", word), "the reason")


@scenario("system is taken as text and as blocks, and counted")
async def system(t: Target) -> None:
    plain = await _created(t, system="Be brief.")
    blocks = await _created(t, system=[{"type": "text", "text": "Be brief."}])
    equal(said(blocks), said(plain), "the text")
    counts = [_input_tokens(answer) for answer in (await _created(t), plain)]
    require(counts[1] > counts[0], "more input_tokens with system", counts)


@scenario("a stream has the published events in their order")
async def event_order(t: Target) -> None:
    events = await _streamed(t)
    equal([event.name for event in events], [at(event.data, "type") for event in events], "names of events")
    kinds = list(dict.fromkeys(event.name for event in events if event.name != "ping"))
    wanted = ["message_start", "content_block_start", "content_block_delta", "content_block_stop"]
    equal(kinds, [*wanted, "message_delta", "message_stop"], "events")


@scenario("streamed or not, the same text, reason and usage")
async def same_as_whole(t: Target) -> None:
    whole, events = await _created(t), await _streamed(t)
    deltas = [at(event.data, "delta") for event in events if event.name == "content_block_delta"]
    pieces = [at(delta, "text") for delta in deltas if at(delta, "type") == "text_delta"]
    equal("".join(pieces), said(whole), "the streamed text")
    end = next(event.data for event in events if event.name == "message_delta")
    equal(at(end, "delta", "stop_reason"), at(whole, "stop_reason"), "stop_reason")
    equal(at(end, "usage", "output_tokens"), at(whole, "usage", "output_tokens"), "output_tokens")


@with_tools("tool_choice any: a tool_use block with an input that fits")
async def tool_use(t: Target) -> None:
    answer = await _created(t, **_FORCED)
    equal(at(answer, "stop_reason"), "tool_use", "stop_reason")
    blocks = [block for block in at(answer, "content") if block["type"] == "tool_use"]
    require(blocks, "a tool_use block", answer["content"])
    for block in blocks:
        require(text(at(block, "id"), "id"), "an id", block)
        one_of(at(block, "name"), SCHEMAS, "the called tool")
        fits(at(block, "input"), SCHEMAS[block["name"]], "input")


@with_tools("a named tool is the one that is used")
async def named_tool(t: Target) -> None:
    answer = await _created(t, **_FORCED | {"tool_choice": {"type": "tool", "name": "get_time"}})
    names = {block["name"] for block in at(answer, "content") if block["type"] == "tool_use"}
    equal(names, {"get_time"}, "the used tools")


@with_tools("a streamed tool_use's input comes as pieces of JSON")
async def streamed_tool_use(t: Target) -> None:
    events = await _streamed(t, **_FORCED)
    starts = [event.data for event in events if event.name == "content_block_start"]
    start = next((each for each in starts if at(each, "content_block", "type") == "tool_use"), None)
    require(start, "a tool_use block", starts)
    assert start is not None
    pieces = [
        at(event.data, "delta", "partial_json")
        for event in events
        if event.name == "content_block_delta" and event.data["index"] == start["index"]
    ]
    name = at(start, "content_block", "name")
    one_of(name, SCHEMAS, "the called tool")
    fits(parsed("".join(pieces), "the joined input"), SCHEMAS[name], "input")


@with_tools("a tool_use and its tool_result are taken as history")
async def tool_result(t: Target) -> None:
    turns = [
        {"role": "user", "content": "What time is it?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_time", "input": {"hours": 24}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:30"}]},
    ]
    at(await _created(t, messages=turns, tools=_TOOLS), "content")


@scenario.needing(Feature.VISION)("an image block is taken")
async def image(t: Target) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png()).decode()}
    blocks = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    said(await _created(t, messages=[{"role": "user", "content": blocks}]))


@scenario("count_tokens counts what a message's usage says")
async def count_tokens(t: Target) -> None:
    body = {name: value for name, value in _body(t).items() if name in ("model", "messages")}
    reply = await _sent(t, f"{MESSAGES}/count_tokens", body)
    if reply.status == 501:
        raise NotApplicable("the model's engine cannot count tokens")
    equal(at(reply.ok(), "input_tokens"), _input_tokens(await _created(t)), "input_tokens")


@scenario("max_tokens is required: a 400 in Anthropic's form")
async def no_max_tokens(t: Target) -> None:
    body = _body(t)
    del body["max_tokens"]
    await _refused(t, body, 400, "invalid_request_error")


@scenario("a field out of range is a 400 in Anthropic's form")
async def bad_field(t: Target) -> None:
    await _refused(t, _body(t, temperature=1.5), 400, "invalid_request_error")


@scenario("an unknown model is a 404 in Anthropic's form")
async def unknown_model(t: Target) -> None:
    await _refused(t, _body(t) | {"model": "no-such/model-at-all"}, 404, "not_found_error")


@scenario("a body that is no JSON is a 400 in Anthropic's form")
async def broken_json(t: Target) -> None:
    await _refused(t, b"{", 400, "invalid_request_error")


def _input_tokens(answer: Json) -> int:
    """All of the prompt's tokens: `input_tokens` leaves out those from a cache."""
    usage = at(answer, "usage")
    cached = [usage.get(f"cache_{kind}_input_tokens") or 0 for kind in ("read", "creation")]
    return count(at(usage, "input_tokens"), "input_tokens") + sum(cached)


def _body(t: Target, **fields: Json) -> dict[str, Json]:
    return {
        "model": t.model,
        "messages": [{"role": "user", "content": "Tell me a long story about a dog."}],
        "max_tokens": 24,
        "temperature": 0,
        **fields,
    }


async def _sent(t: Target, path: str, body: Json) -> Reply:
    return await t.send("POST", path, body, _VERSION)


async def _created(t: Target, **fields: Json) -> Json:
    return (await _sent(t, MESSAGES, _body(t, **fields))).ok()


async def _streamed(t: Target, **fields: Json) -> list[Event]:
    return await t.events(MESSAGES, _body(t, stream=True, **fields), _VERSION)


async def _refused(t: Target, body: Json, status: int, kind: str) -> None:
    reply = await _sent(t, MESSAGES, body)
    equal(reply.status, status, "status")
    equal(at(reply.json, "type"), "error", "type")
    equal(at(reply.json, "error", "type"), kind, "type of the error")
    require(text(at(reply.json, "error", "message"), "message"), "a message", reply.json)
