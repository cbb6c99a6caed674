"""Who asks and then goes, by whatever way, frees the engine's slot at once."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support import seen, tiny_gguf
from tests.support.cluster import Cluster
from tests.support.processes import free_port, wait_until

FREED_S = 3.0  # a decode step, and the worker's next look; the answers would take longer
ENGINES = {
    "echo": ("--engine", "echo", "--echo-tokens-per-s", "5"),
    "llamacpp": ("--engine", "llamacpp"),
    "transformers": ("--engine", "transformers"),
}
CLIENT = """
import socket, sys, time
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(sys.stdin.buffer.read())
time.sleep(600)
"""


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if request.param == "transformers" and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    with ExitStack() as stack:
        cluster = Cluster(stack)
        flags = ("--port", str(free_port()), "--controller-address", cluster.controller_url)
        model = model_for(request.param, tmp_path_factory.mktemp("model"))
        cluster.start("worker", *model, *ENGINES[request.param], "--model-names", "m", *flags)
        seen.until(cluster.api_url, "m", {"ready": 1}, timeout_s=120)
        yield cluster


def model_for(engine: str, folder: Path) -> tuple[str, ...]:
    """One that it takes long to fill the context of."""
    match engine:
        case "llamacpp":
            return (str(tiny_gguf.write(folder / "tiny.gguf", context_length=65_536)),)
        case "transformers":
            from tests.support import checkpoints  # imports torch

            return (str(checkpoints.builtin_checkpoint(folder)),)
        case _:
            return ()


def request_of(*, stream: bool) -> bytes:
    """One whose answer takes many seconds."""
    words = " ".join(["word"] * 200)  # what echo says again
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": words}],
        "stream": stream,
        "ignore_eos": True,
    }
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def leave_by_closing(cluster: Cluster, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", cluster.api_port)) as sock:
        sock.sendall(request)
        wait_until(lambda: cluster.running() == 1)


def leave_by_kill(cluster: Cluster, request: bytes) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(cluster.api_port)], stdin=subprocess.PIPE, start_new_session=True
    )
    with client:
        assert client.stdin is not None
        client.stdin.write(request)
        client.stdin.close()
        wait_until(lambda: cluster.running() == 1)
        client.kill()


def leave_with_the_gateway(cluster: Cluster, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", cluster.api_port)) as sock:
        sock.sendall(request)
        wait_until(lambda: cluster.running() == 1)
        cluster.api.kill()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("leave", [leave_by_closing, leave_by_kill, leave_with_the_gateway])
def test_its_slot_is_free(cluster: Cluster, leave: Callable[[Cluster, bytes], None], stream: bool) -> None:
    leave(cluster, request_of(stream=stream))
    wait_until(lambda: cluster.running() == 0, timeout_s=FREED_S, what="no running request")
    if cluster.api.returncode == -signal.SIGKILL:
        cluster.start_api()
        seen.until(cluster.api_url, "m", {"ready": 1})
