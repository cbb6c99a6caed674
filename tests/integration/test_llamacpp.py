"""llama.cpp in its child process: starts, answers, dies, comes back, leaves nothing."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from polychat import sse
from polychat.engines import models
from polychat.engines.base import EngineUnresponsive, RequestView
from polychat.engines.catalog import open_engine
from polychat.engines.dialects import dialect_of
from polychat.engines.llamacpp.engine import LlamaCpp
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.errors import EngineStartError, SetupError
from polychat.types import Endpoint, Feature
from tests.support import tiny_gguf
from tests.support.polling import eventually
from tests.support.processes import descendants, free_port, is_alive

CHAT = {"model": "asked/name", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf", context_length=8192)


def engine_for(model: Path, **fields: object) -> LlamaCpp:
    spec = EngineSpec(**({"secret": "s3cret", "name": "tiny", "port": free_port()} | fields))  # type: ignore[arg-type]
    return LlamaCpp(spec, ModelFiles(model, "tiny"))


@asynccontextmanager
async def running(engine: LlamaCpp) -> AsyncIterator[httpx.AsyncClient]:
    try:
        url = await engine.start()
        headers = {"authorization": "Bearer s3cret"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
            yield client
    finally:
        await engine.stop()


def child_pid() -> int:
    return next(pid for pid, command in descendants(os.getpid()).items() if "llamacpp.child" in command)


async def test_it_answers_those_who_know_the_secret_and_leaves_nothing(model: Path) -> None:
    async with running(engine_for(model)) as client:
        pid = child_pid()
        answer = await client.post("/v1/chat/completions", json=CHAT)
        stranger = await client.post("/v1/chat/completions", json=CHAT, headers={"authorization": "Bearer x"})
    assert len(answer.json()["choices"][0]["message"]["content"]) == 5
    assert stranger.status_code == 401
    assert not is_alive(pid)


async def test_each_request_may_use_the_whole_context(model: Path) -> None:
    async with running(engine_for(model, slots=3)) as client:
        slots = (await client.get("/slots")).json()
    assert [slot["n_ctx"] for slot in slots] == [8192] * 3


async def test_a_stream_speaks_the_published_api_once_its_dialect_is_applied(model: Path) -> None:
    view = RequestView(Endpoint.CHAT, "asked/name", stream=True, include_usage=True)
    body = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    chunks = await rewritten_chunks(model, body, view)
    *said, usage = chunks
    assert all(isinstance(chunk["choices"][0]["delta"]["content"], str) for chunk in said)
    assert said[0]["choices"][0]["delta"]["role"] == "assistant"
    assert said[-1]["choices"][0]["finish_reason"] == "length"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 5
    assert {chunk["model"] for chunk in chunks} == {"asked/name"}
    assert not any("timings" in chunk for chunk in chunks)


async def test_a_model_whose_template_shows_no_tools_has_none(model: Path) -> None:
    engine = engine_for(model)
    async with running(engine):
        assert Feature.TOOLS not in (engine.features or ())
        assert Feature.JSON_SCHEMA in (engine.features or ())


async def rewritten_chunks(model: Path, body: dict[str, object], view: RequestView) -> list[dict[str, Any]]:
    call = dialect_of("llamacpp")(json.dumps(body).encode(), view)
    assert call.event is not None
    async with running(engine_for(model)) as client:
        raw = (await client.post(call.path, content=call.body)).content
    documents = [sse.data_of(event) for event in sse.EventSplitter().feed(raw)]
    sent = [call.event(document) for document in documents if document and document != b"[DONE]"]
    return [json.loads(line) for document in sent for line in document.splitlines()]


async def test_an_embedding_model_serves_embeddings_and_no_chats(tmp_path: Path) -> None:
    engine = engine_for(tiny_gguf.write(tmp_path / "embed.gguf", embeds=True))
    assert Endpoint.EMBEDDINGS in engine.endpoints
    assert not engine.endpoints & {Endpoint.CHAT, Endpoint.COMPLETIONS}
    async with running(engine) as client:
        answer = (await client.post("/v1/embeddings", json={"input": ["a", "b"]})).json()
    assert [len(item["embedding"]) for item in answer["data"]] == [tiny_gguf.WIDTH] * 2


async def test_its_load_shows_requests_while_they_run_and_nothing_after_the_client_left(model: Path) -> None:
    engine = engine_for(model, slots=1)
    async with running(engine) as client:
        endless = CHAT | {"max_tokens": 8000, "stream": True}
        requests = [asyncio.create_task(client.post("/v1/chat/completions", json=endless)) for _ in range(2)]

        async def both_seen() -> bool:
            load = await engine.load()
            return (load.running, load.waiting) == (1, 1) and load.kv_cache_usage > 0

        async def empty() -> bool:
            load = await engine.load()
            return load.running + load.waiting == 0

        await eventually(both_seen)
        for request in requests:
            request.cancel()
        await eventually(empty, timeout_s=5.0)
        load = await engine.load()
    assert load.slots == 1
    assert load.output_tokens_total > 0


async def test_a_killed_child_is_described_and_can_be_started_again_on_its_port(model: Path) -> None:
    engine = engine_for(model)
    async with running(engine):
        url = engine.url
        os.kill(child_pid(), signal.SIGKILL)
        assert await engine.wait_exit() == "killed by SIGKILL"
        with pytest.raises(EngineUnresponsive):
            await engine.load()
        assert await engine.start() == url
        assert (await engine.load()).running == 0


async def test_a_stopped_child_is_unresponsive_and_still_ends(model: Path) -> None:
    engine = engine_for(model)
    async with running(engine):
        pid = child_pid()
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(EngineUnresponsive):
            await engine.load()
    assert not is_alive(pid)


async def test_a_cut_file_is_named_with_llamacpps_reason(model: Path, tmp_path: Path) -> None:
    cut = cut_short(model, tmp_path / "cut.gguf")
    engine = engine_for(cut)
    with pytest.raises(EngineStartError, match=r"cannot serve .*cut\.gguf: tensor .* corrupted") as caught:
        await engine.start()
    assert "failed to load model" in caught.value.log_tail
    assert not [command for command in descendants(os.getpid()).values() if "llamacpp.child" in command]


def cut_short(model: Path, path: Path) -> Path:
    path.write_bytes(model.read_bytes()[:300_000])
    return path


async def test_a_taken_port_that_was_asked_for_is_named(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SetupError, match=rf"port {port} .* is taken; .*--port"):
            await engine_for(model, port=port).start()


async def test_without_a_port_two_engines_find_one_each(model: Path) -> None:
    first, second = engine_for(model, port=None), engine_for(model, port=None)
    try:
        urls = await asyncio.gather(first.start(), second.start())  # they race for the same port
    finally:
        await asyncio.gather(first.stop(), second.stop())
    assert len(set(urls)) == 2


async def test_the_builtin_model_is_up_within_a_second_and_says_something() -> None:
    spec = EngineSpec(secret="s3cret", model=models.resolve("builtin"), name="mini", port=free_port())
    engine = open_engine(spec)
    assert isinstance(engine, LlamaCpp)
    began_s = time.monotonic()
    async with running(engine) as client:
        took_s = time.monotonic() - began_s
        answer = await client.post("/v1/completions", json={"prompt": "Once upon a time", "max_tokens": 8})
    assert answer.json()["choices"][0]["text"].strip()
    assert took_s < 5.0  # 0.3 s on a quiet machine; others may test at the same time
