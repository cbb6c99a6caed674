"""The code blocks of README and the docs, run as a reader runs them, against a service of the test's own."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import RoleProcess, descendants, environment, free_ports, is_alive, wait_until

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8000"  # where pages say that the service is


@contextmanager
def built_in_service() -> Iterator[str]:
    """`polychat up` as ./scripts/up starts it, but for its ports; the API's address."""
    api, web, controller, worker = free_ports(4)
    ports = ["--port", api, "--web-port", web, "--controller-port", controller, "--worker-port", worker]
    with (
        tempfile.TemporaryDirectory() as home,
        RoleProcess("up", *map(str, ports), env={"POLYCHAT_HOME": home}) as up,
    ):
        up.wait_for_line("polychat is ready", timeout_s=60)
        yield f"http://127.0.0.1:{api}"
        below = descendants(up.pid)
        assert up.stop() == 0, up.output
        wait_until(lambda: not any(map(is_alive, below)), what=f"{below} to end")


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """The page's blocks in these languages, in order, as (language, code); without those marked no-run."""
    found = re.findall(
        r"^```(\w+)([^\n]*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [(name, code) for name, marks, code in found if name in languages and "no-run" not in marks]


def run(language: str, code: str, address: str) -> str:
    """What the code prints. It must end well, and curl must not be answered with an error."""
    code = code.replace(ADDRESS, address)
    if language == "python":
        command = [sys.executable, "-c", code]
    else:
        curl = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }'
        command = ["bash", "-euo", "pipefail", "-c", f"{curl}\n{code}"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, cwd=folder, env=_environment()
        )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _environment() -> dict[str, str]:
    """As in an activated virtual environment."""
    return environment({"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
