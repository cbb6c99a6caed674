"""vLLM's processes from start to end: the timeline, crashes, and that nothing is left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import RoleProcess, descendants, get_json, is_alive, wait_until
from tests.vllm.conftest import START_TIMEOUT_S, Vllm

SHARED = Path("/dev/shm")


@pytest.fixture
def worker(vllm: Vllm) -> Iterator[RoleProcess]:
    before = {path.name for path in SHARED.glob("*")}
    with vllm.serve() as worker:
        yield worker
    left = {path.name for path in SHARED.glob("psm_*")} - before
    assert not left, "shared memory is freed however the worker ends"


def process(worker: RoleProcess, name: str) -> int:
    """The one below the worker whose command line begins so."""
    (pid,) = [pid for pid, command in descendants(worker.pid).items() if command.startswith(name)]
    return pid


def test_a_killed_engine_is_started_again_and_all_end_with_the_worker(
    vllm: Vllm, worker: RoleProcess
) -> None:
    (replica,) = replicas(vllm)
    assert "loading the weights" in str(replica["startup"])

    os.kill(process(worker, "VLLM::EngineCore"), signal.SIGKILL)

    worker.wait_for_line(r"the engine is gone .* it is started again", timeout_s=30)
    wait_until(
        lambda: worker.output.count(" is ready") == 2, timeout_s=START_TIMEOUT_S, what="vLLM's second life"
    )
    assert vllm.cluster.ask("hi", model="model")
    below = descendants(worker.pid)
    worker.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in below), what=f"the end of {below}")


def test_when_the_server_is_killed_the_rest_of_vllm_ends(worker: RoleProcess) -> None:
    below = descendants(worker.pid)
    server = next(
        pid for pid, command in below.items() if "api_server" in command and "warden" not in command
    )

    os.kill(server, signal.SIGKILL)

    wait_until(lambda: not any(is_alive(pid) for pid in below), what=f"the end of {below}")
    worker.wait_for_line(r"the engine is gone \(killed by SIGKILL\)")


def replicas(vllm: Vllm) -> list[dict[str, object]]:
    found = get_json(f"{vllm.cluster.controller_url}/replicas")
    assert isinstance(found, list)
    return found
