"""How soon a gateway knows that something below it has died, and that a false alarm does no harm."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import seen, tiny_gguf
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import RoleProcess, descendants, wait_until

SEEN_S = 1.0


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with ExitStack() as stack:
        yield Cluster(stack)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf", context_length=16384)


def engine_pid(worker: RoleProcess) -> int:
    return next(pid for pid, command in descendants(worker.pid).items() if "engines." in command)


def test_a_killed_worker_is_seen_within_a_second(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    seen.until(cluster.api_url, "echo", {"ready": 1})
    assert seen.took_s(worker.kill, cluster.api_url, "echo", {}) < SEEN_S


def test_a_stopped_worker_is_seen_within_a_second_and_asked_last(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    cluster.start_worker(*ECHO, "--echo-tokens-per-s", "0")
    seen.until(cluster.api_url, "echo", {"ready": 2})
    took_s = seen.took_s(
        lambda: worker.send(signal.SIGSTOP), cluster.api_url, "echo", {"ready": 1, "silent": 1}
    )
    assert took_s < SEEN_S
    assert [cluster.ask(f"{n}") for n in range(50)] == [f"{n}" for n in range(50)]
    worker.send(signal.SIGCONT)
    seen.until(cluster.api_url, "echo", {"ready": 2}, timeout_s=2.0)


def test_a_killed_engine_is_seen_within_a_second_and_is_back(cluster: Cluster, model: Path) -> None:
    worker = cluster.start_worker("worker", str(model), "--model-names", "m")
    seen.until(cluster.api_url, "m", {"ready": 1})
    pid = engine_pid(worker)
    assert seen.took_s(lambda: os.kill(pid, signal.SIGKILL), cluster.api_url, "m", {"starting": 1}) < SEEN_S
    seen.until(cluster.api_url, "m", {"ready": 1})


def test_a_stopped_engine_is_seen_within_a_second_and_is_back_when_it_goes_on(
    cluster: Cluster, model: Path
) -> None:
    worker = cluster.start_worker("worker", str(model), "--model-names", "m")
    seen.until(cluster.api_url, "m", {"ready": 1})
    pid = engine_pid(worker)
    assert seen.took_s(lambda: os.kill(pid, signal.SIGSTOP), cluster.api_url, "m", {"silent": 1}) < SEEN_S
    seen.until(cluster.api_url, "m", {"starting": 1}, timeout_s=4.0)
    os.kill(pid, signal.SIGCONT)
    seen.until(cluster.api_url, "m", {"ready": 1}, timeout_s=4.0)


def test_an_engine_answers_on_while_its_worker_is_stopped(cluster: Cluster, model: Path) -> None:
    worker = cluster.start_worker("worker", str(model), "--model-names", "m")
    seen.until(cluster.api_url, "m", {"ready": 1})
    worker.send(signal.SIGSTOP)
    seen.until(cluster.api_url, "m", {"silent": 1})
    said = cluster.sdk.completions.create(model="m", prompt="still there?", max_tokens=8)
    assert said.usage is not None
    assert said.usage.completion_tokens == 8
    worker.send(signal.SIGCONT)


def test_a_controller_that_slept_takes_nobody_for_dead(cluster: Cluster) -> None:
    cluster.start_worker(*ECHO)
    seen.until(cluster.api_url, "echo", {"ready": 1})
    cluster.controller.send(signal.SIGSTOP)
    wait_until(lambda: "no contact with the controller" in cluster.api.output)
    cluster.controller.send(signal.SIGCONT)
    wait_until(lambda: cluster.api.output.count("following the controller") == 2)
    assert "is gone" not in cluster.controller.output
    assert "is silent" not in cluster.controller.output


def test_a_stream_through_a_worker_that_is_silent_for_a_while_is_not_cut(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO, "--echo-tokens-per-s", "5")
    seen.until(cluster.api_url, "echo", {"ready": 1})
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(cluster.ask, "a b c d e f g h")
        wait_until(lambda: cluster.running() == 1)
        worker.send(signal.SIGSTOP)
        seen.until(cluster.api_url, "echo", {"silent": 1})
        worker.send(signal.SIGCONT)
        assert answer.result(20) == "a b c d e f g h"
