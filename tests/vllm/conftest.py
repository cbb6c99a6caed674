"""What runs on vLLM for real. `scripts/test-vllm` makes its environment; without it, all is skipped."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.processes import RoleProcess, free_port, wait_until

START_TIMEOUT_S = 300.0  # most of it Python's imports; three processes have to make them
PYTHON = os.environ.get("POLYCHAT_VLLM_PYTHON", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not PYTHON:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="run by scripts/test-vllm"))


@dataclass
class Vllm:
    """A cluster whose workers run vLLM, and the model that they serve."""

    cluster: Cluster
    checkpoint: Path

    def start(self, *flags: str, model: Path | None = None, names: str = "model") -> RoleProcess:
        """A worker that has begun to start its engine."""
        flags = ("--engine", "vllm", "--program", PYTHON, "--num-gpus", "0", "--model-names", names, *flags)
        where = ("--port", str(free_port()), "--controller-address", self.cluster.controller_url)
        return self.cluster.start("worker", str(model or self.checkpoint), *where, *flags)

    def serve(self, *flags: str, model: Path | None = None, name: str = "model") -> RoleProcess:
        """A worker that is ready."""
        worker = self.start(*flags, model=model, names=name)
        worker.wait_for_line(rf"{name} at \S+ is ready", timeout_s=START_TIMEOUT_S)
        wait_until(lambda: self.cluster.serves(name), what="the gateway knows the model")
        return worker


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.checkpoints import builtin_checkpoint

    return builtin_checkpoint(tmp_path_factory.mktemp("model") / "mini")


@pytest.fixture(scope="module")
def vllm(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """Without any worker yet."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield Vllm(Cluster(stack), checkpoint)
