"""What the choice of a replica is worth where prefix caches are real: the policies on llama.cpp replicas.

    python -m benchmarks.cache_aware            # two and four replicas, about four minutes
    python -m benchmarks.cache_aware --quick    # two replicas, about a minute

A model of random weights, one token a byte, runs in as many llama.cpp workers as asked for (of one thread
each, as polychat runs small models). One gateway for each policy stands before the same workers. Workloads:

- turns: conversations of several turns that share long system prompts with others; each turn is sent when the
  one before is answered, with the whole conversation so far;
- random: prompts that nothing shares, where there is nothing to gain from caches.

Every round sends each policy the same workload under other words, so that caches of earlier rounds do not
help. Printed: the median of the rounds for throughput, TTFT, the part of the prompts' tokens that was cached
and CPU time of the replicas for each request, and the ratios by round robin and by least_loaded.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.support.processes import cpu_s, free_ports, polychat, wait_for_model
from tests.support import tiny_gguf

MODEL = "m"
POLICIES = ("cache_aware", "two_choices", "least_loaded", "round_robin")
CONTEXT, ANSWER_TOKENS, TURNS = 8192, 16, 5
SYSTEM_BYTES, TURN_BYTES, RANDOM_BYTES = 3000, 400, 1500
AT_ONCE = 2  # conversations at once for each replica
SHARING = 3  # conversations that have the same system prompt


@dataclass(frozen=True, slots=True)
class Site:
    """The workers, and a gateway's port for each policy."""

    gateways: dict[str, int]
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    ttft_s: float
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Round:
    """What one policy did with one workload."""

    requests_per_s: float
    ttft_p50_s: float
    ttft_p99_s: float
    cached: float
    cpu_s: float  # of the replicas, for each request


class Talk:
    """Sends the requests of one round."""

    def __init__(self, http: httpx.AsyncClient, port: int, seed: str) -> None:
        self._http, self._url = http, f"http://127.0.0.1:{port}/v1/chat/completions"
        self._seed = seed
        self.answers: list[Answer] = []

    def words(self, name: str, size: int) -> str:
        """Text that only this name in this round has, from its first word on."""
        chance = random.Random(f"{self._seed} {name}")
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz     ", k=size))

    async def conversation(self, number: int) -> None:
        messages = [{"role": "system", "content": self.words(f"system {number // SHARING}", SYSTEM_BYTES)}]
        for turn in range(TURNS):
            messages.append({"role": "user", "content": self.words(f"{number} {turn}", TURN_BYTES)})
            messages.append({"role": "assistant", "content": await self.ask(messages)})

    async def lone(self, number: int) -> None:
        await self.ask([{"role": "user", "content": self.words(f"lone {number}", RANDOM_BYTES)}])

    async def ask(self, messages: Sequence[dict[str, str]]) -> str:
        body = {"model": MODEL, "messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": 0}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        usage: dict[str, Any] = {}  # decoded JSON
        began_s, first_s, said = time.perf_counter(), 0.0, ""
        async with self._http.stream("POST", self._url, json=body) as answer:
            if answer.status_code != httpx.codes.OK:
                sys.exit(f"answered {answer.status_code}: {(await answer.aread())[:300]!r}")
            async for line in answer.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                chunk = json.loads(line.removeprefix("data: "))
                text = "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
                first_s = first_s or (time.perf_counter() if text else 0.0)
                said += text
                usage = chunk.get("usage") or usage
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        self.answers.append(Answer(first_s - began_s, usage["prompt_tokens"], cached))
        return said


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cache_aware",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--replicas", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--conversations", type=int, default=6, help="in a round, for each workload")
    parser.add_argument("--slots", type=int, default=4, help="of each replica")
    parser.add_argument("--policies", default=",".join(POLICIES))
    parser.add_argument("--quick", action="store_true", help="two replicas, four conversations")
    given = parser.parse_args()
    numbers, conversations = ([2], 4) if given.quick else (given.replicas, given.conversations)
    print(f"{platform.platform()}, {os.cpu_count()} cores, {' '.join(sys.argv[1:])}")
    for number in numbers:
        with (
            tempfile.TemporaryDirectory(prefix="cache-aware-") as name,
            running_site(Path(name), number, given.slots, given.policies.split(",")) as site,
        ):
            asyncio.run(compare(site, given.rounds, conversations))


async def compare(site: Site, rounds: int, conversations: int) -> None:
    for workload in ("turns", "random"):
        taken: dict[str, list[Round]] = {policy: [] for policy in site.gateways}
        for number in range(rounds):
            for policy in site.gateways:
                taken[policy].append(await one_round(site, policy, workload, number, conversations))
        report(workload, len(site.workers), taken)


async def one_round(site: Site, policy: str, workload: str, number: int, conversations: int) -> Round:
    async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
        talk = Talk(http, site.gateways[policy], f"{policy} {workload} {number}")
        if workload == "turns":
            work = [talk.conversation(each) for each in range(conversations)]
        else:
            work = [talk.lone(each) for each in range(conversations * TURNS)]
        random.Random(number).shuffle(work)  # those that share a prompt are not all neighbours
        before_s, began_s = cpu_s(*site.workers), time.perf_counter()
        await at_most(AT_ONCE * len(site.workers), work)
        took_s, used_s = time.perf_counter() - began_s, cpu_s(*site.workers) - before_s
    count, ttfts = len(talk.answers), sorted(each.ttft_s for each in talk.answers)
    tokens = sum(each.prompt_tokens for each in talk.answers)
    cached = sum(each.cached_tokens for each in talk.answers) / tokens
    p99_s = ttfts[int(count * 0.99)]
    return Round(count / took_s, statistics.median(ttfts), p99_s, cached, used_s / count)


async def at_most(count: int, work: Sequence[Coroutine[None, None, None]]) -> None:
    free = asyncio.Semaphore(count)

    async def one(each: Coroutine[None, None, None]) -> None:
        async with free:
            await each

    await asyncio.gather(*(one(each) for each in work))


def report(workload: str, replicas: int, taken: dict[str, list[Round]]) -> None:
    print(f"\n{workload}, {replicas} replicas, median of {len(next(iter(taken.values())))} rounds\n")
    print(
        "| policy | requests/s | x round_robin | x least_loaded | TTFT p50 | x round_robin | TTFT p99 ",
        end="",
    )
    print("| cached | replicas' CPU ms/request |\n|---|---|---|---|---|---|---|---|---|")
    for policy, rounds in taken.items():
        print(
            f"| {policy} | {median(rounds, 'requests_per_s'):.1f} | "
            f"{ratio(rounds, taken.get('round_robin'), 'requests_per_s')} | "
            f"{ratio(rounds, taken.get('least_loaded'), 'requests_per_s')} | "
            f"{median(rounds, 'ttft_p50_s') * 1e3:.0f} ms | "
            f"{ratio(rounds, taken.get('round_robin'), 'ttft_p50_s')} | "
            f"{median(rounds, 'ttft_p99_s') * 1e3:.0f} ms | {median(rounds, 'cached'):.0%} | "
            f"{median(rounds, 'cpu_s') * 1e3:.0f} |",
            flush=True,
        )


def median(rounds: Sequence[Round], figure: str) -> float:
    return float(statistics.median(getattr(each, figure) for each in rounds))


def ratio(rounds: Sequence[Round], others: Sequence[Round] | None, figure: str) -> str:
    if others is None:
        return ""
    pairs = zip(rounds, others, strict=True)
    return f"{statistics.median(getattr(one, figure) / getattr(two, figure) for one, two in pairs):.2f}"


@contextlib.contextmanager
def running_site(home: Path, replicas: int, slots: int, policies: Sequence[str]) -> Iterator[Site]:
    model = tiny_gguf.write(home / "model.gguf", context_length=CONTEXT)
    controller_port, *ports = free_ports(1 + replicas + len(policies))
    follow = ("--controller-address", f"http://127.0.0.1:{controller_port}")
    engine = (str(model), "--model-names", MODEL, "--slots", str(slots), "--context-length", str(CONTEXT))
    with contextlib.ExitStack() as stack:
        stack.enter_context(polychat("controller", "--port", str(controller_port), home=home))
        workers = [
            stack.enter_context(polychat("worker", *engine, "--port", str(port), *follow, home=home))
            for port in ports[:replicas]
        ]
        gateways = dict(zip(policies, ports[replicas:], strict=True))
        for policy, port in gateways.items():
            chosen = ("--dispatch-method", policy)
            stack.enter_context(polychat("api", "--port", str(port), *chosen, *follow, home=home))
        for port in gateways.values():
            wait_for_model(port, MODEL)
        wait_for_replicas(home / "worker.log", replicas)
        yield Site(gateways, tuple(worker.pid for worker in workers))


def wait_for_replicas(log: Path, count: int, *, timeout_s: float = 60.0) -> None:
    give_up_s = time.monotonic() + timeout_s
    while log.read_text().count("registered with the controller") < count:
        if time.monotonic() > give_up_s:
            sys.exit("not all workers registered")
        time.sleep(0.2)
    time.sleep(1.0)  # until the gateways have heard of the last


if __name__ == "__main__":
    main()
