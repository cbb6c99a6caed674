"""The typed errors of Anthropic's SDK, and the bytes on both sides of the gateway."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import pytest

from tests.support.fake_engine import Script, answer, event, reset, stream
from tests.support.gateway_site import Site

ASKED: Any = {"model": "fake", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
VERSION = {"anthropic-version": "2023-06-01"}


@pytest.fixture
async def client(site: Site) -> AsyncIterator[anthropic.AsyncAnthropic]:
    http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
    async with anthropic.AsyncAnthropic(
        base_url=site.api_url, api_key="any", http_client=http, max_retries=0, timeout=20
    ) as client:
        yield client


def refusing(status: int, message: str = "no such voice") -> Script:
    return answer(json.dumps({"error": {"message": message}}).encode(), status=status)


@pytest.mark.parametrize(
    ("script", "kind", "type_"),
    [
        (refusing(400), anthropic.BadRequestError, "invalid_request_error"),
        (refusing(429), anthropic.RateLimitError, "rate_limit_error"),
        (refusing(500), anthropic.InternalServerError, "api_error"),
        (refusing(503), anthropic.ServiceUnavailableError, "overloaded_error"),
        (reset, anthropic.InternalServerError, "api_error"),
    ],
)
async def test_an_engines_error_is_a_typed_exception(
    site: Site, client: anthropic.AsyncAnthropic, script: Script, kind: type[Exception], type_: str
) -> None:
    async with site.engines(script):
        with pytest.raises(kind) as caught:
            await client.messages.create(**ASKED)
    assert isinstance(caught.value, anthropic.APIStatusError)
    assert caught.value.type == type_
    assert caught.value.request_id
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["request_id"] == caught.value.request_id


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"max_tokens": 0}, anthropic.BadRequestError, "'max_tokens'"),
        ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, anthropic.BadRequestError, "content"),
        ({"model": "nobody"}, anthropic.NotFoundError, "not_found_error"),
        ({"system": "x" * 1_100_000}, anthropic.ContentTooLargeError, "request_too_large"),
    ],
)
async def test_a_request_that_will_not_do_is_a_typed_exception(
    client: anthropic.AsyncAnthropic, fields: dict[str, object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await client.messages.create(**ASKED | fields)


async def test_a_model_that_nobody_serves_is_not_found(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        await client.models.retrieve("nobody")
    assert caught.value.type == "not_found_error"


@pytest.mark.parametrize(
    ("method", "path", "status", "type_"),
    [
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("GET", "/v1/messages/batches", 404, "not_found_error"),
        ("DELETE", "/v1/models", 405, "invalid_request_error"),
    ],
)
async def test_routes_that_are_none_are_told_in_anthropics_shape(
    http: httpx.AsyncClient, method: str, path: str, status: int, type_: str
) -> None:
    response = await http.request(method, path, headers=VERSION)
    assert (response.status_code, response.json()["error"]["type"]) == (status, type_)
    assert response.json()["request_id"] == response.headers["request-id"]


async def test_a_stream_that_breaks_raises_in_the_middle(
    site: Site, client: anthropic.AsyncAnthropic
) -> None:
    said: list[str] = []

    async def read() -> None:
        async with client.messages.stream(**ASKED) as events:
            async for text in events.text_stream:
                said.append(text)

    async with site.engines(stream(event("Hel"), event("lo"), is_complete=False)):
        with pytest.raises(anthropic.APIStatusError, match="broke off") as caught:
            await read()
    assert said == ["Hel", "lo"]
    assert caught.value.type == "api_error"


async def test_an_engines_own_error_in_mid_stream_is_an_error_event(
    site: Site, http: httpx.AsyncClient
) -> None:
    failing = stream(event("Hel"), b'data: {"error":{"message":"out of memory"}}\n\n')
    async with site.engines(failing):
        response = await http.post("/v1/messages", json=ASKED | {"stream": True})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    name, data = response.text.removesuffix("\n\n").split("\n\n")[-1].split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"] == {
        "type": "api_error",
        "message": "out of memory",
    }


async def test_an_engine_that_fails_before_it_says_anything_fails_the_request(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(stream(b'data: {"error":{"message":"out of memory"}}\n\n')):
        response = await http.post("/v1/messages", json=ASKED | {"stream": True})
    assert (response.status_code, response.json()["error"]["type"]) == (500, "api_error")


async def test_the_query_of_beta_clients_is_nobodys_business(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(stream(event("Hé"), event("", finish_reason="stop"))) as [engine]:
        response = await http.post("/v1/messages?beta=true", json=ASKED | {"stream": True})
    assert '"text":"Hé"' in response.text
    asked = json.loads(engine.received[0].body)
    assert asked == {
        "model": "fake",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_tokens_are_counted_by_the_replica(site: Site, client: anthropic.AsyncAnthropic) -> None:
    counting = answer(b'{"count":7,"tokens":[1,2,3,4,5,6,7],"max_model_len":10}')
    request = {"model": "fake", "messages": ASKED["messages"]}
    async with site.engines(counting, endpoints=frozenset({"/tokenize"})) as [engine]:
        assert (await client.messages.count_tokens(**request)).input_tokens == 7
    assert (engine.received[0].path, json.loads(engine.received[0].body)) == ("/tokenize", request)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_an_engine_that_answers_nonsense_is_to_blame(
    site: Site, http: httpx.AsyncClient, path: str
) -> None:
    async with site.engines(answer(b"<html>"), endpoints=frozenset({"/tokenize", "/v1/chat/completions"})):
        response = await http.post(path, json=ASKED)
    assert response.status_code in (500, 502)
    assert "engine" in response.text or "replica" in response.text


async def test_openais_clients_still_see_their_own_errors(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/models/nobody")
    assert response.json()["error"]["code"] == "model_not_found"
