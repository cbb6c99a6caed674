"""Tokens per second of the transformers engine behind its gateway, and of FastChat's model_worker alone.

    python benchmarks/fastchat_worker.py --fastchat-python fschat/bin/python --streams 1,8

FastChat needs an environment of its own, for its pins are old:

    pip install torch==2.13.0 transformers==4.51.3 "pydantic<2" "fastapi<0.113" "starlette<0.39" \
        uvicorn httpx aiohttp nh3 shortuuid tiktoken markdown2 rich prompt_toolkit requests accelerate peft
    pip install --no-deps fschat==0.2.36

Both serve the same Llama of five million random float32 parameters on the same two cores; rounds alternate,
so that what else runs on the machine slows both. Each stream asks for the same number of greedy tokens.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import httpx

TOKENS = 128  # a stream
START_WITHIN_S = 90.0
PROMPT = "The quick brown fox jumps over the lazy dog and then"

Ask = Callable[[httpx.AsyncClient], Coroutine[None, None, int]]
"""One stream to its end; the tokens that it brought."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fastchat-python", required=True, help="the Python of FastChat's environment")
    parser.add_argument("--streams", default="1,8", help="how many at once, split by commas")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "llama-5m"
        make_model(model)
        with fastchat(arguments.fastchat_python, model) as theirs, polychat(model, Path(folder)) as ours:
            for num_streams in map(int, arguments.streams.split(",")):
                compare(theirs, ours, num_streams, arguments.rounds)


def make_model(folder: Path) -> None:
    """The built-in model's shape and tokenizer with random weights: it never says that it has ended."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from polychat.engines.models import BUILTIN_PATH

    torch.manual_seed(0)
    source, file = str(BUILTIN_PATH.parent), BUILTIN_PATH.name
    config = AutoConfig.from_pretrained(source, gguf_file=file)
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, gguf_file=file).save_pretrained(folder)
    told = folder / "tokenizer_config.json"  # FastChat's transformers knows the class by its older name
    told.write_text(json.dumps(json.loads(told.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}))


def compare(theirs: Ask, ours: Ask, num_streams: int, rounds: int) -> None:
    """Print both medians and their ratio."""
    rates: dict[str, list[float]] = {"FastChat": [], "polychat": []}
    for _ in range(rounds):
        for name, ask in (("FastChat", theirs), ("polychat", ours)):
            rates[name].append(asyncio.run(tokens_per_s(ask, num_streams)))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(
        f"{num_streams:>3} streams: "
        + ", ".join(f"{name} {value:.0f} tok/s" for name, value in medians.items())
        + f", ratio {medians['polychat'] / medians['FastChat']:.2f}"
    )


async def tokens_per_s(ask: Ask, num_streams: int) -> float:
    async with httpx.AsyncClient(trust_env=False, timeout=600) as http:
        began_s = time.perf_counter()
        counts = await asyncio.gather(*(ask(http) for _ in range(num_streams)))
        return sum(counts) / (time.perf_counter() - began_s)


@contextlib.contextmanager
def fastchat(python: str, model: Path) -> Iterator[Ask]:
    """FastChat's worker, asked directly, without its controller and its API."""
    port = free_port()
    argv = [python, "-m", "fastchat.serve.model_worker", "--model-path", str(model), "--device", "cpu"]
    argv += ["--no-register", "--port", str(port), "--limit-worker-concurrency", "64", "--dtype", "float32"]
    body = {
        "model": model.name,
        "prompt": PROMPT,
        "temperature": 0.0,
        "max_new_tokens": TOKENS,
        "echo": False,
    }

    async def ask(http: httpx.AsyncClient) -> int:
        last = b"{}"
        url = f"http://127.0.0.1:{port}/worker_generate_stream"
        async with http.stream("POST", url, json=body) as answer:
            async for frame in frames(answer.aiter_bytes()):
                last = frame
        return int(json.loads(last)["usage"]["completion_tokens"])

    with process(argv, cwd=model.parent), contextlib.suppress(KeyboardInterrupt):
        wait_until_answers("POST", f"http://127.0.0.1:{port}/worker_get_status")
        yield ask


async def frames(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """FastChat's frames end with a NUL."""
    buffer = b""
    async for piece in pieces:
        *whole, buffer = (buffer + piece).split(b"\0")
        for frame in whole:
            yield frame


@contextlib.contextmanager
def polychat(model: Path, home: Path) -> Iterator[Ask]:
    """The whole platform, asked at its API."""
    port, controller = free_port(), free_port()
    argv = [sys.executable, "-m", "polychat", "up", str(model), "--engine", "transformers", "--no-web"]
    argv += ["--port", str(port), "--controller-port", str(controller), "--slots", "64"]
    url = f"http://127.0.0.1:{port}/v1"
    body = {"model": model.name, "prompt": PROMPT, "temperature": 0.0, "max_tokens": TOKENS, "stream": True}
    body |= {"stream_options": {"include_usage": True}}

    async def ask(http: httpx.AsyncClient) -> int:
        last = ""
        async with http.stream("POST", f"{url}/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                last = line if line.startswith("data: {") else last
        return int(json.loads(last.removeprefix("data: "))["usage"]["completion_tokens"])

    with process(argv, cwd=home, POLYCHAT_HOME=str(home)):
        wait_until_answers("GET", f"{url}/models/{model.name}")
        yield ask


@contextlib.contextmanager
def process(argv: list[str], *, cwd: Path, **environment: str) -> Iterator[None]:
    with (cwd / f"{Path(argv[2]).name}.log").open("wb") as log:
        running = subprocess.Popen(argv, cwd=cwd, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


def wait_until_answers(method: str, url: str) -> None:
    give_up_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up_s:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.request(method, url, trust_env=False, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    sys.exit(f"{url} does not answer after {START_WITHIN_S:g} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    main()
