"""What a request and a chunk cost in polychat's gateway, in nginx, and in the gateways of others.

    python -m benchmarks.gateway_peers                  # all of them: three minutes, more to install them
    python -m benchmarks.gateway_peers --only nginx,polychat --quick
    python -m benchmarks.gateway_peers --only polychat,before --before ../another-checkout

All stand before one mock engine, written in C, that costs next to nothing. Rounds go over all gateways in
turn; each figure is the median of the rounds. CPU time is that of every process which the gateway needs, for

- small chats, answered whole, over 64 connections (load: wrk);
- 64 streams that end after 128 tokens, as fast as they come;
- 64 streams at 50 tokens a second;

and what the gateway adds to the TTFT when it is half loaded: streams at 50 tokens a second, so many that
they take half of one core (at most 800), while single streams are timed straight to the engine and through
it. polychat checks a key with limits, counts metrics and writes usage; nginx, LiteLLM and FastChat check a
key; the routers none. Needs nginx, wrk and a C compiler; the others are installed into --environments, each
by itself. A gateway that does not start has its reason in the table. Linux only.
"""

import argparse
import contextlib
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.support import wrk
from benchmarks.support.chunk_client import Streams, chat, request, ttft_s
from benchmarks.support.peers import PEERS, Bench, Peer, mock_engine, polychat_gateway
from benchmarks.support.processes import DidNotStart, cpu_s, direct, json_of

STREAMS, TOKENS, PACE = 64, 128, 50
MOST_STREAMS = 800  # of the half load: wrk and the engine need their part of two cores, too
WARM_UP_S = 0.4
SLOW = ("litellm", "fschat")  # they need longer until enough requests have ended to be counted


@dataclass(slots=True)
class Figures:
    """Of one gateway, a value for each round. Times in microseconds and, for TTFT, milliseconds."""

    request_us: list[float] = field(default_factory=list)
    requests_per_s: list[float] = field(default_factory=list)
    burst_us: list[float] = field(default_factory=list)
    chunks_per_s: list[float] = field(default_factory=list)
    paced_us: list[float] = field(default_factory=list)
    added_p50_ms: float = float("nan")
    added_p99_ms: float = float("nan")
    load: str = ""


@dataclass(slots=True)
class Site:
    """What a measurement needs besides the gateway."""

    folder: Path
    engine_port: int
    seconds: float
    figures: dict[str, Figures] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


Step = Callable[[Peer, Site], None]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gateway_peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = Path(os.environ.get("POLYCHAT_HOME") or Path.home() / ".polychat")
    parser.add_argument("--only", default=",".join(PEERS), help="names, split by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.4, help="of each load in each round")
    parser.add_argument("--quick", action="store_true", help="half a second of each load")
    parser.add_argument("--no-ttft", action="store_true", help="leave the half load out")
    parser.add_argument("--environments", type=Path, default=home / "benchmarks")
    parser.add_argument("--before", type=Path, help="another checkout of polychat, called before in --only")
    given = parser.parse_args()
    if given.before is not None:
        PEERS["before"] = polychat_gateway("before", given.before.absolute())
    seconds = 0.5 if given.quick else given.seconds
    with tempfile.TemporaryDirectory(prefix="gateways-") as name, contextlib.ExitStack() as stack:
        engine_port, _ = stack.enter_context(mock_engine(Path(name)))
        site = Site(Path(name), engine_port, seconds)
        bench = Bench(engine_port, Path(name), given.environments.absolute())
        peers = started(given.only.split(","), bench, site, stack)
        for _ in range(given.rounds):
            measure(peers, site, round_once)
        if not given.no_ttft:
            measure(peers, site, half_loaded)
        report(peers, site, given.rounds)


def started(names: Sequence[str], bench: Bench, site: Site, stack: contextlib.ExitStack) -> list[Peer]:
    peers = []
    for name in names:
        if name not in PEERS:
            sys.exit(f"no gateway is called {name}: {', '.join(PEERS)}")
        try:
            peer = stack.enter_context(PEERS[name](bench))
            try_out(peer)
            peers.append(peer)
        except (DidNotStart, OSError, subprocess.CalledProcessError) as exc:
            site.failed[name] = " ".join(str(exc).split()) or "did not start"
    site.figures = {peer.name: Figures() for peer in peers}
    return peers


def try_out(peer: Peer) -> None:
    """A few chats, so that nothing is measured which only refuses, or is still warming up."""
    for _ in range(20):
        url, headers = (
            f"http://127.0.0.1:{peer.port}/v1/chat/completions",
            {"content-type": "application/json"},
        )
        headers["authorization"] = f"Bearer {peer.key}"
        asked = urllib.request.Request(url, chat(tokens=16, stream=False), headers)
        direct.open(asked, timeout=30).close()


def measure(peers: Sequence[Peer], site: Site, step: Step) -> None:
    """One step for each gateway that has not failed yet."""
    for peer in peers:
        if peer.name not in site.failed:
            try:
                step(peer, site)
            except (DidNotStart, OSError) as exc:
                site.failed[peer.name] = " ".join(str(exc).split())[:160]


def round_once(peer: Peer, site: Site) -> None:
    figures = site.figures[peer.name]
    whole_chats(peer, site, figures)
    with streams(peer, paced=0) as fast:
        chunk_us, per_s = cost_of_chunks(peer, fast, site.seconds)
    figures.burst_us.append(chunk_us)
    figures.chunks_per_s.append(per_s)
    with streams(peer, paced=PACE) as slow:
        figures.paced_us.append(cost_of_chunks(peer, slow, site.seconds)[0])


def whole_chats(peer: Peer, site: Site, figures: Figures) -> None:
    """Requests are counted where they arrive: at the engine."""
    what = wrk.Load(peer.port, peer.key, chat(tokens=16, stream=False), STREAMS)
    longer = 4.0 if peer.name in SLOW else 1.0
    seconds, warm_up_s = longer * site.seconds, longer * WARM_UP_S
    with wrk.load(what, site.folder, seconds=seconds + warm_up_s) as process:
        time.sleep(warm_up_s)
        began_s, before_s, asked = time.perf_counter(), cpu_s(*peer.pids), requests(site)
        time.sleep(seconds)
        count = requests(site) - asked
        took_s, used_s = time.perf_counter() - began_s, cpu_s(*peer.pids) - before_s
        _, errors = wrk.told(process)
    if errors or not count:
        raise DidNotStart(f"{errors} of its answers were errors, {count} requests reached the engine")
    figures.request_us.append(used_s / count * 1e6)
    figures.requests_per_s.append(count / took_s)


def requests(site: Site) -> int:
    return int(json_of(f"http://127.0.0.1:{site.engine_port}/count")["requests"])


@contextlib.contextmanager
def streams(peer: Peer, *, paced: int) -> Iterator[Streams]:
    tokens = 10_000 if paced else TOKENS
    asked = request(peer.port, peer.key, chat(tokens=tokens, stream=True, paced=paced))
    opened = Streams(peer.port, asked, STREAMS)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


def cost_of_chunks(peer: Peer, opened: Streams, seconds: float) -> tuple[float, float]:
    """CPU time for each chunk that a client got, and how many came in a second."""
    opened.warm_up(WARM_UP_S)
    began_s, before_s, chunks = time.perf_counter(), cpu_s(*peer.pids), opened.chunks
    opened.read_for(seconds)
    count, used_s = opened.chunks - chunks, cpu_s(*peer.pids) - before_s
    if opened.errors or not count:
        raise DidNotStart(f"{opened.errors} streams broke off, {count} chunks came")
    return used_s / count * 1e6, count / (time.perf_counter() - began_s)


def half_loaded(peer: Peer, site: Site) -> None:
    """TTFT of single streams, straight and through the gateway in turns, while others take half of a core."""
    figures, seconds = site.figures[peer.name], max(2.5, 2 * site.seconds)
    paced_us = statistics.median(figures.paced_us)
    count = max(1, min(MOST_STREAMS, round(0.5e6 / PACE / paced_us)))
    what = wrk.Load(peer.port, peer.key, chat(tokens=10_000, stream=True, paced=PACE), count)
    with wrk.load(what, site.folder, seconds=seconds + 3):
        time.sleep(1.0)
        before_s, began_s = cpu_s(*peer.pids), time.perf_counter()
        straight, through = probes(peer, site, seconds)
        used = (cpu_s(*peer.pids) - before_s) / (time.perf_counter() - began_s)
    figures.added_p50_ms = (statistics.median(through) - statistics.median(straight)) * 1e3
    figures.added_p99_ms = (p99(through) - p99(straight)) * 1e3
    figures.load = f"{count} streams, {used:.0%} of a core, {len(through)} probes"


def probes(peer: Peer, site: Site, seconds: float) -> tuple[list[float], list[float]]:
    body = chat(tokens=4, stream=True)
    sides = ((site.engine_port, "any"), (peer.port, peer.key))
    asked = [request(port, key, body) for port, key in sides]
    times: tuple[list[float], list[float]] = ([], [])
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for port, _ in sides]
        until_s = time.perf_counter() + seconds
        while time.perf_counter() < until_s or len(times[1]) < 5:
            for number, sock in enumerate(socks):
                times[number].append(ttft_s(sock, asked[number]))
            time.sleep(0.002)
    return times


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def report(peers: Sequence[Peer], site: Site, rounds: int) -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"python -m benchmarks.gateway_peers {' '.join(sys.argv[1:])}: median of {rounds} rounds")
    for peer in peers:
        print(f"  {peer.name} {peer.version}: {peer.command}")
    print(
        "\n| gateway | CPU us/request | x nginx | x polychat | requests/s | CPU us/chunk, fast | x nginx ",
        end="",
    )
    print("| chunks/s | CPU us/chunk, 50 tok/s | x nginx | x polychat | TTFT added at half load, p50 / p99 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for peer in peers:
        if peer.name not in site.failed:
            print(row(peer.name, site))
    for name, reason in site.failed.items():
        print(f"| {name} | not measured: {reason} | | | | | | | | | | |")


def row(name: str, site: Site) -> str:
    own = site.figures[name]
    cells = [
        name,
        f"{statistics.median(own.request_us):.0f}",
        ratio(site, name, "nginx", "request_us"),
        ratio(site, name, "polychat", "request_us"),
        f"{statistics.median(own.requests_per_s):.0f}",
        f"{statistics.median(own.burst_us):.1f}",
        ratio(site, name, "nginx", "burst_us"),
        f"{statistics.median(own.chunks_per_s):.0f}",
        f"{statistics.median(own.paced_us):.1f}",
        ratio(site, name, "nginx", "paced_us"),
        ratio(site, name, "polychat", "paced_us"),
        f"{own.added_p50_ms:.2f} / {own.added_p99_ms:.2f} ms ({own.load})" if own.load else "",
    ]
    return f"| {' | '.join(cells)} |"


def ratio(site: Site, name: str, other: str, figure: str) -> str:
    """The median of the rounds' ratios, for a round's noise meets both."""
    if other not in site.figures or other in site.failed:
        return ""
    pairs = zip(getattr(site.figures[name], figure), getattr(site.figures[other], figure), strict=True)
    return f"{statistics.median(one / two for one, two in pairs):.2f}"


if __name__ == "__main__":
    main()
