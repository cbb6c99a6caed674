"""/api, Ollama's API."""

import json

from polychat.conformance.applies import OLLAMA
from polychat.conformance.areas.structured import PERSON
from polychat.conformance.areas.tools import SCHEMAS, TOOLS
from polychat.conformance.departure import (
    Departure,
    Json,
    NotApplicable,
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
from polychat.conformance.target import Reply, Target
from polychat.types import Endpoint, Feature

scenario = Area("ollama", route=OLLAMA)
with_tools = scenario.needing(Feature.TOOLS)
_SHORT = {"temperature": 0, "num_predict": 24}


@scenario("/api/version tells one")
async def version(t: Target) -> None:
    text(at((await t.get("/api/version")).ok(), "version"), "version")


@scenario("/api/tags lists the model")
async def tags(t: Target) -> None:
    names = [at(model, "name") for model in at((await t.get("/api/tags")).ok(), "models")]
    require(_known(t.model, names), f"{t.model!r} among the names", names)


@scenario("/api/ps lists it as running")
async def running(t: Target) -> None:
    names = [at(model, "name") for model in at((await t.get("/api/ps")).ok(), "models")]
    require(_known(t.model, names), f"{t.model!r} among the names", names)


@scenario("/api/show tells what the model can do")
async def show(t: Target) -> None:
    answer = (await t.post("/api/show", {"model": t.model})).ok()
    require(
        "completion" in at(answer, "capabilities"), "'completion' in capabilities", answer["capabilities"]
    )
    at(answer, "details")
    at(answer, "model_info")


@scenario("/api/chat without streaming: a message, a reason and the counts")
async def chat(t: Target) -> None:
    answer = await _asked(t)
    equal(at(answer, "message", "role"), "assistant", "role")
    text(at(answer, "message", "content"), "content")
    equal(at(answer, "done"), True, "done")
    one_of(at(answer, "done_reason"), ("stop", "length"), "done_reason")
    for name in ("prompt_eval_count", "eval_count", "total_duration", "eval_duration"):
        count(at(answer, name), name)
    text(at(answer, "created_at"), "created_at")


@scenario("/api/chat streams lines of JSON unless told not to, with the same text")
async def chat_streamed(t: Target) -> None:
    lines = _lines(await t.post(OLLAMA, _body(t)))
    said = "".join(text(at(line, "message", "content"), "content") for line in lines)
    equal(said, at(await _asked(t), "message", "content"), "the streamed text")


@scenario("num_predict ends an answer with done_reason length")
async def num_predict(t: Target) -> None:
    answer = await _asked(t, options={"temperature": 0, "num_predict": 2})
    equal((at(answer, "done_reason"), at(answer, "eval_count")), ("length", 2), "reason and count")


@scenario("/api/generate answers a prompt")
async def generate(t: Target) -> None:
    body = {"model": t.model, "prompt": "Say one two three.", "options": _SHORT, "stream": False}
    answer = (await t.post("/api/generate", body)).ok()
    said = text(at(answer, "response"), "response")
    lines = _lines(await t.post("/api/generate", {**body, "stream": True}))
    equal("".join(at(line, "response") for line in lines), said, "the streamed text")


@with_tools("a called tool comes with its arguments as an object")
async def tools(t: Target) -> None:
    message = at(await _asked(t, tools=TOOLS, options={"temperature": 0, "num_predict": 100}), "message")
    for call in message.get("tool_calls") or ():
        text(at(call, "function", "name"), "name")
        require(isinstance(at(call, "function", "arguments"), dict), "an object as arguments", call)
    text(at(message, "content"), "content")


@with_tools("a call and its result are taken as history")
async def tool_result(t: Target) -> None:
    call = {"function": {"name": next(iter(SCHEMAS)), "arguments": {"city": "Ulm", "unit": "celsius"}}}
    turns = [
        {"role": "user", "content": "What is the weather in Ulm?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_name": "get_weather", "content": "sunny"},
    ]
    at(await _asked(t, messages=turns), "message", "content")


@scenario.needing(Feature.JSON_SCHEMA)("format: a schema is followed")
async def json_schema(t: Target) -> None:
    answer = await _asked(t, format=PERSON, options={"temperature": 0, "num_predict": 300})
    fits(parsed(at(answer, "message", "content"), "content"), PERSON, "content")


@scenario.on(Endpoint.EMBEDDINGS)("/api/embed has a vector for each input")
async def embed(t: Target) -> None:
    reply = await t.post("/api/embed", {"model": t.model, "input": ["red", "blue"]})
    if reply.status == 404 and not t.is_polychat:
        raise NotApplicable("/api/embed is answered with 404")
    answer = reply.ok()
    equal(len(at(answer, "embeddings")), 2, "embeddings")
    count(at(answer, "prompt_eval_count"), "prompt_eval_count")


@scenario("an unknown model is a 404 with `error` as text")
async def unknown_model(t: Target) -> None:
    _check_error(await t.post(OLLAMA, _body(t) | {"model": "no-such-model"}), 404)


@scenario("a body that is no JSON is a 400 with `error` as text")
async def broken_json(t: Target) -> None:
    _check_error(await t.post(OLLAMA, b"{"), 400)


def _known(model: str, names: list[str]) -> bool:
    """Ollama's names end with a tag, which may be left out when it is "latest"."""
    return model in names or f"{model}:latest" in names


def _body(t: Target, **fields: Json) -> dict[str, Json]:
    messages = [{"role": "user", "content": "Tell me a long story about a dog."}]
    return {"model": t.model, "messages": messages, "options": _SHORT, **fields}


async def _asked(t: Target, **fields: Json) -> Json:
    return (await t.post(OLLAMA, _body(t, stream=False, **fields))).ok()


def _lines(reply: Reply) -> list[Json]:
    """The documents of a stream; only the last one is done."""
    if reply.status != 200:
        reply.ok()
    kind = reply.headers.get("content-type", "")
    require(kind.startswith("application/x-ndjson"), "content type application/x-ndjson", kind)
    try:
        lines = [json.loads(line) for line in reply.body.splitlines()]
    except ValueError:
        raise Departure("JSON in each line", Said(repr(reply.body[:100]))) from None
    equal([at(line, "done") for line in lines], [False] * (len(lines) - 1) + [True], "done")
    return lines


def _check_error(reply: Reply, status: int) -> None:
    equal(reply.status, status, "status")
    require(text(at(reply.json, "error"), "error"), "a message", reply.json)
