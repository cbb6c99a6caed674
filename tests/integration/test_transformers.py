"""transformers in its child process: answers as the library itself does, dies, comes back, leaves nothing."""

import asyncio
import base64
import json
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from polychat.conformance.images import image_url
from polychat.engines.base import EngineUnresponsive
from polychat.engines.spec import Adapter, EngineSpec, ModelFiles, Tuning
from polychat.engines.transformers.engine import Transformers
from polychat.errors import EngineStartError, SetupError
from polychat.types import Endpoint, Feature
from tests.support import checkpoints
from tests.support.polling import eventually
from tests.support.processes import descendants, free_port, is_alive

QUESTIONS = [
    "Hello!",
    "How do I add a model?",
    "What is a token?",
    "你是谁？",
    "Thanks!",
    "hi",
    "Who are you?",
    "Tell me more.",
]
LONG = {"ignore_eos": True, "max_tokens": 30}
Json = Any  # decoded JSON


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.builtin_checkpoint(tmp_path_factory.mktemp("builtin"))


def engine_for(folder: Path, **fields: object) -> Transformers:
    spec = EngineSpec(**({"secret": "s3cret", "name": "m", "port": free_port()} | fields))  # type: ignore[arg-type]
    return Transformers(spec, ModelFiles(folder, "m", format="checkpoint"))


@asynccontextmanager
async def running(engine: Transformers) -> AsyncIterator[httpx.AsyncClient]:
    try:
        url = await engine.start()
        headers = {"authorization": "Bearer s3cret"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
            yield client
    finally:
        await engine.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(builtin: Path) -> AsyncIterator[tuple[Transformers, httpx.AsyncClient]]:
    engine = engine_for(builtin)
    async with running(engine) as client:
        yield engine, client


def child_pid() -> int:
    """The process of the engine that was started last: other tests share one."""
    return max(pid for pid, command in descendants(os.getpid()).items() if "transformers.child" in command)


def asking(question: object, **fields: object) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": question}], "temperature": 0} | fields


async def said(client: httpx.AsyncClient, question: str) -> str:
    answer = await client.post("/v1/chat/completions", json=asking(question))
    text: str = answer.raise_for_status().json()["choices"][0]["message"]["content"]
    return text


def generated(folder: Path, question: str) -> str:
    """The library's own answer, token by token the most likely one."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    chat = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    output = model.generate(**prompt, do_sample=False, max_new_tokens=200)
    text: str = tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return text


@pytest.mark.asyncio(loop_scope="module")
async def test_eight_at_once_are_all_answered_as_the_library_answers_each(
    engine: tuple[Transformers, httpx.AsyncClient], builtin: Path
) -> None:
    _, client = engine
    together = await asyncio.gather(*(said(client, question) for question in QUESTIONS))
    assert together == [generated(builtin, question) for question in QUESTIONS]


@pytest.mark.asyncio(loop_scope="module")
async def test_strangers_are_turned_away(engine: tuple[Transformers, httpx.AsyncClient]) -> None:
    _, client = engine
    answer = await client.post(
        "/v1/chat/completions", json=asking("hi"), headers={"authorization": "Bearer x"}
    )
    assert answer.status_code == 401


@pytest.mark.asyncio(loop_scope="module")
async def test_a_start_is_told_in_phases_and_what_the_model_can_afterwards(
    engine: tuple[Transformers, httpx.AsyncClient],
) -> None:
    transformers, _ = engine
    assert "importing torch" in transformers.progress
    assert transformers.context_length == 2048
    assert transformers.features is not None
    assert {Feature.TOOLS, Feature.JSON_SCHEMA, Feature.PROMPT_LOGPROBS} <= transformers.features
    assert (await transformers.load()).slots > 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_client_that_leaves_frees_its_slot(engine: tuple[Transformers, httpx.AsyncClient]) -> None:
    transformers, client = engine
    body = asking("Hello!", stream=True, ignore_eos=True, max_tokens=1900)
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        await anext(response.aiter_lines())
        assert (await transformers.load()).running == 1

    async def is_idle() -> bool:
        return (await transformers.load()).running == 0

    await eventually(is_idle, timeout_s=2)


async def test_it_comes_back_after_kill_9_on_the_same_port_and_leaves_nothing(builtin: Path) -> None:
    engine = engine_for(builtin, port=None)
    async with running(engine) as client:
        url = engine.url
        os.kill(child_pid(), signal.SIGKILL)
        assert await engine.wait_exit() == "killed by SIGKILL"
        with pytest.raises(EngineUnresponsive):
            await engine.load()
        assert await engine.start() == url
        assert await said(client, "Hello!")
        pid = child_pid()
    assert not is_alive(pid)


async def test_an_architecture_that_the_library_lacks_is_one_line(builtin: Path, tmp_path: Path) -> None:
    folder = copied(builtin, tmp_path, model_type="none_such", architectures=["NoneSuchForCausalLM"])
    engine = engine_for(folder)
    with pytest.raises(EngineStartError, match="does not know the architecture") as caught:
        async with running(engine):
            pass
    assert "\n" not in str(caught.value)


async def test_weights_of_another_shape_than_the_config_says_are_one_line(
    builtin: Path, tmp_path: Path
) -> None:
    engine = engine_for(copied(builtin, tmp_path, intermediate_size=32))
    with pytest.raises(EngineStartError) as caught:
        async with running(engine):
            pass
    assert "\n" not in str(caught.value)


async def test_a_template_that_no_chat_can_use_is_told_at_the_start(builtin: Path, tmp_path: Path) -> None:
    folder = copied(builtin, tmp_path)
    (folder / "chat_template.jinja").write_text("{% for m in messages %}")
    with pytest.raises(SetupError, match=r"^the chat template of \S+ cannot be loaded: Unexpected end of"):
        await engine_for(folder).start()


async def test_a_model_that_fails_at_its_first_step_is_one_line(builtin: Path, tmp_path: Path) -> None:
    folder = copied(builtin, tmp_path, num_hidden_layers=-3)
    with pytest.raises(SetupError, match=r"^\S+ cannot be loaded: .*__len__"):
        await engine_for(folder).start()


async def test_a_taken_port_is_named(builtin: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        engine = engine_for(builtin, port=taken.getsockname()[1])
        with pytest.raises(SetupError, match="is taken"):
            await engine.start()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # PEFT's own
async def test_adapters_are_named_in_requests_and_come_and_go(builtin: Path, tmp_path: Path) -> None:
    first, second = (adapter(builtin, tmp_path / name, seed) for seed, name in enumerate(("a", "b")))
    tuning = Tuning(adapters=(Adapter("first", first),), allow_adapter_updates=True)
    engine = engine_for(builtin, tuning=tuning)
    async with running(engine) as client:
        base, loaded = await answered(client, "m"), await answered(client, "first")
        put = await client.post(
            "/v1/load_lora_adapter", json={"lora_name": "second", "lora_path": str(second)}
        )
        listed = [each["id"] for each in (await client.get("/v1/models")).json()["data"]]
        other = await answered(client, "second")
        taken = await client.post("/v1/unload_lora_adapter", json={"lora_name": "second"})
        gone = await client.post("/v1/chat/completions", json=asking("Hello!", model="second"))
        await engine.load()
    assert (put.status_code, taken.status_code, gone.status_code) == (200, 200, 404)
    assert listed == ["m", "first", "second"]
    assert len({base, loaded, other}) == 3
    assert engine.adapters == ("first",)


async def test_a_picture_is_read_by_the_models_processor(tmp_path: Path) -> None:
    engine = engine_for(checkpoints.seeing(tmp_path))
    picture = {"type": "image_url", "image_url": {"url": image_url()}}
    parts = [{"type": "text", "text": "What is this?"}, picture]
    bad = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    async with running(engine) as client:
        seen = await client.post("/v1/chat/completions", json=asking(parts, max_tokens=3))
        blind = await client.post("/v1/chat/completions", json=asking(parts[:1], max_tokens=3))
        broken = await client.post("/v1/chat/completions", json=asking(bad))
    assert engine.features is not None
    assert Feature.VISION in engine.features
    tokens = [answer.json()["usage"]["prompt_tokens"] for answer in (seen, blind)]
    assert tokens[0] - tokens[1] == 9
    assert (broken.status_code, broken.json()["error"]["param"]) == (400, "messages")


async def test_an_encoder_with_a_decoder_completes(tmp_path: Path) -> None:
    async with running(engine_for(checkpoints.seq2seq(tmp_path))) as client:
        body = {"model": "m", "prompt": "hello", "max_tokens": 4, "temperature": 0}
        one, two = [(await client.post("/v1/completions", json=body)).json() for _ in range(2)]
    assert one["choices"] == two["choices"]
    assert one["usage"]["completion_tokens"] == 4


async def test_an_embedding_model_gives_vectors_and_compares_texts(tmp_path: Path) -> None:
    engine = engine_for(checkpoints.embedder(tmp_path))
    async with running(engine) as client:
        plain = await embedded(client, input=["ab c", "zz"])
        packed = await embedded(client, input="ab c", encoding_format="base64", dimensions=4)
        ranked = (
            await client.post("/v1/rerank", json={"model": "m", "query": "ab c", "documents": ["zz", "ab c"]})
        ).json()
        long = await client.post("/v1/embeddings", json={"model": "m", "input": "a" * 300})
    assert len(plain[0]) == 32
    assert sum(value * value for value in plain[0]) == pytest.approx(1, abs=1e-4)
    assert len(struct.unpack("<4f", base64.b64decode(packed[0]))) == 4
    assert [each["index"] for each in ranked["results"]] == [1, 0]
    assert long.json()["error"]["code"] == "context_length_exceeded"


async def test_a_classifier_tells_the_probability_of_each_label(tmp_path: Path) -> None:
    engine = engine_for(checkpoints.classifier(tmp_path, num_labels=3))
    async with running(engine) as client:
        answer = (await client.post("/v1/classify", json={"model": "m", "input": ["ab", "zz"]})).json()
    assert Endpoint.CLASSIFY in engine.endpoints
    assert [sum(each["probs"]) for each in answer["data"]] == pytest.approx([1, 1], abs=1e-5)


async def embedded(client: httpx.AsyncClient, **fields: object) -> list[Json]:
    answer = await client.post("/v1/embeddings", json={"model": "m"} | fields)
    return [each["embedding"] for each in answer.raise_for_status().json()["data"]]


async def answered(client: httpx.AsyncClient, model: str) -> str:
    answer = await client.post("/v1/chat/completions", json=asking("Hello!", model=model, **LONG))
    text: str = answer.raise_for_status().json()["choices"][0]["message"]["content"]
    return text


def copied(folder: Path, to: Path, **config: object) -> Path:
    """The checkpoint with other words in its config."""
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    (to / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | config))
    return to


def adapter(base: Path, folder: Path, seed: int) -> Path:
    """A LoRA adapter with random weights, strong enough to change what the model says."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    settings = LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(model, settings).save_pretrained(str(folder))
    return folder
