"""The echo engine over HTTP, as gateways and the SDK meet it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import openai
import pytest

from polychat.engines.base import Engine
from polychat.engines.catalog import open_engine
from polychat.engines.spec import EchoSpeed, EngineSpec
from polychat.errors import SetupError
from tests.support.polling import eventually
from tests.support.processes import free_port

AT_ONCE = EchoSpeed(tokens_per_s=0)
SLOW = EchoSpeed(tokens_per_s=20)
MESSAGES: list[openai.types.chat.ChatCompletionMessageParam] = [
    {"role": "user", "content": "one two three four"}
]


@asynccontextmanager
async def echo(speed: EchoSpeed = AT_ONCE, *, slots: int | None = None) -> AsyncIterator[Engine]:
    engine = open_engine(
        EngineSpec(secret="s3cret", engine="echo", port=free_port(), slots=slots, echo=speed)
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def sdk(engine: Engine) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{engine.url}/v1", api_key="s3cret", max_retries=0, timeout=20)


async def test_a_chat_is_answered_with_what_was_asked() -> None:
    async with echo() as engine, sdk(engine) as client:
        answer = await client.chat.completions.create(model="echo", messages=MESSAGES, n=2)
    assert [choice.message.content for choice in answer.choices] == ["one two three four"] * 2
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 8)


async def test_a_stream_has_no_null_text_and_ends_with_usage_when_asked() -> None:
    async with echo() as engine, sdk(engine) as client:
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    *said, usage = chunks
    texts = [chunk.choices[0].delta.content for chunk in said]
    assert None not in texts
    assert "".join(text or "" for text in texts) == "one two three four"
    assert said[0].choices[0].delta.role == "assistant"
    assert said[-1].choices[0].finish_reason == "stop"
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.completion_tokens == 4
    assert {(chunk.id, chunk.created, chunk.object, chunk.model) for chunk in chunks} == {
        (usage.id, usage.created, "chat.completion.chunk", "m")
    }


async def test_completions_stream_and_count() -> None:
    async with echo() as engine, sdk(engine) as client:
        whole = await client.completions.create(model="m", prompt=["a b", "c"], max_tokens=1)
        stream = await client.completions.create(model="m", prompt="a b", stream=True)
        said = "".join([chunk.choices[0].text async for chunk in stream])
    assert [(choice.text, choice.finish_reason) for choice in whole.choices] == [
        ("a", "length"),
        ("c", "stop"),
    ]
    assert said == "a b"


async def test_embeddings_reach_the_sdk() -> None:
    async with echo() as engine, sdk(engine) as client:
        answer = await client.embeddings.create(model="m", input=["a", "b"])
    assert [len(item.embedding) for item in answer.data] == [64, 64]


async def test_tool_calls_reach_the_sdk_streamed_and_not() -> None:
    ask: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "user", "content": 'call clock {"zone": "UTC"}'}
    ]
    tools: list[openai.types.chat.ChatCompletionToolParam] = [
        {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
    ]
    async with echo() as engine, sdk(engine) as client:
        whole = await client.chat.completions.create(model="m", messages=ask, tools=tools)
        async with client.chat.completions.stream(model="m", messages=ask, tools=tools) as stream:
            streamed = await stream.get_final_completion()
    for answer in (whole, streamed):
        (call,) = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, call.function.arguments) == ("clock", '{"zone": "UTC"}')
        assert answer.choices[0].finish_reason == "tool_calls"


async def test_ids_of_tokens_are_a_prompt() -> None:
    async with echo() as engine, http(engine) as client:
        ids = (await client.post("/tokenize", json={"prompt": "one two"})).json()["tokens"]
        answer = await client.post("/v1/completions", json={"prompt": ids})
        text = await client.post("/detokenize", json={"tokens": ids})
    assert answer.json()["choices"][0]["text"] == text.json()["prompt"] == "one two"
    assert answer.json()["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v1/rerank", {"query": "a", "documents": ["a"]}, "results"),
        ("/v1/score", {"text_1": "a", "text_2": "a"}, "data"),
        ("/v1/classify", {"input": "a"}, "data"),
    ],
)
async def test_texts_are_compared_and_sorted(path: str, body: dict[str, object], key: str) -> None:
    async with echo() as engine, http(engine) as client:
        answer = (await client.post(path, json=body | {"model": "m"})).json()
    assert [item["index"] for item in answer[key]] == [0]
    assert answer["model"] == "m"


async def test_200_streams_at_once_all_end_and_have_their_own_ids() -> None:
    async def one(client: httpx.AsyncClient, number: int) -> str:
        body = {"messages": [{"role": "user", "content": f"number {number}"}], "stream": True}
        response = await client.post("/v1/chat/completions", json=body)
        assert f'" {number}"' in response.text
        assert response.text.endswith("data: [DONE]\n\n")
        return response.text.split('"id":"')[1].split('"')[0]

    async with echo(EchoSpeed(tokens_per_s=100), slots=200) as engine, http(engine) as client:
        ids = await asyncio.gather(*(one(client, number) for number in range(200)))
    assert len(set(ids)) == 200


async def test_when_the_client_leaves_the_slot_is_free_at_once() -> None:
    body = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 10_000, "ignore_eos": True}
    async with echo(SLOW, slots=1) as engine, http(engine) as client:
        for stream in (True, False):
            request = asyncio.create_task(client.post("/v1/chat/completions", json=body | {"stream": stream}))
            await eventually(lambda: running(engine, 1))
            request.cancel()
            await eventually(lambda: running(engine, 0), timeout_s=1.0)


async def test_requests_beyond_the_slots_wait_and_are_counted() -> None:
    async with echo(SLOW, slots=1) as engine, http(engine) as client:
        ask = {"messages": MESSAGES}
        both = [asyncio.create_task(client.post("/v1/chat/completions", json=ask)) for _ in range(2)]
        await eventually(lambda: waiting(engine, 1))
        assert [response.status_code for response in await asyncio.gather(*both)] == [200, 200]
        load = await engine.load()
    assert (load.running, load.waiting, load.output_tokens_total) == (0, 0, 8)


async def test_speed_is_as_told() -> None:
    async with echo(EchoSpeed(tokens_per_s=20, ttft_s=0.2)) as engine, sdk(engine) as client:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await client.chat.completions.create(model="m", messages=MESSAGES)
        assert 0.34 < loop.time() - began_s < 1.5  # 0.2 s to the first token, three gaps of 0.05 s


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "word"),
    [
        ("/v1/chat/completions", b"{}", {"authorization": "Bearer wrong"}, 401, "gateways"),
        ("/v1/chat/completions", b"{", {}, 400, "not JSON"),
        ("/v1/chat/completions", b"[]", {}, 400, "JSON object"),
        ("/v1/chat/completions", b"{}", {}, 400, "'messages'"),
        ("/v1/nothing", b"{}", {}, 404, "Unknown request URL"),
        ("/v1/audio/speech", b"{}", {}, 404, "Unknown request URL"),
    ],
)
async def test_errors_have_openais_form(
    path: str, content: bytes, headers: dict[str, str], status: int, word: str
) -> None:
    async with echo() as engine, http(engine) as client:
        response = await client.post(path, content=content, headers=headers)
    assert response.status_code == status
    assert word in response.json()["error"]["message"]


async def test_a_taken_port_is_named_with_its_flag() -> None:
    async with echo() as engine:
        port = int(engine.url.rpartition(":")[2])
        with pytest.raises(SetupError, match=rf"port {port} on 127\.0\.0\.1 is taken; .*--port"):
            await open_engine(EngineSpec(secret="s", engine="echo", port=port)).start()


def http(engine: Engine) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=engine.url, headers={"authorization": "Bearer s3cret"}, timeout=30, trust_env=False
    )


async def running(engine: Engine, number: int) -> bool:
    return (await engine.load()).running == number


async def waiting(engine: Engine, number: int) -> bool:
    return (await engine.load()).waiting == number
