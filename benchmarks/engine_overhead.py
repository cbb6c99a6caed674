"""What polychat costs an engine: the same streamed chats straight to it and through a gateway, in turns.

    python -m benchmarks.engine_overhead
    python -m benchmarks.engine_overhead --engine http://127.0.0.1:21002 --gateway http://127.0.0.1:8000 \\
        --model NAME

The first starts the built-in model on llama.cpp with 64 slots behind a gateway, and ends them. Keys come
from the environment: ENGINE_KEY (a worker started with --no-register prints it, and another one attaches that
engine to the gateway) and GATEWAY_KEY. For each number of streams both sides answer the same prompts in
turns, so that what else the machine does meets both alike. Printed: tokens per second, TTFT of one stream,
and their ratio and difference at the median.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.support.processes import direct, free_ports, polychat, wait_for, wait_for_model
from polychat.routing import feed

LEAST_RATIO, MOST_MS = 0.98, 1.5  # tokens/s through the gateway by tokens/s without; TTFT that it may add
_END = b"data: [DONE]"
_TOKENS = re.compile(rb'"completion_tokens":\s*(\d+)')
_FIRST = re.compile(rb'"content":\s*"[^"]')


@dataclass(frozen=True)
class Side:
    """One way to the engine."""

    name: str
    url: str
    key: str
    model: str
    ignores_eos: bool

    def request(self, prompt: str, max_tokens: int) -> bytes:
        fields: dict[str, object] = {
            "model": self.model,
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "max_tokens": max_tokens,
            "messages": [{"role": "user", "content": prompt}],
        }
        if self.ignores_eos:
            fields["ignore_eos"] = True
        body = json.dumps(fields).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {urlsplit(self.url).netloc}\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def chat(side: Side, prompt: str, max_tokens: int) -> tuple[int, float]:
    """Tokens of the answer, and its TTFT in seconds from when the connection stood."""
    parts = urlsplit(side.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    started_s, first_s, said = time.perf_counter(), 0.0, b""
    writer.write(side.request(prompt, max_tokens))
    while _END not in said:
        data = await reader.read(65536)
        said += data
        if not data or not said.startswith(b"HTTP/1.1 200"):
            sys.exit(f"{side.name} answered {said[:400]!r}")
        if not first_s and _FIRST.search(said):
            first_s = time.perf_counter() - started_s
    writer.close()
    return int(_TOKENS.findall(said)[-1]), first_s or time.perf_counter() - started_s


async def rate(side: Side, num_streams: int, turn: int, max_tokens: int) -> float:
    """Tokens per second of so many chats at once."""
    prompts = [f"Tell me story {turn * 100 + number}." for number in range(num_streams)]
    started_s = time.perf_counter()
    told = await asyncio.gather(*(chat(side, prompt, max_tokens) for prompt in prompts))
    return sum(tokens for tokens, _ in told) / (time.perf_counter() - started_s)


async def throughput(sides: Sequence[Side], num_streams: int, options: argparse.Namespace) -> float:
    """The ratio of tokens per second, the second side's by the first's; prints both."""
    rates: list[list[float]] = [[], []]
    for turn in range(options.turns + 1):
        for number in (0, 1) if turn % 2 else (1, 0):
            measured = await rate(sides[number], num_streams, turn, options.max_tokens)
            if turn:  # the first warms up
                rates[number].append(measured)
    engine, gateway = (statistics.median(each) for each in rates)
    ratio = statistics.median(b / a for a, b in zip(*rates, strict=True))
    print(
        f"{num_streams:3} streams: engine {engine:7.1f} tok/s, gateway {gateway:7.1f} tok/s, "
        f"ratio {ratio:.3f}"
    )
    return float(ratio)


async def first_token(sides: Sequence[Side], options: argparse.Namespace) -> float:
    """How many milliseconds later the second side's first token comes; prints both."""
    times: list[list[float]] = [[], []]
    for turn in range(options.requests + 5):
        for number in (0, 1) if turn % 2 else (1, 0):
            _, ttft_s = await chat(sides[number], "Hello!", 2)
            if turn >= 5:
                times[number].append(1000 * ttft_s)
    engine, gateway = (statistics.median(each) for each in times)
    p99 = [statistics.quantiles(each, n=100)[98] for each in times]
    print(
        f"TTFT, one stream: engine {engine:.2f} ms (p99 {p99[0]:.2f}), "
        f"gateway {gateway:.2f} ms (p99 {p99[1]:.2f}), difference {gateway - engine:+.2f} ms"
    )
    return float(gateway - engine)


async def measure(options: argparse.Namespace) -> bool:
    """Whether both aims are met."""
    named = (
        ("engine", options.engine, "ENGINE_KEY", options.engine_model or options.model),
        ("gateway", options.gateway, "GATEWAY_KEY", options.model),
    )
    sides = [
        Side(name, url, os.environ.get(key, "any"), model, options.ignore_eos)
        for name, url, key, model in named
    ]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, {' '.join(sys.argv)}")
    ratios = [await throughput(sides, count, options) for count in options.streams]
    return await first_token(sides, options) <= MOST_MS and min(ratios) >= LEAST_RATIO


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default="", help="its base URL, without /v1")
    parser.add_argument("--gateway", default="", help="the gateway's base URL, without /v1")
    parser.add_argument("--model", default="polychat-mini")
    parser.add_argument("--engine-model", default="", help="what the engine calls it, if otherwise")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--turns", type=int, default=8, help="of each side, for each number of streams")
    parser.add_argument("--requests", type=int, default=100, help="of each side, for TTFT")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument(
        "--ignore-eos", action="store_true", help="as long answers as asked for, where it can"
    )
    options = parser.parse_args()
    if options.engine:
        sys.exit(not asyncio.run(measure(options)))
    with site() as (options.engine, os.environ["ENGINE_KEY"], options.gateway):
        options.ignore_eos = True
        sys.exit(not asyncio.run(measure(options)))


@contextlib.contextmanager
def site() -> Iterator[tuple[str, str, str]]:
    """The built-in model behind a gateway: the engine's URL, its key, the gateway's URL."""
    controller, worker, api = free_ports(3)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        home, url = Path(folder), f"http://127.0.0.1:{controller}"
        process = stack.enter_context(polychat("controller", "--port", str(controller), home=home))
        wait_for(f"{url}/health", process, home / "controller.log")
        told = ("--controller-address", url)
        stack.enter_context(
            polychat("worker", "builtin", "--slots", "64", "--port", str(worker), *told, home=home)
        )
        stack.enter_context(polychat("api", "--port", str(api), *told, home=home))
        wait_for_model(api, "polychat-mini")
        with direct.open(f"{url}/watch") as lines:
            snapshot = feed.decode_to_gateway(lines.readline())
        assert isinstance(snapshot, feed.Snapshot), "it comes first"
        [replica] = snapshot.replicas
        yield replica.url, replica.secret, f"http://127.0.0.1:{api}"


if __name__ == "__main__":
    main()
