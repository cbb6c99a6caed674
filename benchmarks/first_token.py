"""Seconds from a command to the first token of the built-in model.

    python benchmarks/first_token.py            # second start: `polychat up` in this environment, 5 times
    python benchmarks/first_token.py --fresh    # fresh clone in a new folder: `./scripts/up`, once

Both go through the whole platform: controller, worker, llama.cpp, gateway, and the page beside them.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).parents[1]
QUESTION = {"model": "polychat-mini", "stream": True, "messages": [{"role": "user", "content": "Hello!"}]}


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def seconds_to_first_token(command: list[str], folder: Path) -> float:
    """Start `command`, ask until the first token comes, stop it."""
    api, web, controller, worker = free_ports(4)
    flags = ["--port", api, "--web-port", web, "--controller-port", controller, "--worker-port", worker]
    with tempfile.TemporaryDirectory() as home:
        started_s = time.monotonic()
        process = subprocess.Popen(
            [*command, *map(str, flags)],
            cwd=folder,
            env=os.environ | {"POLYCHAT_HOME": home},
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for_token(f"http://127.0.0.1:{api}/v1/chat/completions", process)
            return time.monotonic() - started_s
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def wait_for_token(url: str, process: "subprocess.Popen[bytes]") -> None:
    with httpx.Client(trust_env=False, timeout=30) as client:
        while process.poll() is None:
            try:
                with client.stream("POST", url, json=QUESTION) as answer:
                    if any(
                        '"content":"' in line and '"content":""' not in line for line in answer.iter_lines()
                    ):
                        return
            except httpx.TransportError:
                time.sleep(0.02)
    sys.exit(f"it ended with status {process.returncode}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fresh", action="store_true", help="clone into a new folder and install everything")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    if args.fresh:
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "polychat"
            subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
            print(f"fresh clone to first token: {seconds_to_first_token(['./scripts/up'], clone):.1f} s")
        return
    command = [sys.executable, "-m", "polychat", "up"]
    runs = [seconds_to_first_token(command, REPOSITORY) for _ in range(args.repeat)]
    shown = " ".join(f"{run:.2f}" for run in runs)
    print(f"second start to first token: median {statistics.median(runs):.2f} s of {shown}")


if __name__ == "__main__":
    main()
