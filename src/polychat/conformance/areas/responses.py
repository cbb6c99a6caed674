"""/v1/responses."""

from polychat.conformance.applies import RESPONSES
from polychat.conformance.areas.structured import PERSON
from polychat.conformance.areas.tools import SCHEMAS
from polychat.conformance.departure import (
    Json,
    Said,
    at,
    count,
    equal,
    fits,
    one_of,
    parsed,
    require,
    text,
)
from polychat.conformance.scenario import Area
from polychat.conformance.target import Event, Target, error_of
from polychat.types import Feature

scenario = Area("responses", route=RESPONSES)
with_tools = scenario.needing(Feature.TOOLS)
with_schema = scenario.needing(Feature.JSON_SCHEMA)
_ABSENT = "resp_000000000000000000000000"
_TOOLS = [
    {"type": "function", "name": name, "description": name, "parameters": schema, "strict": True}
    for name, schema in SCHEMAS.items()
]


@scenario("an answer is a completed response with a message, text and usage")
async def create(t: Target) -> None:
    answer = await _created(t)
    equal(at(answer, "object"), "response", "object")
    require(text(at(answer, "id"), "id").startswith("resp_"), "an id resp_…", answer["id"])
    equal(at(answer, "model"), t.model, "model")
    one_of(at(answer, "status"), ("completed", "incomplete"), "status")
    item = next((item for item in at(answer, "output") if at(item, "type") == "message"), None)
    require(item, "a message in the output", answer["output"])
    equal(at(item, "role"), "assistant", "role")
    equal(at(item, "content", 0, "type"), "output_text", "type of the content")
    said(answer)
    usage = at(answer, "usage")
    sums = [count(at(usage, name), name) for name in ("input_tokens", "output_tokens")]
    equal(at(usage, "total_tokens"), sum(sums), "total_tokens")


def said(answer: Json) -> str:
    """All the text of a response."""
    items = [item for item in at(answer, "output") if item["type"] == "message"]
    parts = [part for item in items for part in at(item, "content") if part["type"] == "output_text"]
    return "".join(text(at(part, "text"), "text") for part in parts)


@scenario("input may be a list of messages, and instructions come before")
async def input_items(t: Target) -> None:
    turns = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello Ann."},
        {"role": "user", "content": [{"type": "input_text", "text": "Say one two three."}]},
    ]
    answer = await _created(t, input=turns, instructions="Be brief.")
    said(answer)
    equal(at(answer, "instructions"), "Be brief.", "instructions")


@scenario("max_output_tokens ends a response as incomplete, with the reason")
async def incomplete(t: Target) -> None:
    answer = await _created(t, input="Tell a story. " + "one two three four " * 8, max_output_tokens=16)
    equal(at(answer, "status"), "incomplete", "status")
    equal(at(answer, "incomplete_details", "reason"), "max_output_tokens", "reason")


@scenario("a stream's events are named, and numbered without a gap")
async def sequence_numbers(t: Target) -> None:
    events = await _streamed(t)
    equal(
        [at(event.data, "sequence_number") for event in events], list(range(len(events))), "sequence numbers"
    )
    equal([event.name for event in events], [at(event.data, "type") for event in events], "names of events")


@scenario("a stream has the published events in their order")
async def event_order(t: Target) -> None:
    kinds = [at(event, "type") for event in _of_message(await _streamed(t))]
    each_once = list(dict.fromkeys(kinds))
    equal(
        each_once[:-1],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
        ],
        "events",
    )
    one_of(kinds[-1], ("response.completed", "response.incomplete"), "the last event")


def _of_message(events: list[Event]) -> list[Json]:
    """Without what is said of other items, such as reasoning."""
    added = [event.data for event in events if event.name == "response.output_item.added"]
    message = next((each["output_index"] for each in added if each["item"]["type"] == "message"), None)
    return [event.data for event in events if event.data.get("output_index", message) == message]


@scenario("a stream's pieces make the text of its last event, which is that of a whole response")
async def same_as_whole(t: Target) -> None:
    events = await _streamed(t)
    pieces = [at(e.data, "delta") for e in events if e.data["type"] == "response.output_text.delta"]
    final = at(events[-1].data, "response")
    whole = await _created(t)
    equal("".join(pieces), said(final), "the text of the pieces")
    equal(said(final), said(whole), "the streamed text")
    equal(at(final, "usage"), at(whole, "usage"), "usage")


@scenario("a stored response can be read again, and deleted")
async def retrieve_and_delete(t: Target) -> None:
    made = await _created(t, store=True)
    path = f"{RESPONSES}/{made['id']}"
    again = (await t.get(path)).ok()
    equal(at(again, "output"), made["output"], "output")
    gone = (await t.send("DELETE", path)).ok()
    equal((at(gone, "id"), at(gone, "deleted")), (made["id"], True), "id and deleted")
    error_of(await t.get(path), 404)


@scenario("store false: it cannot be read again")
async def not_stored(t: Target) -> None:
    made = await _created(t, store=False)
    error_of(await t.get(f"{RESPONSES}/{made['id']}"), 404)


@scenario("the input of a stored response can be listed")
async def listed_input(t: Target) -> None:
    made = await _created(t, store=True)
    listed = (await t.get(f"{RESPONSES}/{made['id']}/input_items")).ok()
    equal(at(listed, "object"), "list", "object")
    equal(at(listed, "data", 0, "role"), "user", "role")


@scenario("previous_response_id puts what was said before in front")
async def previous_response(t: Target) -> None:
    first = await _created(t, store=True)
    alone = await _created(t, input="And then?")
    second = await _created(t, input="And then?", previous_response_id=first["id"])
    equal(at(second, "previous_response_id"), first["id"], "previous_response_id")
    counts = [at(answer, "usage", "input_tokens") for answer in (alone, second)]
    require(counts[1] > counts[0], "more input_tokens with the earlier response", counts)


@scenario("an unknown previous_response_id is an error that names it")
async def unknown_previous(t: Target) -> None:
    reply = await t.post(RESPONSES, _body(t, previous_response_id=_ABSENT))
    require(reply.status in (400, 404), "status 400 or 404", Said(str(reply.status)))
    equal(error_of(reply, reply.status)["param"], "previous_response_id", "param")


@scenario("an unknown response is a 404")
async def unknown_response(t: Target) -> None:
    error_of(await t.get(f"{RESPONSES}/{_ABSENT}"), 404)


@scenario("only a background response can be cancelled")
async def cancel(t: Target) -> None:
    made = await _created(t, store=True)
    error_of(await t.post(f"{RESPONSES}/{made['id']}/cancel", {}), 400)


@scenario("an unknown model is a 404 with code model_not_found")
async def unknown_model(t: Target) -> None:
    body = _body(t) | {"model": "no-such/model-at-all"}
    await t.refused(RESPONSES, body, status=404, code="model_not_found")


@scenario("a field out of range is a 400 that names it")
async def bad_field(t: Target) -> None:
    await t.refused(RESPONSES, _body(t, temperature=2.5), param="temperature")


@with_tools("a forced call is an item with arguments that fit")
async def function_call(t: Target) -> None:
    _check_call(await _created(t, tools=_TOOLS, tool_choice="required", max_output_tokens=600))


@with_tools("a streamed call's arguments come in pieces that make the whole")
async def streamed_function_call(t: Target) -> None:
    events = await _streamed(t, tools=_TOOLS, tool_choice="required", max_output_tokens=600)
    call = _check_call(at(events[-1].data, "response"))
    pieces = [
        at(event.data, "delta")
        for event in events
        if event.data["type"] == "response.function_call_arguments.delta"
        and event.data["item_id"] == call["id"]
    ]
    equal("".join(pieces), call["arguments"], "the joined arguments")


@with_tools("a call and its result are taken as input")
async def function_result(t: Target) -> None:
    turns = [
        {"role": "user", "content": "What time is it?"},
        {"type": "function_call", "call_id": "call_1", "name": "get_time", "arguments": '{"hours": 24}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "12:30"},
    ]
    said(await _created(t, input=turns, tools=_TOOLS, tool_choice="none"))


@with_tools("an agent's loop over previous_response_id: three turns of calls and results, then an answer")
async def agent_loop(t: Target) -> None:
    forced = {"tools": _TOOLS, "tool_choice": "required", "max_output_tokens": 600, "store": True}
    answer = await _created(t, **forced)
    for choice in ("required", "required", "none"):
        calls = [item for item in at(answer, "output") if item["type"] == "function_call"]
        results = [
            {"type": "function_call_output", "call_id": at(call, "call_id"), "output": "done"}
            for call in calls
        ]
        require(results, "a call", answer["output"])
        fields = {**forced, "tool_choice": choice, "previous_response_id": answer["id"]}
        answer = await _created(t, input=results, **fields)
    said(answer)


@with_schema("text.format json_schema is followed")
async def json_schema(t: Target) -> None:
    wanted = {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}
    answer = await _created(t, text=wanted, max_output_tokens=600)
    fits(parsed(said(answer), "the text"), PERSON, "the text")


def _check_call(answer: Json) -> Json:
    calls = [item for item in at(answer, "output") if item["type"] == "function_call"]
    require(calls, "an item function_call", answer["output"])
    for call in calls:
        require(text(at(call, "call_id"), "call_id"), "a call_id", call)
        one_of(at(call, "name"), SCHEMAS, "the called tool")
        fits(parsed(at(call, "arguments"), "arguments"), SCHEMAS[call["name"]], "arguments")
    return calls[0]


def _body(t: Target, **fields: Json) -> Json:
    return {
        "model": t.model,
        "input": "Tell me a long story about a dog.",
        "temperature": 0,
        "max_output_tokens": 24,
        "store": False,
        **fields,
    }


async def _created(t: Target, **fields: Json) -> Json:
    return (await t.post(RESPONSES, _body(t, **fields))).ok()


async def _streamed(t: Target, **fields: Json) -> list[Event]:
    events = await t.events(RESPONSES, _body(t, stream=True, **fields))
    return [event for event in events if event.data != "[DONE]"]
