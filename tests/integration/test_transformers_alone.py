"""What the transformers engine computes one request at a time: models that see, and encoder-decoders."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.job import Generator, Grammar, Job, Media, ModelSettings, Sampling, Token
from tests.support import torch_models

PICTURE = {"pixel_values": torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)}
GREEDY = Sampling(temperature=0)


async def started(settings: ModelSettings) -> AsyncIterator[Generator]:
    opened = await asyncio.to_thread(open_model, settings)
    assert opened.generator is not None
    yield opened.generator
    await opened.generator.stop()


@pytest.fixture
async def seeing(tmp_path: Path) -> AsyncIterator[Generator]:
    async for generator in started(torch_models.write_seeing(tmp_path)):
        yield generator


@pytest.fixture
async def t5(tmp_path: Path) -> AsyncIterator[Generator]:
    async for generator in started(torch_models.write(tmp_path, "t5")):
        yield generator


async def tokens_of(generator: Generator, job: Job) -> list[Token]:
    return [item async for item in generator.submit(job) if isinstance(item, Token)]


def reference(folder: Path, prompt: Sequence[int], media: Mapping[str, torch.Tensor]) -> list[int]:
    model = AutoModelForImageTextToText.from_pretrained(folder)
    ids = torch.tensor([prompt])
    settings = {"do_sample": False, "max_new_tokens": 10, "eos_token_id": None, "pad_token_id": 0}
    output = model.generate(ids, attention_mask=torch.ones_like(ids), **media, **settings)
    text: list[int] = output[0, len(prompt) :].tolist()
    return text


async def test_a_picture_is_seen_and_a_text_without_one_is_read(seeing: Generator, tmp_path: Path) -> None:
    prompt = (5, 7, 7, 7, 7, 9, 10)
    with_picture = Job(prompt, 10, ignore_eos=True, sampling=GREEDY, media=Media(PICTURE))
    dark = Job(
        prompt, 10, ignore_eos=True, sampling=GREEDY, media=Media({"pixel_values": -PICTURE["pixel_values"]})
    )
    text = Job((5, 9, 10), 10, ignore_eos=True, sampling=GREEDY)
    seen, other, read = await asyncio.gather(*(tokens_of(seeing, job) for job in (with_picture, dark, text)))
    assert [token.id for token in seen] == reference(tmp_path, prompt, PICTURE)
    assert [token.id for token in read] == reference(tmp_path, (5, 9, 10), {})
    assert [token.id for token in other] != [token.id for token in seen]


async def test_the_same_sampling_holds_as_in_a_batch(t5: Generator) -> None:
    seeded = Job((5, 6, 7), 12, sampling=Sampling(seed=3), ignore_eos=True, num_logprobs=2)
    assert await tokens_of(t5, seeded) == await tokens_of(t5, seeded)
    held = Job((5, 6, 7), 12, grammar=Grammar("regex", "(yes|no)"))
    assert (await tokens_of(t5, held))[-1].finish == "stop"


async def test_an_aborted_request_makes_way_for_the_next(t5: Generator) -> None:
    stream = t5.submit(Job((5, 6, 7), 3000, ignore_eos=True))
    await anext(stream)
    await stream.aclose()
    assert len(await asyncio.wait_for(tokens_of(t5, Job((5, 6, 7), 3, ignore_eos=True)), 10)) == 3
    assert t5.load.output_tokens_total < 500
