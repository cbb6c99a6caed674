"""What is refused, and in which words: OpenAI's error object, the right status, code and param."""

from polychat.conformance.applies import ANY
from polychat.conformance.departure import Departure, Json, NotApplicable, Said, require
from polychat.conformance.scenario import Area, Scenario
from polychat.conformance.target import Target, error_of
from polychat.types import Endpoint

scenario = Area("errors")
anywhere = scenario.on(ANY)
_ABSENT = "no-such/model-at-all"


@anywhere("an unknown model is a 404 with code model_not_found")
async def unknown_model(t: Target) -> None:
    body = t.chat_body() | {"model": _ABSENT}
    await t.refused(Endpoint.CHAT, body, status=404, code="model_not_found")


@anywhere("an unknown model is a 404 in a stream's place too")
async def unknown_model_streamed(t: Target) -> None:
    body = t.chat_body(stream=True) | {"model": _ABSENT}
    await t.refused(Endpoint.CHAT, body, status=404, code="model_not_found")


@anywhere("an unknown model is a 404 on /v1/embeddings too")
async def unknown_model_of_embeddings(t: Target) -> None:
    body = {"model": _ABSENT, "input": "hi"}
    await t.refused(Endpoint.EMBEDDINGS, body, status=404, code="model_not_found")


@anywhere("an unknown path is a 404 with an error object")
async def unknown_path(t: Target) -> None:
    error_of(await t.post("/v1/chat/nothing", {}), 404)


@anywhere("a known path with the wrong method is a 405 with an error object and an Allow header")
async def wrong_method(t: Target) -> None:
    reply = await t.send("PUT", Endpoint.CHAT, {})
    error_of(reply, 405)
    allowed = reply.headers.get("allow", "")
    require("POST" in allowed, "an Allow header with POST", allowed)


@anywhere("a body that is no JSON by its content type is a 415")
async def wrong_content_type(t: Target) -> None:
    headers = {"content-type": "application/xml"}
    error_of(await t.send("POST", Endpoint.CHAT, b"<a/>", headers), 415)


@anywhere("a wrong key is a 401 with code invalid_api_key")
async def wrong_key(t: Target) -> None:
    reply = await t.send("GET", "/v1/models", headers={"authorization": "Bearer wrong"})
    if reply.status == 200:
        raise NotApplicable("any key will do here")
    error = error_of(reply, 401)
    require(error["code"] == "invalid_api_key", "code invalid_api_key", error)


@anywhere("a key is taken in the x-api-key header too, as Anthropic's clients send it")
async def key_in_x_api_key(t: Target) -> None:
    key = t.http.headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise NotApplicable("no key was given to try it with")
    answer = await t.http.get(f"{t.base_url}/v1/models", headers={"authorization": "", "x-api-key": key})
    require(answer.status_code == 200, "status 200", Said(str(answer.status_code)))


@scenario("a field that nobody knows is let through")
async def unknown_field(t: Target) -> None:
    await t.chat(max_tokens=2, x_nobody_knows_this={"a": [1]})


@scenario("a prompt longer than the context is a 400 with code context_length_exceeded and the number")
async def context_length_exceeded(t: Target) -> None:
    length = t.card.get("max_model_len") or t.card.get("context_length")
    if not isinstance(length, int) or length > 200_000:
        raise NotApplicable("the context length is not known, or too long to fill")
    body = t.chat_body("a b c d " * length)
    error = await t.refused(Endpoint.CHAT, body, code="context_length_exceeded")
    require(str(length) in error["message"], f"the number {length} in the message", error["message"])


def _bad_field(name: str, field: str, changes: Json, *, param: str = "") -> Scenario:
    """A chat request with one thing wrong is a 400 that names the field."""

    async def run(t: Target) -> None:
        body = t.chat_body() | changes
        kept = {key: value for key, value in body.items() if value is not None}
        await t.refused(Endpoint.CHAT, kept, param=param or field)

    return scenario(f"{name.replace('_', ' ')} is a 400 with param {param or field!r}", name=name)(run)


_BAD_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
BAD_FIELDS = (
    _bad_field("no_model", "model", {"model": None}),
    _bad_field("no_messages", "messages", {"messages": None}),
    _bad_field("empty_messages", "messages", {"messages": []}),
    _bad_field("unknown_role", "messages", {"messages": [{"role": "nobody", "content": "hi"}]}),
    _bad_field("user_without_content", "messages", {"messages": [{"role": "user"}]}),
    _bad_field("number_as_content", "messages", {"messages": [{"role": "user", "content": 7}]}),
    _bad_field("temperature_too_high", "temperature", {"temperature": 2.5}),
    _bad_field("temperature_too_low", "temperature", {"temperature": -0.1}),
    _bad_field("top_p_too_high", "top_p", {"top_p": 1.5}),
    _bad_field("n_of_zero", "n", {"n": 0}),
    _bad_field("max_tokens_of_zero", "max_tokens", {"max_tokens": 0}),
    _bad_field("max_tokens_negative", "max_tokens", {"max_tokens": -1}),
    _bad_field("presence_penalty_too_high", "presence_penalty", {"presence_penalty": 2.1}),
    _bad_field("frequency_penalty_too_low", "frequency_penalty", {"frequency_penalty": -2.1}),
    _bad_field("logit_bias_too_high", "logit_bias", {"logit_bias": {"1": 101}}),
    _bad_field("top_logprobs_too_many", "top_logprobs", {"logprobs": True, "top_logprobs": 21}),
    _bad_field("top_logprobs_alone", "top_logprobs", {"top_logprobs": 2}),
    _bad_field("five_stops", "stop", {"stop": ["a", "b", "c", "d", "e"]}),
    _bad_field("seed_as_text", "seed", {"seed": "x"}),
    _bad_field("stream_as_text", "stream", {"stream": "yes"}),
    _bad_field(
        "stream_options_without_stream", "stream_options", {"stream_options": {"include_usage": True}}
    ),
    _bad_field("unknown_response_format", "response_format", {"response_format": {"type": "poem"}}),
    _bad_field("tool_choice_without_tools", "tool_choice", {"tool_choice": "required"}),
    _bad_field(
        "tool_choice_of_an_absent_tool",
        "tool_choice",
        {"tools": [_BAD_TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
    ),
)


def _bad_body(name: str, body: bytes) -> Scenario:
    """A body that is no good JSON is a 400."""

    async def run(t: Target) -> None:
        model = t.model.encode()
        error_of(await t.send("POST", Endpoint.CHAT, body.replace(b"MODEL", model)), 400)

    return scenario(f"a body with {name.replace('_', ' ')} is a 400, never a 500", name=name)(run)


_HI = b'"messages":[{"role":"user","content":"hi"}]'
BAD_BODIES = (
    _bad_body("nothing", b""),
    _bad_body("broken_json", b'{"model":"MODEL",'),
    _bad_body("a_list", b"[]"),
    _bad_body("invalid_utf8", b'{"model":"MODEL","messages":[{"role":"user","content":"\xff\xfe"}]}'),
    _bad_body("a_lone_surrogate", b'{"model":"MODEL","messages":[{"role":"user","content":"\\ud800"}]}'),
    _bad_body("not_a_number", b'{"model":"MODEL","temperature":NaN,' + _HI + b"}"),
    _bad_body("infinity", b'{"model":"MODEL","temperature":Infinity,' + _HI + b"}"),
    _bad_body("a_huge_number", b'{"model":"MODEL","max_tokens":' + b"9" * 400 + b"," + _HI + b"}"),
    _bad_body("deep_nesting", b'{"model":"MODEL",' + _HI + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    _bad_body("duplicate_keys", b'{"model":"MODEL",' + _HI + b',"n":1,"n":2}'),
)


@scenario("NUL characters in a text are no reason for a 500")
async def nul_characters(t: Target) -> None:
    reply = await t.post(Endpoint.CHAT, t.chat_body("a\0b", max_tokens=2))
    if reply.status not in (200, 400):
        raise Departure("status 200 or 400", Said(str(reply.status)))
