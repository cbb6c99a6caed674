"""The transformers engine's continuous batching beside a thread per request around `generate`.

    python benchmarks/transformers_batching.py [--model FOLDER] [--threads N]

In process, without HTTP, greedy, 64 tokens a request after prompts of about 40 tokens, on the built-in model
unless another is named. Each number of streams is measured in rounds, ours and the library's in turn, so that
both meet the same noise; the figure is the median. Ends with an error when eight of our streams take
three times as long as one, or longer.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel

from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.job import Generator, Job, ModelSettings, Sampling
from tests.support.torch_models import BUILTIN

STREAMS = (1, 8, 32)
NUM_TOKENS = 64
ROUNDS = 3
LARGEST_RATIO = 3.0  # of the time of eight streams to that of one


def main() -> None:
    arguments = _arguments()
    settings = (
        ModelSettings(folder=arguments.model, threads=arguments.threads) if arguments.model else BUILTIN
    )
    opened = open_model(settings)
    assert opened.generator is not None
    print(
        f"transformers {transformers.__version__}, torch {torch.__version__}, {platform.machine()}", end=", "
    )
    print(f"{os.cpu_count()} CPUs; {opened.num_parameters / 1e6:.1f}M parameters; {opened.description}")
    print(f"{'streams':>8} {'ours tok/s':>11} {'generate in threads tok/s':>26} {'ratio':>6}")
    ours_s = measure(opened.generator, _plain(settings))
    ratio = ours_s[8] / ours_s[1]
    print(f"eight streams take {ratio:.2f} times as long as one (at most {LARGEST_RATIO})")
    sys.exit(ratio >= LARGEST_RATIO)


def measure(generator: Generator, plain: PreTrainedModel) -> dict[int, float]:
    """Seconds that our streams take, by their number."""
    medians: dict[int, float] = {}
    with asyncio.Runner() as runner:
        runner.run(_ours(generator, 8))  # warm up
        for num in STREAMS:
            rounds = [
                (_timed(lambda: runner.run(_ours(generator, num))), _timed(lambda: _threads(plain, num)))  # noqa: B023
                for _ in range(ROUNDS)
            ]
            ours_s, theirs_s = (statistics.median(values) for values in zip(*rounds, strict=True))
            tokens = num * NUM_TOKENS
            print(
                f"{num:8} {tokens / ours_s:11.0f} {tokens / theirs_s:26.0f} {theirs_s / ours_s:6.1f}",
                flush=True,
            )
            medians[num] = ours_s
        runner.run(generator.stop())
    return medians


async def _ours(generator: Generator, num: int) -> None:
    async def one(prompt: Sequence[int]) -> int:
        job = Job(tuple(prompt), NUM_TOKENS, ignore_eos=True, sampling=Sampling(temperature=0))
        return len([token async for token in generator.submit(job)])

    counts = await asyncio.gather(*(one(_prompt(index)) for index in range(num)))
    assert counts == [NUM_TOKENS] * num


def _threads(model: PreTrainedModel, num: int) -> None:
    workers = [threading.Thread(target=_generate, args=(model, _prompt(index))) for index in range(num)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _generate(model: PreTrainedModel, prompt: Sequence[int]) -> None:
    ids = torch.tensor([prompt])
    settings = {"do_sample": False, "max_new_tokens": NUM_TOKENS, "eos_token_id": None, "pad_token_id": 0}
    model.generate(ids, attention_mask=torch.ones_like(ids), **settings)


def _prompt(index: int) -> list[int]:
    return [3 + (7 * index + 11 * place) % 2000 for place in range(40)]


def _timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def _plain(settings: ModelSettings) -> PreTrainedModel:
    gguf = {"gguf_file": settings.gguf_file} if settings.gguf_file else {}
    return AutoModelForCausalLM.from_pretrained(settings.folder, dtype=torch.float32, **gguf).eval()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="", help="a checkpoint's folder instead of the built-in model")
    parser.add_argument("--threads", type=int, help="cores for one step; the engine's own choice if left out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
