"""A new user copies README's blocks, one after the other, and each does what README says."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import RoleProcess, descendants, free_ports, is_alive, wait_until

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`polychat up` as ./scripts/up starts it, but for its ports; the API's port."""
    api, web, controller, worker = free_ports(4)
    ports = ["--port", api, "--web-port", web, "--controller-port", controller, "--worker-port", worker]
    home = str(tmp_path_factory.mktemp("home"))
    with RoleProcess("up", *map(str, ports), env={"POLYCHAT_HOME": home}) as up:
        up.wait_for_line("polychat is ready", timeout_s=60)
        yield api
        below = descendants(up.pid)
        assert up.stop() == 0, up.output
        wait_until(lambda: not any(map(is_alive, below)), what=f"{below} to end")


def block(language: str, *, holding: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if holding in text)


def test_the_python_block_prints_the_answer(service: int) -> None:
    code = block("python", holding="OpenAI(").replace(":8000", f":{service}")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "polychat worker MODEL" in done.stdout
    assert "None" not in done.stdout


def test_the_curl_line_gets_an_answer(service: int) -> None:
    bash = block("bash", holding="curl ").replace(":8000", f":{service}")
    curl = bash[bash.index("curl ") :].replace("curl ", "curl --silent --show-error --fail ", 1)
    done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60, check=True)
    assert "Hello" in json.loads(done.stdout)["choices"][0]["message"]["content"]
