"""What a model does when far more is asked of it than it can do.

    python benchmarks/overload.py --loads 0.5,1,2,5

Starts a controller, an echo worker with few slots and a gateway; this process is the client. Requests for
streamed chats come open-loop (Poisson), at multiples of what the slots can do, and say by `x-request-timeout`
how long they would wait for their first token. Goodput: answered in full, first token within that time. TTFT
is of all that were answered. --model names a checkpoint for the built-in engine instead of the echo; give the
requests per second that it can do by --capacity then.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import uvloop

from polychat.listen import bind

MODEL = "m"
WARM_UP_S = 5.0  # of each load, before anything is counted


class Answer(NamedTuple):
    """How one request ended. Times in seconds."""

    sent_s: float  # after the load began
    status: int
    ttft_s: float
    took_s: float
    retry_after_s: int


class Row(NamedTuple):
    load: float
    rate: float
    goodput: float
    throughput: float
    ttft_p50_s: float
    ttft_p99_s: float
    refused: float  # part of all
    retry_after: str


class Plan(NamedTuple):
    url_port: int
    body: bytes
    patience_s: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", default="0.5,1,2,5", help="multiples of the capacity")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load, besides the warm-up")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=20, help="of each answer")
    parser.add_argument("--tokens-per-s", type=float, default=100.0, help="the echo's speed in each slot")
    parser.add_argument("--patience", type=float, default=2.0, help="seconds to the first token; 0: not said")
    parser.add_argument("--slo", type=float, default=2.0, help="seconds to the first token, for goodput")
    parser.add_argument("--queue-timeout", type=float, default=30.0)
    parser.add_argument("--model", default="", help="a checkpoint instead of the echo")
    parser.add_argument("--capacity", type=float, default=0.0, help="requests per second; default: computed")
    arguments = parser.parse_args()
    capacity = arguments.capacity or arguments.slots * arguments.tokens_per_s / arguments.tokens
    loads = [float(load) for load in arguments.loads.split(",")]
    with running_cluster(arguments) as port:
        plan = Plan(port, chat(arguments.tokens), arguments.patience, arguments.seconds)
        rows = [uvloop.run(measure(plan, load, capacity, slo_s=arguments.slo)) for load in loads]
    report(rows, capacity, arguments)


def chat(num_tokens: int) -> bytes:
    """A chat that the echo answers with so many tokens, and that others may answer with at most so many."""
    words = " ".join(["word"] * num_tokens)
    return json.dumps(
        {
            "model": MODEL,
            "stream": True,
            "max_tokens": num_tokens,
            "messages": [{"role": "user", "content": words}],
        }
    ).encode()


async def measure(plan: Plan, load: float, capacity: float, *, slo_s: float) -> Row:
    """One load, and what came of it."""
    rate, chance = load * capacity, random.Random(1)
    began_s, at_s, tasks = time.perf_counter(), 0.0, []
    while at_s < WARM_UP_S + plan.seconds:
        await asyncio.sleep(max(0.0, began_s + at_s - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(plan, at_s)))
        at_s += chance.expovariate(rate)
    answers = [each for each in await asyncio.gather(*tasks) if each.sent_s >= WARM_UP_S]
    answered = [each for each in answers if each.status == 200]
    refused = [each for each in answers if each.status in (429, 503)]
    odd = {each.status for each in answers} - {200, 429, 503}
    assert not odd, f"statuses {odd}"
    ttfts_s = sorted(each.ttft_s for each in answered)
    told_s = sorted(each.retry_after_s for each in refused)
    return Row(
        load,
        rate,
        sum(each.ttft_s <= slo_s for each in answered) / plan.seconds,
        len(answered) / plan.seconds,
        statistics.median(ttfts_s),
        ttfts_s[math.ceil(0.99 * len(ttfts_s)) - 1],
        len(refused) / len(answers),
        f"{told_s[0]}-{told_s[-1]} s, median {statistics.median(told_s):g} s" if told_s else "none",
    )


async def ask(plan: Plan, sent_s: float) -> Answer:
    """One request over its own connection; the status is 0 when it broke off."""
    began_s = time.perf_counter()
    async with connected(plan.url_port) as (reader, writer):
        hurry = f"x-request-timeout: {plan.patience_s}\r\n" if plan.patience_s else ""
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{hurry}"
        writer.write(f"{head}content-length: {len(plan.body)}\r\n\r\n".encode() + plan.body)
        answer_head = await reader.readuntil(b"\r\n\r\n")
        status, retry_after_s = int(answer_head.split(b" ", 2)[1]), 0
        if status != 200:
            retry_after_s = int(answer_head.lower().partition(b"retry-after: ")[2].split(b"\r\n")[0] or 0)
            return Answer(sent_s, status, math.inf, 0.0, retry_after_s)
        said, ttft_s = b"", math.inf
        while data := await reader.read(65536):
            said += data
            if math.isinf(ttft_s) and b'"content":"w' in said:
                ttft_s = time.perf_counter() - began_s
        is_whole = b"[DONE]" in said
    return Answer(sent_s, 200 if is_whole else 0, ttft_s, time.perf_counter() - began_s, 0)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def report(rows: list[Row], capacity: float, arguments: argparse.Namespace) -> None:
    peak = max(row.goodput for row in rows)
    print(f"{platform.platform()}, {os.cpu_count()} cores; {' '.join(sys.argv)}")
    engine = arguments.model or f"echo, {arguments.slots} slots, {arguments.tokens_per_s:g} tok/s each"
    print(f"{engine}; answers of {arguments.tokens} tokens; capacity {capacity:g} requests/s")
    print(f"{arguments.seconds:g} s each; goodput: first token within {arguments.slo:g} s\n")
    print(
        "| load | requests/s | goodput/s | of its peak | answered/s | TTFT p50 | TTFT p99 | refused | told |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.load:g} x | {row.rate:.0f} | {row.goodput:.1f} | {row.goodput / peak:.0%} | "
            f"{row.throughput:.1f} | {row.ttft_p50_s:.2f} s | {row.ttft_p99_s:.2f} s | {row.refused:.0%} | "
            f"{row.retry_after} |"
        )


@contextlib.contextmanager
def running_cluster(arguments: argparse.Namespace) -> Iterator[int]:
    """The gateway's port."""
    controller_port, worker_port, gateway_port = free_ports(3)
    follow = ("--controller-address", f"http://127.0.0.1:{controller_port}")
    echo = ("--engine", "echo", "--echo-tokens-per-s", f"{arguments.tokens_per_s}", "--echo-ttft", "0")
    engine = (arguments.model,) if arguments.model else echo
    slots = ("--slots", str(arguments.slots), "--model-names", MODEL)
    timeout = ("--queue-timeout", str(arguments.queue_timeout))
    with (
        polychat("controller", "--port", str(controller_port)),
        polychat("worker", *engine, *slots, "--port", str(worker_port), *follow),
        polychat("api", "--port", str(gateway_port), *follow, *timeout),
    ):
        wait_for_model(gateway_port)
        yield gateway_port


@contextlib.contextmanager
def polychat(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "polychat", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(15)


def free_ports(count: int) -> list[int]:
    sockets = [bind("127.0.0.1", 0) for _ in range(count)]
    ports: list[int] = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def wait_for_model(gateway_port: int, *, timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy before loopback
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError):
            if MODEL in str(direct.open(f"http://127.0.0.1:{gateway_port}/v1/models").read()):
                return
        time.sleep(0.05)
    sys.exit("the cluster did not start")


if __name__ == "__main__":
    main()
