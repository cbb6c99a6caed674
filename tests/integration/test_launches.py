"""Every launch specification in a real worker, on a program that listens where its flags say."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from polychat.engines import launches
from tests.support import tiny_checkpoint
from tests.support.cluster import Cluster
from tests.support.fake_program import Settings, install
from tests.support.processes import RoleProcess, descendants, free_port, is_alive, wait_until

RECORDED = Path(__file__).parents[1] / "data" / "launches"
CHAT = "/v1/chat/completions"
METRICS = {
    "sglang": "sglang.metrics",
    "tgi": "tgi.metrics",
    "lmdeploy": "lmdeploy.metrics",
    "trtllm": "trtllm.json",
    "mistralrs-serve": "mistralrs-serve.metrics",
    "ovms": "ovms.metrics",
    "openllm": "openllm.metrics",
    "xinference": "xinference.metrics",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


def worker_of(engine: str, folder: Path, settings: Settings) -> list[str]:
    """The command of a worker that runs our program as `engine`."""
    reads = launches.READS[engine]
    is_named = "reference" in reads
    model = "qwen3:0.6b" if is_named else str(tiny_checkpoint.write(folder / "qwen"))
    program = install(folder, settings)
    words = ["worker", model, "--engine", engine, "--program", str(program), "--model-names", engine]
    return [*words, "--drain-timeout", "0"]  # the load in its metrics never falls


@pytest.mark.parametrize(
    ("engine", "name", "heard"),
    [
        ("sglang", "sglang", f"sglang at {CHAT}"),
        ("tgi", "tgi", f"tgi at {CHAT}"),
        ("trtllm", "qwen", f"qwen at {CHAT}"),
        ("lmdeploy", "polychat", f"polychat at {CHAT}"),
        ("mistralrs-serve", "default", f"default at {CHAT}"),
        ("ovms", "polychat", "polychat at /v3/chat/completions"),
        ("mii", "/models/qwen", f"/models/qwen at {CHAT}"),
        ("textgen", "", f"textgen at {CHAT}"),
        ("openllm", "Qwen/Qwen3", f"Qwen/Qwen3 at {CHAT}"),
        ("xinference", "", f"polychat at {CHAT}"),
        ("ollama", "", f"polychat at {CHAT}"),
    ],
)
def test_a_worker_starts_it_asks_it_tells_its_load_and_ends_it(
    engine: str, name: str, heard: str, cluster: Cluster, tmp_path: Path
) -> None:
    metrics = METRICS.get(engine)
    settings = Settings(name, str(RECORDED / f"{engine}.log"), str(RECORDED / metrics) if metrics else "")
    worker = cluster.start_worker(*worker_of(engine, tmp_path, settings))
    wait_until(lambda: cluster.serves(engine), what="the gateway's word of the model")

    answer = cluster.sdk.chat.completions.create(model=engine, messages=[{"role": "user", "content": "Hi"}])

    assert answer.choices[0].message.content == heard
    assert answer.model == engine
    if metrics:
        wait_until(lambda: cluster.running() > 0, what="a load")
    below = descendants(worker.pid)
    worker.stop()
    wait_until(lambda: not any(is_alive(pid) for pid in below), what=f"the end of {below}")
    wait_until(lambda: not cluster.ready_urls(), what="the controller's word")


def test_a_failed_start_says_why_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    settings = Settings(log=str(RECORDED / "tgi_failed.log"), fails=True)
    line = worker_of("tgi", tmp_path, settings)

    with RoleProcess(*line, "--no-register", "--port", str(free_port())) as worker:
        status = worker.wait(timeout_s=20)

    assert status != 0
    assert "tgi cannot serve qwen: torch.cuda.OutOfMemoryError: CUDA out of memory." in worker.output
    assert "Shard 0 failed to start" in worker.output
    assert "Traceback" not in worker.output


def test_a_model_that_ollama_cannot_pull_ends_the_worker(tmp_path: Path) -> None:
    line = worker_of("ollama", tmp_path, Settings(failing_step="pull"))

    with RoleProcess(*line, "--no-register", "--port", str(free_port())) as worker:
        status = worker.wait(timeout_s=20)

    assert status != 0
    assert "ollama cannot serve qwen3:0.6b: pull model manifest: file does not exist" in worker.output


def test_a_server_that_asks_for_no_key_is_not_opened_to_the_network(tmp_path: Path) -> None:
    line = worker_of("ollama", tmp_path, Settings())

    with RoleProcess(*line, "--no-register", "--host", "0.0.0.0") as worker:
        status = worker.wait()

    assert status != 0
    assert "ollama asks nobody for a key, so it may not listen on 0.0.0.0" in worker.output
