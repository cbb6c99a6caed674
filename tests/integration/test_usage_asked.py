"""Token counts that engines are asked for though clients did not: what engines and clients see of it."""

import json

import httpx

from tests.support.fake_engine import Call, answer, event, stream
from tests.support.gateway_site import CHAT, Site

COUNTS = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = CHAT | {"stream": True}


def _options(body: bytes) -> object:
    return json.loads(body).get("stream_options")


async def test_an_engine_is_asked_and_the_client_sees_nothing_of_it(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(stream(event("Hi"), COUNTS)) as [engine]:
        response = await http.post("/v1/chat/completions", json=STREAM)
    assert response.content == event("Hi") + DONE
    assert _options(engine.received[0].body) == {"include_usage": True}


async def test_who_asks_sees_the_counts(site: Site, http: httpx.AsyncClient) -> None:
    asking = STREAM | {"stream_options": {"include_usage": True}}
    async with site.engines(stream(event("Hi"), COUNTS)):
        response = await http.post("/v1/chat/completions", json=asking)
    assert response.content == event("Hi") + COUNTS + DONE


async def test_counts_that_come_in_pieces_are_hidden_as_well(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(stream(event("Hi") + COUNTS[:20], COUNTS[20:40], COUNTS[40:])):
        response = await http.post("/v1/chat/completions", json=STREAM)
    assert response.content == event("Hi") + DONE


async def test_an_answer_that_does_not_stream_is_not_asked_for_counts(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(answer(b'{"choices":[]}')) as [engine]:
        await http.post("/v1/chat/completions", json=CHAT)
    assert _options(engine.received[0].body) is None


async def test_a_server_that_refuses_to_be_asked_is_asked_once(site: Site, http: httpx.AsyncClient) -> None:
    async def refuse(call: Call) -> None:
        if _options(call.received.body) is not None:
            await answer(b'{"error":{"message":"unknown field stream_options"}}', status=400)(call)
        else:
            await stream(event("Hi"))(call)

    async with site.engines(refuse) as [engine]:
        answers = [await http.post("/v1/chat/completions", json=STREAM) for _ in range(2)]
    assert [response.content for response in answers] == [event("Hi") + DONE] * 2
    asked = [_options(received.body) for received in engine.received]
    assert asked == [{"include_usage": True}, None, None]


async def test_a_client_that_is_refused_its_own_wish_is_told(site: Site, http: httpx.AsyncClient) -> None:
    refusal = answer(b'{"error":{"message":"unknown field stream_options"}}', status=400)
    async with site.engines(refusal):
        response = await http.post(
            "/v1/chat/completions", json=STREAM | {"stream_options": {"include_usage": True}}
        )
    assert response.status_code == 400
    assert "stream_options" in response.json()["error"]["message"]
