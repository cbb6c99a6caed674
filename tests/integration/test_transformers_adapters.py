"""LoRA adapters by name on one base model."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.job import (
    AdapterRefused,
    Generator,
    Job,
    ModelSettings,
    Sampling,
    Token,
    UnknownAdapter,
)
from tests.support import torch_models

PROMPTS = [tuple(range(5 + 3 * i, 40 + 7 * i)) for i in range(6)]
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # PEFT's own


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in `base`, and adapters of it in `one` and `two`."""
    folder = tmp_path_factory.mktemp("adapters")
    torch_models.write(folder / "base", "llama")
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        settings = LoraConfig(r=4 + seed, target_modules=["q_proj", "up_proj"], init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(folder / "base"), settings).save_pretrained(
            str(folder / name)
        )
    return folder


@pytest.fixture
async def generator(folder: Path) -> AsyncIterator[Generator]:
    settings = ModelSettings(folder=str(folder / "base"), threads=1)
    settings = dataclasses.replace(
        settings, adapters={"org/one.v1": str(folder / "one")}, adapter_updates=True
    )
    opened = await asyncio.to_thread(open_model, settings)
    assert opened.generator is not None
    yield opened.generator
    await opened.generator.stop()


async def ids_of(generator: Generator, prompt: Sequence[int], adapter: str) -> list[int]:
    job = Job(tuple(prompt), 20, ignore_eos=True, sampling=Sampling(temperature=0), adapter=adapter)
    return [item.id async for item in generator.submit(job) if isinstance(item, Token)]


def reference(folder: Path, prompt: Sequence[int], adapter: str) -> list[int]:
    model = AutoModelForCausalLM.from_pretrained(folder / "base")
    if adapter:
        model = PeftModel.from_pretrained(model, folder / adapter)
    ids = torch.tensor([prompt])
    settings = {"do_sample": False, "max_new_tokens": 20, "eos_token_id": None, "pad_token_id": 0}
    output = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings)
    text: list[int] = output[0, len(prompt) :].tolist()
    return text


async def test_requests_of_several_adapters_at_once_get_their_own_texts(
    generator: Generator, folder: Path
) -> None:
    await generator.load_adapter("two", str(folder / "two"))
    names = ["", "org/one.v1", "two"] * 2
    texts = await asyncio.gather(*(ids_of(generator, *each) for each in zip(PROMPTS, names, strict=True)))
    for prompt, name, text in zip(PROMPTS, names, texts, strict=True):
        assert text == reference(folder, prompt, {"org/one.v1": "one"}.get(name, name))


async def test_one_prompt_is_not_read_from_another_adapters_cache(generator: Generator, folder: Path) -> None:
    prompt = tuple(range(5, 105))
    base = await ids_of(generator, prompt, "")
    assert await ids_of(generator, prompt, "org/one.v1") == reference(folder, prompt, "one") != base


async def test_an_adapter_is_unloaded_after_the_requests_that_use_it(
    generator: Generator, folder: Path
) -> None:
    running = asyncio.create_task(ids_of(generator, PROMPTS[0], "org/one.v1"))
    await asyncio.sleep(0)
    await generator.unload_adapter("org/one.v1")
    assert running.done()
    assert await running == reference(folder, PROMPTS[0], "one")
    assert generator.adapters == ()
    with pytest.raises(UnknownAdapter):
        await ids_of(generator, PROMPTS[0], "org/one.v1")


async def test_a_damaged_adapter_is_refused_and_the_others_go_on(
    generator: Generator, folder: Path, tmp_path: Path
) -> None:
    for file in (folder / "two").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:600])
    (tmp_path / "adapter_config.json").write_bytes((folder / "two" / "adapter_config.json").read_bytes())
    with pytest.raises(AdapterRefused, match="does not fit this model"):
        await generator.load_adapter("broken", str(tmp_path))
    assert generator.adapters == ("org/one.v1",)
    assert await ids_of(generator, PROMPTS[0], "org/one.v1") == reference(folder, PROMPTS[0], "one")


async def test_a_name_is_given_once(generator: Generator, folder: Path) -> None:
    with pytest.raises(AdapterRefused, match="loaded already"):
        await generator.load_adapter("org/one.v1", str(folder / "two"))


async def test_an_unknown_adapter_cannot_be_unloaded(generator: Generator) -> None:
    with pytest.raises(UnknownAdapter):
        await generator.unload_adapter("nobody")
