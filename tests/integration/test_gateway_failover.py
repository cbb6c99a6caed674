"""What clients see of replicas that die, refuse, start and go."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest

from polychat.routing.replica import ReplicaState
from tests.support.fake_engine import (
    SSE_HEAD,
    Call,
    FakeEngine,
    Script,
    announced,
    answer,
    event,
    replica_at,
    reset,
    stream,
)
from tests.support.gateway_site import CHAT, Site
from tests.support.processes import free_port

ANSWER = answer(b'{"choices":[{"message":{"content":"Hello."}}]}')


async def test_a_replica_that_dies_in_mid_stream_ends_the_stream_with_one_error_event(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(stream(event("Hel"), b'data: {"half', is_complete=False)):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content.startswith(event("Hel") + b'data: {"error":{')
        error = json.loads(response.content.removeprefix(event("Hel") + b"data: "))["error"]
        assert (error["type"], error["code"]) == ("server_error", "replica_error")


async def test_the_sdk_raises_when_a_replica_dies_in_mid_stream(site: Site) -> None:
    async with site.engines(stream(event("Hel"), is_complete=False)), site.sdk() as sdk:
        chunks = await sdk.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        assert (await anext(chunks)).choices[0].delta.content == "Hel"
        with pytest.raises(openai.APIError, match="broke off"):
            await anext(chunks)


async def test_a_stream_that_ends_without_its_last_event_is_an_error(
    site: Site, http: httpx.AsyncClient
) -> None:
    async def give_up(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("Hel"))
        await call.chunk(b"")

    async with site.engines(give_up):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content.count(b"data: ") == 2
        assert b"replica_error" in response.content


async def test_an_engine_that_says_it_failed_is_one_error_event_for_the_client(
    site: Site, http: httpx.AsyncClient
) -> None:
    own = b'data: {"error":{"message":"out of memory","type":"server_error","code":500}}\n\n'

    async def fail(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("Hel") + own)
        await call.chunk(b"")

    async with site.engines(fail):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content.startswith(event("Hel") + b'data: {"error":{')
        assert response.content.count(b"data: ") == 2
        assert b"out of memory" in response.content


async def test_what_an_engine_says_of_the_request_in_mid_stream_is_passed_on_as_it_is(
    site: Site, http: httpx.AsyncClient
) -> None:
    own = b'data: {"error":{"message":"too long","type":"invalid_request_error","code":400}}\n\n'

    async def refuse(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("Hel") + own)
        await call.chunk(b"")

    async with site.engines(refuse):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content == event("Hel") + own


async def test_a_stream_goes_on_at_another_replica_with_the_text_that_the_client_has(
    site: Site, http: httpx.AsyncClient
) -> None:
    asked: list[Any] = []

    async def begin_or_go_on(call: Call) -> None:
        asked.append(json.loads(call.received.body))
        script = stream(event("Hel"), is_complete=False) if len(asked) == 1 else stream(event("lo."))
        await script(call)

    async with site.engines(begin_or_go_on, begin_or_go_on):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True, "max_tokens": 9})
    texts = [
        json.loads(line[6:])["choices"][0]["delta"]["content"] for line in response.text.split("\n\n")[:2]
    ]
    assert texts == ["Hel", "lo."]
    assert response.text.endswith("data: [DONE]\n\n")
    assert asked[1]["messages"][-1] == {"role": "assistant", "content": "Hel"}
    assert (asked[1]["continue_final_message"], asked[1]["max_tokens"]) == (True, 8)


UNAVAILABLE = answer(b'{"error":{"message":"Loading model","code":503}}', status=503)


@pytest.mark.parametrize("failing", [reset, UNAVAILABLE, stream(is_complete=False)])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_replica_that_fails_before_the_first_byte_is_replaced_unseen(
    site: Site, http: httpx.AsyncClient, failing: Script, is_stream: bool
) -> None:
    works = stream(event("Hello")) if is_stream else ANSWER
    async with site.engines(failing, works) as [bad, good]:
        for _ in range(20):
            response = await http.post("/v1/chat/completions", json=CHAT | {"stream": is_stream})
            assert (response.status_code, b"Hello" in response.content) == (200, True)
    assert bad.received
    assert len(good.received) == 20


async def test_a_replica_that_refuses_connections_is_replaced_unseen(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with FakeEngine(ANSWER) as engine:
        dead = replica_at(f"http://127.0.0.1:{free_port()}")
        async with announced(site.controller_url, dead, replica_at(engine.url)):
            await site.until(replicas=2)
            for _ in range(20):
                assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 200
        await site.until(replicas=0)
    assert len(engine.received) == 20


async def test_no_replica_is_tried_twice_and_no_request_kills_more_than_two(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(reset, reset, reset) as engines:
        response = await http.post("/v1/chat/completions", json=CHAT)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "replica_error")
    assert sorted(len(engine.received) for engine in engines) == [0, 1, 1]


@pytest.mark.parametrize("status", [400, 500])
async def test_an_engines_other_errors_are_passed_on_and_never_retried(
    site: Site, http: httpx.AsyncClient, status: int
) -> None:
    refuse = answer(b'{"detail":"no such grammar"}', status=status)
    async with site.engines(refuse, refuse) as engines:
        response = await http.post("/v1/chat/completions", json=CHAT)
    assert response.status_code == status
    assert "no such grammar" in response.json()["error"]["message"]
    assert sum(len(engine.received) for engine in engines) == 1


async def test_a_model_that_is_starting_is_waited_for(site: Site, http: httpx.AsyncClient) -> None:
    async with FakeEngine(ANSWER) as engine:
        starting = replica_at(engine.url, state=ReplicaState.STARTING, detail="loading weights")
        async with announced(site.controller_url, starting) as change:
            await site.until(replicas=1)
            assert (await http.get("/v1/models")).json()["data"] == []
            waiting = asyncio.create_task(http.post("/v1/chat/completions", json=CHAT))
            await site.until(waiting=1)
            await change(replace(starting, state=ReplicaState.READY))
            assert (await waiting).status_code == 200
        await site.until(replicas=0)


async def test_a_model_that_stays_away_is_503_with_the_reason_and_when_to_retry(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(ANSWER, state=ReplicaState.STARTING, detail="loading weights"):
        response = await http.post("/v1/chat/completions", json=CHAT)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "loading weights" in response.json()["error"]["message"]


async def test_a_model_whose_last_replica_has_just_gone_is_503_and_not_unknown(
    site: Site, http: httpx.AsyncClient
) -> None:
    async with site.engines(ANSWER):
        pass
    assert (await http.post("/v1/chat/completions", json=CHAT)).status_code == 503
    unknown = await http.post("/v1/chat/completions", json=CHAT | {"model": "never-seen"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
