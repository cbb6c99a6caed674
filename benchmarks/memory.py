"""What thousands of open streams cost the gateway: memory for each, and CPU time at one token a second.

    python -m benchmarks.memory              # 5,000 streams, a minute and a half
    python -m benchmarks.memory --quick      # 1,000, half a minute

A mock engine says one token a second in each stream. The streams open in steps; after each the gateway's RSS
and its CPU share over some seconds are printed: KB per stream is the slope between the steps' first and last,
so that what the gateway needs anyway does not count. Then they stay open, and RSS over that time shows what
grows; benchmarks/soak.py does that for hours. Linux only.
"""

import argparse
import contextlib
import os
import platform
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.chunk_client import Streams, chat, request
from benchmarks.support.peers import KEY, PEERS, Bench, Peer, mock_engine
from benchmarks.support.processes import cpu_s, rss_bytes

MOST_KB, MOST_CPU = 16.0, 1.0
STEPS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway's own process with so many open streams."""

    streams: int
    rss_mb: float
    cpu: float  # part of one core
    per_s: float  # chunks that came to the clients


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each sample")
    parser.add_argument("--held", type=int, default=4, help="samples with all of them open")
    parser.add_argument("--gateway", default="polychat", choices=PEERS)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    count, seconds = (1000, 3.0) if given.quick else (given.streams, given.seconds)
    allow_files(2 * count + 1000)
    with tempfile.TemporaryDirectory(prefix="memory-") as name, contextlib.ExitStack() as stack:
        engine_port, _ = stack.enter_context(mock_engine(Path(name)))
        bench = Bench(engine_port, Path(name), Path(name))
        peer = stack.enter_context(PEERS[given.gateway](bench))
        opened = stack.enter_context(contextlib.closing(many(peer)))
        samples = measure(peer, opened, count, seconds, given.held)
        sys.exit(not report(peer, samples))


def allow_files(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, most), most))


def many(peer: Peer) -> Streams:
    body = chat(tokens=100_000, stream=True, paced=1, prompt="go on")
    return Streams(peer.port, request(peer.port, peer.key or KEY, body), 0)


def measure(peer: Peer, opened: Streams, count: int, seconds: float, held: int) -> list[Sample]:
    samples = []
    for step in range(STEPS + held):
        if step < STEPS:
            open_more(opened, count // STEPS)
        opened.read_for(2.0)
        samples.append(sample(peer, opened, (min(step + 1, STEPS)) * (count // STEPS), seconds))
        last = samples[-1]
        print(
            f"{last.streams:6} streams: RSS {last.rss_mb:7.1f} MB, {last.cpu:4.0%} of a core, "
            f"{last.per_s:6.0f} chunks/s, {opened.errors} errors",
            flush=True,
        )
    return samples


def open_more(opened: Streams, count: int) -> None:
    for _ in range(count // 50):
        opened.count = 50
        opened.open()
        opened.read_for(0.05)  # not all at once: the answers are to be spread over the second


def sample(peer: Peer, opened: Streams, count: int, seconds: float) -> Sample:
    before_s, chunks, began_s = cpu_s(peer.pids[0]), opened.chunks, time.perf_counter()
    opened.read_for(seconds)
    took_s = time.perf_counter() - began_s
    used_s = cpu_s(peer.pids[0]) - before_s
    return Sample(count, rss_bytes(peer.pids[0]) / 1e6, used_s / took_s, (opened.chunks - chunks) / took_s)


def report(peer: Peer, samples: list[Sample]) -> bool:
    """Whether both aims are met."""
    first, full, last = samples[0], samples[STEPS - 1], samples[-1]
    kb = (full.rss_mb - first.rss_mb) * 1e3 / (full.streams - first.streams)
    print(
        f"{peer.name} {peer.version}, {platform.platform()}, {os.cpu_count()} cores, {' '.join(sys.argv[1:])}"
    )
    print(
        f"KB per stream {kb:.1f} (goal {MOST_KB:g}); CPU {last.cpu:.0%} of a core at {last.streams} streams"
    )
    print(f"RSS since all were open: {last.rss_mb - full.rss_mb:+.1f} MB")
    return kb <= MOST_KB and last.cpu < MOST_CPU and last.per_s > 0.95 * last.streams


if __name__ == "__main__":
    main()
