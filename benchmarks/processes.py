"""What a second gateway process adds: requests per second and CPU, and how evenly replicas are used.

    python -m benchmarks.processes --rounds 5

Starts a controller and, in turn, a gateway of 1 and of 2 processes. The replicas are in this process and know
at each moment what runs there; each client asks again as soon as it is answered. On a machine with few cores
clients and replicas are what limits the throughput: look at the CPU time of a request first.
"""

import argparse
import asyncio
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.fake_engine import Call, FakeEngine, announced, replica_at
from tests.support.processes import RoleProcess, descendants, free_port, wait_until

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "one two three"}]}
ANSWER = b'{"id":"x","object":"chat.completion","created":1,"model":"fake","choices":[]}'
LOOK_S = 0.01
WARM_UP_S = 0.5
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Round:
    """What clients got from the gateway in one."""

    per_s: float
    cpu_us: float  # of all gateway processes, for each request
    imbalance: float  # the most that runs at a replica, above the mean, as a part of the mean


@dataclass(slots=True)
class Engines:
    """Replicas that take a random time for each answer."""

    mean_s: float
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    running: Counter[str] = field(default_factory=Counter)

    def named(self, name: str) -> "Engine":
        self.running[name] = 0
        return Engine(self, name)

    def imbalance(self) -> float:
        mean = self.running.total() / len(self.running)
        return max(self.running.values()) / mean - 1 if mean else 0.0


@dataclass(slots=True)
class Engine:
    """One of them."""

    all: Engines
    name: str

    async def __call__(self, call: Call) -> None:
        self.all.running[self.name] += 1
        await asyncio.sleep(self.all.chance.expovariate(1 / self.all.mean_s))
        self.all.running[self.name] -= 1
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(ANSWER)}\r\n\r\n"
        await call.send(head.encode() + ANSWER)


def main() -> None:
    given = _arguments()
    rounds: dict[int, list[Round]] = {num: [] for num in given.processes}
    for _ in range(given.rounds):
        for num, found in rounds.items():
            with _gateway(num) as (pids, controller_url, api_url):
                found.append(asyncio.run(_round(pids, controller_url, api_url, given)))
    print("processes | requests/s | gateway CPU us/request | imbalance (medians)")
    for num, found in rounds.items():
        per_s, cpu_us, imbalance = (
            statistics.median(getattr(each, name) for each in found)
            for name in ("per_s", "cpu_us", "imbalance")
        )
        print(f"{num} | {per_s:.0f} | {cpu_us:.0f} | {imbalance:.1%}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--answer-s", type=float, default=0.2)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    return parser.parse_args()


@contextmanager
def _gateway(num_processes: int) -> Iterator[tuple[list[int], str, str]]:
    """The pids of its processes, the controller's URL and its own."""
    port, api_port = free_port(), free_port()
    controller_url = f"http://127.0.0.1:{port}"
    flags = ("--port", str(api_port), "--processes", str(num_processes), "--dispatch-method", "least_loaded")
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"{controller_url}/health")
        with RoleProcess("api", *flags, "--controller-address", controller_url) as api:
            wait_until(lambda: api.output.count("following the controller") == num_processes)
            yield [api.pid, *descendants(api.pid)], controller_url, f"http://127.0.0.1:{api_port}"


async def _round(pids: list[int], controller_url: str, api_url: str, given: argparse.Namespace) -> Round:
    engines = Engines(given.answer_s)
    async with AsyncExitStack() as stack:
        replicas = []
        for number in range(given.replicas):
            engine = await stack.enter_async_context(FakeEngine(engines.named(f"replica-{number}")))
            replicas.append(replica_at(engine.url))
        await stack.enter_async_context(announced(controller_url, *replicas))
        await asyncio.sleep(WARM_UP_S)  # until every process has heard of them
        async with asyncio.TaskGroup() as tasks:
            done: Counter[str] = Counter()
            asking = [tasks.create_task(_ask(api_url, done)) for _ in range(given.clients)]
            await asyncio.sleep(WARM_UP_S)
            before, before_s, began_s = done.total(), _cpu_s(pids), time.monotonic()
            imbalance = await _look(engines, until_s=began_s + given.seconds)
            num, took_s = done.total() - before, time.monotonic() - began_s
            cpu_us = (_cpu_s(pids) - before_s) / num * 1e6
            for task in asking:
                task.cancel()
        return Round(num / took_s, cpu_us, imbalance)


async def _ask(api_url: str, done: Counter[str]) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        while True:
            (await http.post(f"{api_url}/v1/chat/completions", json=CHAT)).raise_for_status()
            done["answers"] += 1


async def _look(engines: Engines, *, until_s: float) -> float:
    """The mean imbalance until then."""
    samples = []
    while time.monotonic() < until_s:
        await asyncio.sleep(LOOK_S)
        samples.append(engines.imbalance())
    return statistics.mean(samples)


def _cpu_s(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_S


if __name__ == "__main__":
    main()
