"""Start and end the servers of a benchmark, and read what they and their children use; Linux only."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands before loopback


class DidNotStart(Exception):
    """A server ended, or did not answer in time; the message is its last line."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


@contextlib.contextmanager
def running(
    argv: Sequence[str], log: Path, *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with its whole group, also when the benchmark gets SIGTERM."""
    signal.signal(signal.SIGTERM, _leave)
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def polychat(
    *arguments: str, home: Path, source: Path | None = None
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A process of polychat, with its files in `home`; of the checkout `source` if that is given."""
    name = "-".join(arguments[:1])
    return running(
        [sys.executable, "-m", "polychat", *arguments],
        home / f"{name}.log",
        cwd=home,
        environment={"POLYCHAT_HOME": str(home)} | imports_from(source),
    )


def imports_from(source: Path | None) -> dict[str, str]:
    """What makes Python take polychat from a checkout."""
    return {} if source is None else {"PYTHONPATH": str(source / "src")}


def wait_for(
    url: str, process: subprocess.Popen[bytes], log: Path, *, key: str = "", timeout_s: float = 60.0
) -> None:
    """Until `url` answers 200 with something in it.

    Raises:
        DidNotStart: it does not.
    """
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"} if key else {})
    give_up_s = time.monotonic() + timeout_s
    while time.monotonic() < give_up_s and process.poll() is None:
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            direct.open(request, timeout=5) as answer,
        ):
            if answer.read() not in (b"", b"[]"):
                return
        time.sleep(0.1)
    raise DidNotStart(last_line(log))


def wait_for_model(port: int, model: str, *, key: str = "any", timeout_s: float = 60.0) -> None:
    """Until the gateway at `port` lists it."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/models", headers={"authorization": f"Bearer {key}"}
    )
    give_up_s = time.monotonic() + timeout_s
    while time.monotonic() < give_up_s:
        with contextlib.suppress(OSError), direct.open(request, timeout=5) as answer:
            if model in (each["id"] for each in json.load(answer)["data"]):
                return
        time.sleep(0.1)
    raise DidNotStart(f"no {model} at port {port}")


def json_of(url: str) -> dict[str, Any]:  # Any: decoded JSON
    with direct.open(url, timeout=10) as answer:
        decoded: dict[str, Any] = json.load(answer)
    return decoded


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][-160:] if lines else "it said nothing"


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    pids = [pid]
    for parent in pids:
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                pids += map(int, tasks.read_text().split())
    return pids


def cpu_s(*pids: int) -> float:
    """CPU time of the processes and all below them.

    From each thread's schedstat, in nanoseconds: the sums in /proc/PID/stat move in steps of 10 ms.
    """
    total_ns = 0
    for pid in (each for top in pids for each in tree(top)):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total_ns += int(thread.read_text().split()[0])
    return total_ns / 1e9


def rss_bytes(*pids: int) -> int:
    """Resident memory of the processes and all below them."""
    total = 0
    for pid in (each for top in pids for each in tree(top)):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total
