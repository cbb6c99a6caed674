"""LoRA adapters in llama.cpp: each by its own name, beside the bare model, in one process."""

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from polychat.engines import models
from polychat.engines.base import RequestView
from polychat.engines.dialects import dialect_of
from polychat.engines.llamacpp.engine import LlamaCpp
from polychat.engines.spec import Adapter
from polychat.errors import SetupError
from polychat.schema.validation import parse_completion
from polychat.types import Endpoint
from tests.support import lora_gguf, tiny_gguf
from tests.support.cluster import Cluster
from tests.support.llamacpp_engine import engine, running
from tests.support.processes import wait_until

NAMES = ("red", "blue")
PROMPT = "Once upon a time there was a little dog who lived in a house with"


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Adapter, ...]:
    folder = tmp_path_factory.mktemp("adapters")
    return tuple(
        Adapter(name, lora_gguf.write(folder / f"{name}.gguf", models.BUILTIN_PATH, seed=seed))
        for seed, name in enumerate(NAMES)
    )


def engine_with(adapters: tuple[Adapter, ...], *, slots: int) -> LlamaCpp:
    return engine(slots=slots, adapters=adapters)


async def said(http: httpx.AsyncClient, model: str, prompt: str = PROMPT) -> str:
    """What the model of that name goes on with, greedily, asked as a gateway asks."""
    body = json.dumps({"model": model, "prompt": prompt, "max_tokens": 16, "temperature": 0}).encode()
    view = RequestView(Endpoint.COMPLETIONS, model, adapters=NAMES, request=parse_completion(body))
    call = dialect_of("llamacpp")(body, view)
    once = {"connection": "close"}  # it closes a connection now and then once a stream has ended
    answer = await http.post(call.path, content=call.body, headers=once)
    assert call.response is not None
    whole = call.response(answer.raise_for_status().content)
    assert isinstance(whole, bytes)
    return str(json.loads(whole)["choices"][0]["text"])


async def test_each_name_has_its_own_answers_and_the_bare_model_is_as_without_adapters(
    adapters: tuple[Adapter, ...],
) -> None:
    async with running(engine_with((), slots=1)) as http:
        bare = await said(http, "mini")
    served = engine_with(adapters, slots=4)
    async with running(served) as http:
        answers = await asyncio.gather(*(said(http, name) for name in ("mini", *NAMES) * 3))
    assert served.adapters == NAMES
    assert answers[0] == bare
    assert len(set(answers[:3])) == 3
    assert answers == answers[:3] * 3  # all nine ran side by side


@pytest.mark.parametrize("between", ["", "A quite different prompt, long enough to push the first one out"])
async def test_a_prompt_that_one_adapter_has_read_is_read_again_by_the_next(
    adapters: tuple[Adapter, ...], between: str
) -> None:
    async with running(engine_with(adapters, slots=4)) as http:
        alone = {name: await said(http, name) for name in ("mini", *NAMES)}
    async with running(engine_with(adapters, slots=1)) as http:
        for name in ("red", "mini", "blue", "mini", "red", "blue"):
            if between:
                await said(http, name, between)
            assert await said(http, name) == alone[name]


def test_an_adapter_of_another_kind_of_model_is_refused(
    tmp_path: Path, adapters: tuple[Adapter, ...]
) -> None:
    model = tiny_gguf.write(tmp_path / "tiny.gguf")
    with pytest.raises(SetupError, match=r"--lora x=.*tiny\.gguf is no LoRA adapter but a model"):
        engine_with((Adapter("x", model),), slots=1)


def test_a_folder_of_an_adapter_for_transformers_is_refused_with_the_way_to_convert_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(SetupError, match="takes adapters as GGUF files; convert it with"):
        engine_with((Adapter("x", tmp_path),), slots=1)


def test_adapters_are_models_of_the_endpoint(
    adapters: tuple[Adapter, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    flags = [flag for each in adapters for flag in ("--lora", f"{each.name}={each.path}")]
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin", "--model-names", "mini", *flags)
        wait_until(lambda: cluster.serves("red"), what="the gateway knows the adapter")
        names = ("mini", *NAMES)
        texts = [
            cluster.sdk.completions.create(model=name, prompt=PROMPT, max_tokens=16, temperature=0)
            for name in names
        ]
    assert [text.model for text in texts] == list(names)
    assert len({text.choices[0].text for text in texts}) == 3
