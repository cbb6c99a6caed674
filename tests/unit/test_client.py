"""The client against a scripted API: what it sends, what it reads, and which error each failure becomes."""

import json
from collections.abc import Callable

import httpx
import pytest

from polychat.client import (
    AnswerCutOff,
    ApiError,
    ApiUnreachable,
    Client,
    Delta,
    Message,
    ModelCard,
    SamplingOptions,
    Usage,
    normal_url,
)
from polychat.errors import SetupError

HELLO = [Message("user", "Hello")]
Respond = Callable[[httpx.Request], httpx.Response]


def client(respond: Respond, *, api_key: str = "") -> Client:
    return Client("http://api:8000", api_key=api_key, transport=httpx.MockTransport(respond))


def stream(*events: object, done: bool = True) -> Respond:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"] * done
    headers = {"content-type": "text/event-stream"}
    return lambda _: httpx.Response(200, headers=headers, content="".join(lines).encode())


def chunk(text: str | None = None, finish_reason: str | None = None, **delta: str) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish_reason}]}


def fail(error: type[httpx.TransportError], message: str = "") -> Respond:
    def respond(request: httpx.Request) -> httpx.Response:
        raise error(message, request=request)

    return respond


async def answer(api: Client, options: SamplingOptions | None = None) -> list[Delta]:
    deltas = api.stream_chat(model="m", messages=HELLO, options=options or SamplingOptions())
    async with api:
        return [delta async for delta in deltas]


async def test_the_model_list_keeps_the_apis_order_and_tells_other_names_from_ids() -> None:
    cards = [{"id": "a/b", "root": "a/b", "max_model_len": 2048}, {"id": "b", "root": "a/b"}, {"id": "c"}]
    async with client(lambda _: httpx.Response(200, json={"object": "list", "data": cards})) as api:
        assert await api.models() == [
            ModelCard("a/b", "a/b", 2048),
            ModelCard("b", "a/b", None),
            ModelCard("c", "c", None),
        ]


async def test_a_stream_yields_text_finish_reason_reasoning_and_usage() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    events = [
        chunk(""),
        chunk("Hi"),
        chunk(None, reasoning_content="hm"),
        chunk("", "stop"),
        {"choices": [], "usage": usage},
    ]
    assert await answer(client(stream(*events))) == [
        Delta("", None),
        Delta("Hi", None),
        Delta("", None, reasoning="hm"),
        Delta("", "stop"),
        Delta("", None, usage=Usage(3, 2)),
    ]


async def test_only_the_options_that_are_set_are_sent() -> None:
    sent: list[dict[str, object]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return stream(chunk("x", "stop"))(request)

    await answer(client(respond), SamplingOptions(temperature=0.0, stop=("\n",)))
    assert sent == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "Hello"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.0,
            "stop": ["\n"],
        }
    ]


async def test_the_key_is_sent_as_a_bearer_and_nothing_is_sent_without_one() -> None:
    seen: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"data": []})

    for key in ("sk-1", ""):
        async with client(respond, api_key=key) as api:
            await api.models()
    assert seen == ["Bearer sk-1", None]


async def test_a_refusal_carries_the_servers_own_message_status_code_and_retry_after() -> None:
    body = {"error": {"message": "Busy. Try again.", "type": "server_error", "param": None, "code": "busy"}}
    api = client(lambda _: httpx.Response(503, json=body, headers={"retry-after": "2"}))
    with pytest.raises(ApiError, match=r"^Busy\. Try again\.$") as caught:
        await answer(api)
    error = caught.value
    assert (error.status, error.code, error.retry_after_s) == (503, "busy", 2.0)


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"", b'{"error": "text"}', b'{"error":{"message":"\xff"}}']
)
async def test_a_refusal_that_is_not_in_the_envelope_names_the_url_and_status(body: bytes) -> None:
    with pytest.raises(ApiError, match=r"^http://api:8000 answered HTTP 502 Bad Gateway\.$"):
        await answer(client(lambda _: httpx.Response(502, content=body)))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
async def test_nothing_listening_names_the_url_and_the_fix(error: type[httpx.TransportError]) -> None:
    with pytest.raises(ApiUnreachable, match=r"Nothing answers at http://api:8000 .* `polychat api`"):
        await answer(client(fail(error, "refused")))


async def test_an_error_event_in_mid_stream_is_raised_after_the_text_before_it() -> None:
    error = {"error": {"message": "The replica died.", "code": "replica_error"}}
    async with client(stream(chunk("Once"), error)) as api:
        deltas = api.stream_chat(model="m", messages=HELLO, options=SamplingOptions())
        assert await anext(deltas) == Delta("Once", None)
        with pytest.raises(ApiError, match=r"^The replica died\.$") as caught:
            await anext(deltas)
    assert caught.value.code == "replica_error"


@pytest.mark.parametrize("done", [True, False])
async def test_a_stream_without_a_finish_reason_was_cut_off(done: bool) -> None:
    with pytest.raises(AnswerCutOff, match="The answer was cut off"):
        await answer(client(stream(chunk("Once"), done=done)))


async def test_a_connection_that_breaks_in_the_answer_was_cut_off() -> None:
    with pytest.raises(AnswerCutOff, match="the connection to http://api:8000 broke"):
        await answer(client(fail(httpx.RemoteProtocolError, "peer closed")))


async def test_a_silent_server_is_a_timeout() -> None:
    with pytest.raises(ApiError, match="did not answer in time") as caught:
        await answer(client(fail(httpx.ReadTimeout)))
    assert caught.value.status == 504


@pytest.mark.parametrize("content", [b"<html>", b'{"data": 5}', b'{"data": [{"id": "\xff"}]}'])
async def test_a_server_that_speaks_something_else_is_named(content: bytes) -> None:
    async with client(lambda _: httpx.Response(200, content=content)) as api:
        with pytest.raises(ApiError, match="not as an OpenAI-compatible API"):
            await api.models()


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("http://a:8000", "http://a:8000"),
        ("http://a:8000/v1", "http://a:8000"),
        ("http://a:8000/v1/", "http://a:8000"),
        ("a:8000", "http://a:8000"),
        (" https://a/llm/v1 ", "https://a/llm"),
    ],
)
def test_a_base_url_is_taken_in_any_usual_spelling(given: str, normal: str) -> None:
    assert normal_url(given) == normal


@pytest.mark.parametrize("given", ["", "http://", "ftp://a", "http://a:port"])
def test_a_bad_base_url_is_named(given: str) -> None:
    with pytest.raises(SetupError, match="is not a web address"):
        Client(given)


def test_a_key_that_no_header_can_hold_is_refused_at_once() -> None:
    with pytest.raises(SetupError, match="API key"):
        Client("http://a", api_key="schlüssel\n")
