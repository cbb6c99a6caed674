"""A controller and a gateway as processes, scripted engines behind them, clients in front."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import openai
import pytest

from polychat.routing.replica import ReplicaState
from polychat.types import Endpoint
from tests.support.fake_engine import (
    SSE_HEAD,
    Call,
    FakeEngine,
    Script,
    announced,
    answer,
    event,
    hang,
    replica_at,
    reset,
    stream,
)
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_port, free_ports

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "fake",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
ANSWER = answer(json.dumps(COMPLETION).encode())


@dataclass
class Site:
    """Where the processes listen."""

    controller_url: str
    api_url: str

    @asynccontextmanager
    async def engines(self, *scripts: Script, **facts: object) -> AsyncIterator[list[FakeEngine]]:
        """One replica of the model "fake" for each script, known to the gateway; gone from it afterwards."""
        async with AsyncExitStack() as stack:
            engines = [await stack.enter_async_context(FakeEngine(script)) for script in scripts]
            replicas = [replica_at(engine.url, **facts) for engine in engines]
            async with announced(self.controller_url, *replicas):
                await self.until(replicas=len(engines))
                yield engines
            await self.until(replicas=0)

    async def health(self) -> dict[str, int]:
        async with httpx.AsyncClient(trust_env=False) as http:
            facts: dict[str, int] = (await http.get(f"{self.api_url}/health")).json()
            return facts

    async def until(self, **facts: int) -> None:
        """Until the gateway says so of itself."""

        async def says_so() -> bool:
            return facts.items() <= (await self.health()).items()

        await eventually(says_so)

    def sdk(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.api_url}/v1", api_key="any", max_retries=0, timeout=20)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    controller_port, api_port = free_ports(2)
    controller_url, api_url = f"http://127.0.0.1:{controller_port}", f"http://127.0.0.1:{api_port}"
    flags = ("--controller-address", controller_url, "--queue-timeout", "1", "--max-body-mb", "1")
    with (
        RoleProcess("controller", "--port", str(controller_port)) as controller,
        RoleProcess("api", "--port", str(api_port), *flags) as api,
    ):
        controller.wait_until_answers(f"{controller_url}/health")
        api.wait_until_answers(f"{api_url}/health")
        yield Site(controller_url, api_url)


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, base_url=site.api_url, timeout=20) as http:
        yield http


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


async def test_an_engines_own_error_event_is_not_followed_by_another(
    site: Site, http: httpx.AsyncClient
) -> None:
    own = b'data: {"error":{"message":"out of memory","type":"server_error","code":500}}\n\n'

    async def fail(call: Call) -> None:
        await call.send(SSE_HEAD)
        await call.chunk(event("Hel") + own)
        await call.chunk(b"")

    async with site.engines(fail):
        response = await http.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.content == event("Hel") + own


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
