"""`polychat up` as a user runs it: real processes, the echo engine, no page."""

import json
import os
import shlex
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import (
    RoleProcess,
    answers,
    descendants,
    free_ports,
    get_json,
    is_alive,
    wait_until,
)

ROLES = {"controller", "worker", "api"}


@dataclass
class Platform:
    """One running `polychat up`."""

    process: RoleProcess
    api_port: int
    controller_port: int

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def pids(self) -> dict[str, int]:
        """Role -> process."""
        found = {}
        for pid, command in descendants(self.process.pid).items():
            words = command.split()
            if "polychat" in words:
                found[words[words.index("polychat") + 1]] = pid
        return found

    def ask(self, text: str) -> str:
        body = {"model": "echo", "messages": [{"role": "user", "content": text}]}
        request = urllib.request.Request(
            f"{self.api_url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": "Bearer k1"},
        )
        return answer_of(request)

    def answers(self) -> bool:
        """Whether it answers a chat request now."""
        try:
            return self.ask("ping") == "ping"
        except OSError:
            return False


def answer_of(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=10) as response:
        content = json.load(response)["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


@contextmanager
def running(home: Path, *flags: str, page: bool = False) -> Iterator[Platform]:
    api_port, controller_port, worker_port = free_ports(3)
    ports = (
        "--port",
        str(api_port),
        "--controller-port",
        str(controller_port),
        "--worker-port",
        str(worker_port),
    )
    with RoleProcess(
        "up", *ports, *flags, *([] if page else ["--no-web"]), env={"POLYCHAT_HOME": str(home)}
    ) as process:
        yield Platform(process, api_port, controller_port)


@contextmanager
def ready(home: Path) -> Iterator[Platform]:
    with running(home, "echo", "--api-keys", "k1,k2", "--echo-tokens-per-s", "0") as platform:
        platform.process.wait_for_line(r"\nCtrl-C stops everything\.\n", timeout_s=30)
        yield platform


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def platform(home: Path) -> Iterator[Platform]:
    with ready(home) as platform:
        yield platform


def test_the_page_has_every_address_and_a_curl_line_that_works(platform: Platform) -> None:
    page = platform.process.output
    assert f"{platform.api_url}/v1" in page
    assert f"http://127.0.0.1:{platform.controller_port}" in page
    words = shlex.split(next(line for line in page.splitlines() if line.strip().startswith("curl")))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    assert answer_of(urllib.request.Request(words[1], words[-1].encode(), headers)) == "Hello! Who are you?"


def test_a_key_is_needed(platform: Platform) -> None:
    assert not answers(f"{platform.api_url}/v1/models", api_key="wrong")
    assert get_json(f"{platform.api_url}/v1/models", api_key="k2")


def test_a_taken_port_is_told_with_its_holder_and_the_flag(platform: Platform, home: Path) -> None:
    with RoleProcess(
        "up", "echo", "--port", str(platform.api_port), env={"POLYCHAT_HOME": str(home)}
    ) as second:
        assert second.wait() == 1
    line = second.output
    assert line.startswith(
        f"polychat: port {platform.api_port} on 127.0.0.1 is taken; choose another with --port"
    )
    assert f"process {platform.pids()['api']}: " in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("role", ["worker", "api", "controller"])
def test_a_killed_role_is_started_again_and_the_service_answers(platform: Platform, role: str) -> None:
    wait_until(lambda: platform.pids().keys() == ROLES)
    victim = platform.pids()[role]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: platform.pids().get(role, victim) != victim, timeout_s=15, what=f"a new {role}")
    wait_until(platform.answers, timeout_s=15, what="an answer")
    platform.process.wait_for_line(f"{role} +was killed by SIGKILL; starting again")


def test_every_role_has_its_log(platform: Platform, home: Path) -> None:
    folder = home / "logs" / str(platform.api_port)
    assert {path.name for path in folder.glob("*.log")} == {f"{role}.log" for role in ROLES}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_within_5_s(tmp_path: Path, number: signal.Signals) -> None:
    with ready(tmp_path) as platform:
        everything = descendants(platform.process.pid)
        platform.process.send(number)
        assert platform.process.wait(timeout_s=5) == 0
        assert not [pid for pid in everything if is_alive(pid)]
    assert "killed" not in platform.process.output


def test_an_answer_that_runs_when_everything_stops_ends_with_the_reason(tmp_path: Path) -> None:
    with running(tmp_path, "echo") as platform:
        platform.process.wait_for_line("polychat is ready", timeout_s=30)
        long = " ".join(["word"] * 500)  # ten seconds at the echo engine's own speed
        with RoleProcess("chat", "--api-url", platform.api_url, "--message", long) as chat:
            chat.wait_for_line("word word")
            platform.process.send(signal.SIGTERM)
            assert platform.process.wait(timeout_s=5) == 0
            assert chat.wait() == 1
    assert chat.output.splitlines()[-1].startswith("polychat: ")


def test_killing_up_itself_leaves_no_process(tmp_path: Path) -> None:
    with ready(tmp_path) as platform:
        everything = descendants(platform.process.pid)
        assert len(everything) >= len(ROLES)
        platform.process.kill()
        wait_until(lambda: not [pid for pid in everything if is_alive(pid)], timeout_s=8, what="no process")


def test_a_model_that_cannot_be_loaded_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x00" * 64)
    with running(tmp_path, str(broken)) as platform:
        assert platform.process.wait(timeout_s=30) == 1
    assert platform.process.output.splitlines()[-1].startswith("polychat: ")
    assert "broken.gguf" in platform.process.output
    assert "Traceback" not in platform.process.output


def test_a_model_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with running(tmp_path, "./nowhere.gguf") as platform:
        assert platform.process.wait(timeout_s=15) == 1
    assert platform.process.output.startswith("polychat: ")
    assert "nowhere.gguf" in platform.process.output


def test_the_api_answers_before_the_page_is_there_and_both_are_shown(tmp_path: Path) -> None:
    (web_port,) = free_ports(1)
    flags = ("echo", "echo", "--web-port", str(web_port), "--api-keys", "k1")
    with running(tmp_path, *flags, page=True) as platform:
        platform.process.wait_for_line("the API is ready at", timeout_s=30)
        assert platform.answers()
        platform.process.wait_for_line("polychat is ready", timeout_s=60)
        assert answers(f"http://127.0.0.1:{web_port}/")
        assert f"Web page    http://127.0.0.1:{web_port}" in platform.process.output
        replicas = get_json(f"http://127.0.0.1:{platform.controller_port}/replicas")
        assert isinstance(replicas, list)
        assert len(replicas) == 2
        platform.process.send(signal.SIGTERM)
        assert platform.process.wait(timeout_s=5) == 0
