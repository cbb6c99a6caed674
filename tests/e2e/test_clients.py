"""The clients that users put on this endpoint, each in its own environment, against the built-in model."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.processes import wait_until

CLIENTS = Path(__file__).with_name("clients")
ENVIRONMENTS = {
    "langchain_client": "frameworks",
    "llamaindex_client": "frameworks",
    "instructor_client": "frameworks",
    "pydantic_ai_client": "pydantic-ai",
    "litellm_client": "litellm",
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker("worker", "builtin")
        wait_until(lambda: cluster.serves("polychat-mini"), timeout_s=30, what="the built-in model")
        yield f"{cluster.api_url}/v1"


def environment(name: str) -> Path:
    folder = os.environ.get("POLYCHAT_CLIENTS", "")
    assert folder, (
        "POLYCHAT_CLIENTS must name the folder of the clients' environments; ./scripts/test makes it"
    )
    return Path(folder) / name


@pytest.mark.parametrize("client", ENVIRONMENTS)
def test_a_python_client_does_all_it_can(client: str, base_url: str) -> None:
    python = environment(ENVIRONMENTS[client]) / "bin" / "python"
    done = run([python, CLIENTS / f"{client}.py", base_url])
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("ok\n")


def test_the_javascript_sdks_do_all_they_can(base_url: str, tmp_path: Path) -> None:
    programs = environment("frameworks") / "bin"
    shutil.copytree(CLIENTS / "node", tmp_path, dirs_exist_ok=True)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    installing = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    installed = run([*installing, "--prefix", tmp_path], PATH=path)
    assert installed.returncode == 0, installed.stderr[-3000:]
    done = run(["node", tmp_path / "sdk.mjs", base_url], PATH=path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "ok\n"


def run(command: list[str | Path], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, timeout=240, check=False
    )
