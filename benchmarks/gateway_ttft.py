"""What the gateway adds to the time to first token, and what it costs; the echo engine answers.

    python benchmarks/gateway_ttft.py --requests 500

Starts a controller, an echo worker that answers at once and a gateway, then sends the same streamed chat in
turn straight to the engine and through the gateway, one at a time, each over one kept connection. TTFT is the
time from sending the request until the first token has come. Linux only: CPU time and memory come from /proc.
"""

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODEL = "echo"
WORDS = "one two three four five six seven eight"
LIMIT_MS = 1.5  # the most that the gateway may add at the median


class Cluster(NamedTuple):
    controller: subprocess.Popen[bytes]
    gateway: subprocess.Popen[bytes]
    engine_port: int
    engine_secret: str
    gateway_port: int


class Connection:
    """One kept connection to a server, and the streamed chat that is sent over it again and again."""

    def __init__(self, port: int, secret: str) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chat = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": WORDS}]}
        body = json.dumps(chat).encode()
        self._request = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
            f"authorization: Bearer {secret}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body

    def ttft_ms(self) -> float:
        """Send the chat, read the answer to its end."""
        started_s = time.perf_counter()
        self._sock.sendall(self._request)
        answer, first_token_s = b"", 0.0
        while not answer.endswith(b"0\r\n\r\n"):
            data = self._sock.recv(65536)
            assert data, f"the connection was closed after {answer!r}"
            answer += data
            if not first_token_s and b'"content":"one' in answer:
                first_token_s = time.perf_counter()
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert first_token_s, answer
        return (first_token_s - started_s) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=500, help="each way")
    arguments = parser.parse_args()
    with running_cluster() as cluster:
        idle_mb = {"controller": rss_mb(cluster.controller.pid), "gateway": rss_mb(cluster.gateway.pid)}
        direct, through = measure(cluster, arguments.requests)
        cpu_us = gateway_cpu_us(cluster, arguments.requests)
    report(direct, through, cpu_us=cpu_us, idle_mb=idle_mb)
    if statistics.median(through) - statistics.median(direct) > LIMIT_MS:
        sys.exit(f"the gateway adds more than {LIMIT_MS} ms")


def measure(cluster: Cluster, num_requests: int) -> tuple[list[float], list[float]]:
    """TTFTs in ms, straight and through the gateway, taken in turn so that both meet the same noise."""
    direct = Connection(cluster.engine_port, cluster.engine_secret)
    through = Connection(cluster.gateway_port, "any")
    for _ in range(20):
        direct.ttft_ms(), through.ttft_ms()
    pairs = [(direct.ttft_ms(), through.ttft_ms()) for _ in range(num_requests)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def gateway_cpu_us(cluster: Cluster, num_requests: int) -> float:
    """CPU time of the gateway's process for one request, microseconds."""
    through = Connection(cluster.gateway_port, "any")
    before_s = cpu_s(cluster.gateway.pid)
    for _ in range(num_requests):
        through.ttft_ms()
    return (cpu_s(cluster.gateway.pid) - before_s) / num_requests * 1e6


def report(direct: list[float], through: list[float], *, cpu_us: float, idle_mb: dict[str, float]) -> None:
    print(
        f"{len(direct)} streamed chats each way, one at a time; {platform.platform()}, {os.cpu_count()} cores"
    )
    for name, ttfts in (("straight to the engine", direct), ("through the gateway", through)):
        print(f"  {name:<24} TTFT p50 {statistics.median(ttfts):6.3f} ms   p99 {p99(ttfts):6.3f} ms")
    added_ms = statistics.median(through) - statistics.median(direct)
    ratio = statistics.median(through) / statistics.median(direct)
    print(f"  added by the gateway     TTFT p50 {added_ms:6.3f} ms (x {ratio:.2f}; limit {LIMIT_MS} ms)")
    print(f"  gateway CPU              {cpu_us:.0f} us per request of {len(WORDS.split())} tokens")
    total_mb = sum(idle_mb.values())
    parts = " + ".join(f"{name} {size_mb:.0f}" for name, size_mb in idle_mb.items())
    print(f"  idle RSS                 {parts} = {total_mb:.0f} MB")


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    controller_port, worker_port, gateway_port = free_ports(3)
    controller_url = f"http://127.0.0.1:{controller_port}"
    at_once = ("--engine", "echo", "--model-names", MODEL, "--echo-tokens-per-s", "0", "--echo-ttft", "0")
    follow = ("--controller-address", controller_url)
    with (
        polychat("controller", "--port", str(controller_port)) as controller,
        polychat("worker", *at_once, "--port", str(worker_port), *follow),
        polychat("api", "--port", str(gateway_port), *follow) as gateway,
    ):
        wait_for_model(gateway_port)
        yield Cluster(controller, gateway, worker_port, secret_of_the_worker(controller_url), gateway_port)


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
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def wait_for_model(gateway_port: int, *, timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError):
            if MODEL.encode() in direct.open(f"http://127.0.0.1:{gateway_port}/v1/models").read():
                return
        time.sleep(0.05)
    sys.exit("the cluster did not start")


def secret_of_the_worker(controller_url: str) -> str:
    """What gateways learn: without it the engine answers nobody."""
    with direct.open(f"{controller_url}/watch") as watch:
        snapshot = json.loads(watch.readline())
    secret: str = snapshot["replicas"][0]["secret"]
    return secret


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands before loopback

if __name__ == "__main__":
    main()
