"""Load by wrk, which costs little itself and reads chunked streams to their end."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
wrk.method = "POST"
wrk.body = %s
wrk.headers["Authorization"] = "Bearer %s"
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format("requests=%%d errors=%%d", summary.requests, e.status + e.read + e.connect))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a server, over how many connections."""

    port: int
    key: str
    body: bytes
    connections: int


def program() -> str:
    return shutil.which("wrk") or sys.exit("wrk is not installed: apt-get install wrk")


@contextlib.contextmanager
def load(what: Load, folder: Path, *, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """wrk while it runs; it ends after that time or with the block."""
    script = folder / "chat.lua"
    script.write_text(_SCRIPT % (json.dumps(what.body.decode()), what.key))
    argv = [program(), "-t1", f"-c{what.connections}", f"-d{round(seconds + 0.5)}s", "--timeout", "30s"]
    argv += ["-s", str(script), f"http://127.0.0.1:{what.port}/v1/chat/completions"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Requests that ended, and errors, once wrk has ended by itself."""
    said, _ = process.communicate()
    last = said.strip().splitlines()[-1]
    counts = dict(word.split("=") for word in last.split())
    return int(counts["requests"]), int(counts["errors"])
