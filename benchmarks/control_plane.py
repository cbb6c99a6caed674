"""How much one controller takes: workers that report, gateways that read along, replicas that it knows.

    python -m benchmarks.control_plane [--quick]

The controller is a real process; workers and gateways are bare connections of this one that speak its
messages (routing/feed.py), so that what is measured is the controller. Printed: its CPU for each load report
and each beat, for each message to each gateway, how late a report is with 64 gateways, and what 10,000
replicas take in its memory, in a snapshot and in a gateway's copy. Linux only.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.support.processes import cpu_s, free_ports, polychat, rss_bytes, wait_for
from polychat.routing import feed
from polychat.routing.registry import Registry
from polychat.routing.replica import Replica, ReplicaState
from polychat.types import Endpoint, Load

NUM_WORKERS = (100, 400)
NUM_GATEWAYS = (1, 16, 64)
NUM_REPLICAS = 10_000
PER_CONNECTION = 250  # replicas that one worker speaks for, as one does for an attached server's models


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="Fewer of everything.")
    is_quick = parser.parse_args().quick
    [port] = free_ports(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        polychat("controller", "--port", str(port), home=Path(folder)) as process,
    ):
        wait_for(f"http://127.0.0.1:{port}/health", process, Path(folder) / "controller.log")
        asyncio.run(measure(port, process.pid, is_quick=is_quick))


async def measure(port: int, pid: int, *, is_quick: bool) -> None:
    for num in NUM_WORKERS[:1] if is_quick else NUM_WORKERS:
        await heartbeats(port, pid, num, seconds=2.0 if is_quick else 6.0)
    for num in NUM_GATEWAYS:
        await fan_out(port, pid, num, num_reports=100 if is_quick else 400)
    await many_replicas(port, pid, NUM_REPLICAS // (10 if is_quick else 1))


def replica(number: int) -> Replica:
    return Replica(
        id=f"{number}-0123456789abcdef",
        url=f"http://127.0.0.1:{20_000 + number % 40_000}/{number}",
        names=("org/model", "model"),
        engine="vllm",
        endpoints=frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}),
        state=ReplicaState.READY,
        load=Load(slots=32),
        context_length=32_768,
        secret="0123456789abcdef" * 2,
    )


@contextlib.asynccontextmanager
async def worker(port: int, *replicas: Replica) -> AsyncIterator[ClientConnection]:
    """One worker's line, on which its replicas have been announced."""
    async with connect(
        f"ws://127.0.0.1:{port}/workers", proxy=None, compression=None, max_queue=None
    ) as line:
        for each in replicas:
            await line.send(feed.encode(feed.Announce(each)).decode())
        await line.recv()
        yield line


async def heartbeats(port: int, pid: int, num: int, *, seconds: float) -> None:
    """So many workers that beat five times a second and report their load once."""
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(worker(port, replica(n))) for n in range(num)]
        before_s, until_s, sent = cpu_s(pid), time.monotonic() + seconds, 0
        while time.monotonic() < until_s:
            for turn in range(5):
                for n, line in enumerate(lines):
                    news: feed.FromWorker = feed.Beat()
                    if turn == n % 5:
                        news = feed.ReportLoad(replica(n).id, Load(running=sent % 7, slots=32))
                    await line.send(feed.encode(news).decode())
                    sent += 1
                await asyncio.sleep(max(0.0, feed.BEAT_S - 0.001 * num / 20))
        used_s = cpu_s(pid) - before_s
        print(
            f"{num} workers: {sent / seconds:.0f} messages/s, {1e6 * used_s / sent:.0f} us CPU each, "
            f"{used_s / seconds:.0%} of a core"
        )


async def fan_out(port: int, pid: int, num: int, *, num_reports: int) -> None:
    """Load reports on their way through the controller to so many gateways."""
    arrivals: dict[int, list[float]] = {n: [] for n in range(num_reports)}

    async def read(http: httpx.AsyncClient) -> None:
        async with http.stream("GET", f"http://127.0.0.1:{port}/watch") as response:
            async for line in response.aiter_lines():
                message = feed.decode_to_gateway(line)
                if isinstance(message, feed.ReportLoad):
                    arrivals[message.load.output_tokens_total].append(time.monotonic())

    async with worker(port, replica(1)) as line, httpx.AsyncClient(trust_env=False, timeout=30) as http:
        readers = [asyncio.create_task(read(http)) for _ in range(num)]
        await asyncio.sleep(1.0)
        before_s, sent_s = cpu_s(pid), []
        for n in range(num_reports):
            sent_s.append(time.monotonic())
            load = Load(slots=32, output_tokens_total=n)
            await line.send(feed.encode(feed.ReportLoad(replica(1).id, load)).decode())
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.5)
        used_s = cpu_s(pid) - before_s
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    late_ms = [
        1000 * (max(came) - sent) for came, sent in zip(arrivals.values(), sent_s, strict=True) if came
    ]
    print(
        f"{num} gateways: {1e6 * used_s / num_reports:.0f} us CPU a report, "
        f"{1e6 * used_s / num_reports / num:.1f} a gateway; the last one hears it after "
        f"{statistics.median(late_ms):.1f} ms (p99 {sorted(late_ms)[int(0.99 * (len(late_ms) - 1))]:.1f})"
    )


async def many_replicas(port: int, pid: int, num: int) -> None:
    """A registry of so many, and a gateway's copy of it."""
    known = [replica(n) for n in range(num)]
    rss_before, before_s, started_s = rss_bytes(pid), cpu_s(pid), time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        for start in range(0, num, PER_CONNECTION):
            await stack.enter_async_context(worker(port, *known[start : start + PER_CONNECTION]))
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            await registered(http, port, num)
            took_s, used_s = time.monotonic() - started_s, cpu_s(pid) - before_s
            asked_s = time.monotonic()
            async with http.stream("GET", f"http://127.0.0.1:{port}/watch") as response:
                snapshot = await anext(response.aiter_lines())
            came_s = time.monotonic() - asked_s
        registry, follow_s = followed(snapshot)
    grown_mb = (rss_bytes(pid) - rss_before) / 1e6
    print(
        f"{num} replicas: registered in {took_s:.1f} s with {used_s:.1f} s CPU, + {grown_mb:.0f} MB; "
        f"snapshot {len(snapshot) / 1e6:.1f} MB in {came_s:.2f} s, followed in {follow_s:.2f} s; "
        f"{len(registry)} in the copy"
    )


async def registered(http: httpx.AsyncClient, port: int, num: int) -> None:
    """Until the controller knows so many."""
    known = 0
    for _ in range(2000):
        if known >= num:
            return
        await asyncio.sleep(0.05)
        known = (await http.get(f"http://127.0.0.1:{port}/health")).json()["replicas"]
    raise SystemExit(f"only {known} of {num} replicas registered")


def followed(snapshot: str) -> tuple[Registry, float]:
    """A gateway's copy, and how long making it takes; then a load report of each replica."""
    started_s, registry = time.monotonic(), Registry()
    follower = feed.Follower(registry)
    follower.apply(feed.decode_to_gateway(snapshot), now_s=0.0)
    took_s = time.monotonic() - started_s
    started_s = time.monotonic()
    for each in tuple(registry):
        follower.apply(feed.ReportLoad(each.id, replace(each.load, running=1)), now_s=0.0)
    report_us = 1e6 * (time.monotonic() - started_s) / max(1, len(registry))
    print(f"a load report in a copy of {len(registry)}: {report_us:.1f} us")
    return registry, took_s


if __name__ == "__main__":
    main()
