"""Clients in front of a gateway that works, scripted engines behind it."""

import asyncio
import json

import httpx
import openai
import pytest

from polychat.types import Endpoint, Load
from tests.support.fake_engine import (
    SSE_HEAD,
    Call,
    answer,
    event,
    hang,
    stream,
)
from tests.support.gateway_site import CHAT, Site
from tests.support.polling import eventually

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "fake",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
ANSWER = answer(json.dumps(COMPLETION).encode())


async def test_the_sdk_gets_a_chat_a_completion_and_the_list_of_models(site: Site) -> None:
    async with site.engines(ANSWER, names=("org/fake", "fake")), site.sdk() as sdk:
        chat = await sdk.chat.completions.create(model="fake", messages=[{"role": "user", "content": "hi"}])
        assert chat.choices[0].message.content == "Hello."
        assert (await sdk.completions.create(model="org/fake", prompt="hi")).usage is not None
        assert [model.id async for model in sdk.models.list()] == ["org/fake", "fake"]
        assert (await sdk.models.retrieve("org/fake")).owned_by == "polychat"


async def test_the_sdk_reads_a_stream_to_its_end(site: Site) -> None:
    pieces = [event(""), event("Hel") + event("lo"), event("", finish_reason="stop")]
    async with site.engines(stream(*pieces)), site.sdk() as sdk:
        chunks = await sdk.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        assert [chunk.choices[0].delta.content async for chunk in chunks] == ["", "Hel", "lo", ""]


async def test_a_stream_is_relayed_byte_for_byte_however_it_was_split(
    site: Site, http: httpx.AsyncClient
) -> None:
    body = b": ping\n\n" + event("a") + event("é") + b"data: [DONE]\n\n"
    pieces = [body[i : i + 7] for i in range(0, len(body), 7)]

    async def split(call: Call) -> None:
        await call.send(SSE_HEAD)
        for piece in pieces:
            await call.chunk(piece)
        await call.chunk(b"")

    async with site.engines(split):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content == body
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-request-id"].startswith("req_")


async def test_a_stream_of_more_choices_than_slots_is_several_of_the_engines_and_ends_once(
    site: Site, http: httpx.AsyncClient
) -> None:
    asked = CHAT | {"stream": True, "n": 3, "seed": 1}
    async with site.engines(stream(event("a")), engine="llamacpp", load=Load(slots=2)) as (engine,):
        response = await http.post("/v1/chat/completions", json=asked)
        bodies = [json.loads(received.body) for received in engine.received]
    assert [(body["n"], body["seed"]) for body in bodies] == [(2, 1), (1, 3)]
    *chunks, end = response.text.removesuffix("\n\n").split("\n\n")
    indexes = [json.loads(chunk.removeprefix("data: "))["choices"][0]["index"] for chunk in chunks]
    assert (indexes, end) == ([0, 2], "data: [DONE]")


async def test_a_stream_whose_later_part_breaks_off_ends_with_one_error(
    site: Site, http: httpx.AsyncClient
) -> None:
    parts = iter([stream(event("a")), stream(event("b"), is_complete=False)])

    async def play(call: Call) -> None:
        await next(parts)(call)

    async with site.engines(play, engine="llamacpp", load=Load(slots=2)):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True, "n": 3})
    *chunks, end = response.text.removesuffix("\n\n").split("\n\n")
    assert len(chunks) == 2
    assert end.startswith('data: {"error"')


async def test_the_body_reaches_the_engine_as_it_was_sent(site: Site, http: httpx.AsyncClient) -> None:
    body = b'{ "my_field":[1.50], "model":"fake","messages":[{"role":"user","content":"hi"}] }'
    async with site.engines(ANSWER) as [engine]:
        assert (await http.post("/v1/chat/completions", content=body)).status_code == 200
    [received] = engine.received
    assert received.body == body
    assert received.headers["authorization"] == "Bearer s3cret"


async def test_a_client_that_leaves_a_stream_frees_the_engine(site: Site, http: httpx.AsyncClient) -> None:
    async def endless(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("Hello"))
        await hang(call)

    async with site.engines(endless) as [engine]:
        async with http.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as response:
            assert b"Hello" in await anext(response.aiter_bytes())
        await engine.wait_until(lambda: engine.num_hung_up == 1)
        await site.until(in_flight=0)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_client_that_leaves_before_the_first_byte_frees_the_engine(
    site: Site, is_stream: bool
) -> None:
    async with site.engines(hang) as [engine]:
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(site.api_url).port)
        body = json.dumps(CHAT | {"stream": is_stream}).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await engine.wait_until(lambda: engine.received)
        writer.close()
        await engine.wait_until(lambda: engine.num_hung_up == 1)
        await site.until(in_flight=0)


async def test_embeddings_of_a_model_that_makes_none_are_501(site: Site, http: httpx.AsyncClient) -> None:
    async with site.engines(ANSWER):
        response = await http.post("/v1/embeddings", json={"model": "fake", "input": "hi"})
    assert (response.status_code, response.json()["error"]["code"]) == (501, "not_implemented")


async def test_embeddings_are_relayed_where_a_replica_offers_them(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(answer(b'{"data":[]}'), endpoints=frozenset({Endpoint.EMBEDDINGS})) as [engine]:
        assert (await http.post("/v1/embeddings", json={"model": "fake", "input": "hi"})).json() == {
            "data": []
        }
    assert engine.received[0].path == "/v1/embeddings"


async def test_200_chats_at_once_are_all_answered_each_with_its_own(site: Site) -> None:
    async def echo(call: Call) -> None:
        text = json.loads(call.received.body)["messages"][0]["content"]
        await stream(event(text, id_=f"chatcmpl-{text}"), event("", finish_reason="stop"))(call)

    async def ask(sdk: openai.AsyncOpenAI, text: str) -> tuple[str, str]:
        chunks = await sdk.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": text}], stream=True
        )
        got = [(chunk.id, chunk.choices[0].delta.content or "") async for chunk in chunks]
        return got[0]

    async with site.engines(echo, echo) as engines, site.sdk() as sdk:
        answers = await asyncio.gather(*(ask(sdk, f"n{i}") for i in range(200)))
        await site.until(in_flight=0)
    assert answers == [(f"chatcmpl-n{i}", f"n{i}") for i in range(200)]
    assert min(len(engine.received) for engine in engines) > 50


async def test_a_client_that_never_reads_stops_the_engine_and_not_the_gateways_memory(site: Site) -> None:
    sent_bytes = 0

    async def flood(call: Call) -> None:
        nonlocal sent_bytes
        await call.send(SSE_HEAD)
        while True:
            await call.chunk(event("x" * 50_000))
            sent_bytes += 50_000

    async with site.engines(flood) as [engine]:
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(site.api_url).port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a Transport, which can
        body = json.dumps(CHAT | {"stream": True}).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        settled_bytes = -1
        while settled_bytes != sent_bytes or not sent_bytes:
            settled_bytes = sent_bytes
            await asyncio.sleep(0.2)
        assert (
            settled_bytes < 32 * 1024 * 1024
        )  # what the kernel's buffers and the gateway's take, and no more
        writer.transport.abort()
        await engine.wait_until(lambda: engine.num_hung_up == 1)
        await site.until(in_flight=0)


async def test_the_controller_learns_what_was_in_kv_caches(site: Site, http: httpx.AsyncClient) -> None:
    usage = {"prompt_tokens": 30, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 24}}
    async with site.engines(answer(json.dumps(COMPLETION | {"usage": usage}).encode())):
        await http.post("/v1/chat/completions", json=CHAT)

        async def has_learnt() -> bool:
            [replica] = (await http.get(f"{site.controller_url}/replicas")).json()
            return bool(replica["prefix"] == {"prompt_tokens": 30, "cached_tokens": 24})

        await eventually(has_learnt)
