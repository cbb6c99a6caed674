"""`polychat chat`, `models` and `status` against a running platform, in a pipe and in a terminal."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import RoleProcess, environment, free_port, free_ports, get_json, wait_until
from tests.support.terminal import Terminal

LONG = " ".join(f"word{number}" for number in range(300))  # six seconds at the echo engine's own speed


@dataclass(frozen=True)
class Platform:
    api_url: str
    controller_url: str
    home: Path

    @property
    def api(self) -> tuple[str, ...]:
        return ("--api-url", self.api_url, "--api-key", "k1")

    @property
    def environment(self) -> dict[str, str]:
        return environment({"POLYCHAT_HOME": str(self.home)})

    def run(self, *args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "polychat", *args]
        return subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=30, check=False, env=self.environment
        )

    def chat(self, *args: str) -> Terminal:
        return Terminal("chat", *self.api, *args, env={"POLYCHAT_HOME": str(self.home)})

    def running(self) -> int:
        """Requests that the engine works on, as of its last report."""
        replicas = get_json(f"{self.controller_url}/replicas")
        assert isinstance(replicas, list)
        return sum(replica["load"]["running"] for replica in replicas)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("home")
    api, controller, worker = free_ports(3)
    ports = ["--port", str(api), "--controller-port", str(controller), "--worker-port", str(worker)]
    flags = ["--no-web", "--api-keys", "k1", "--model-names", "acme/echo"]
    with ExitStack() as stack:
        up = RoleProcess("up", "echo", *ports, *flags, env={"POLYCHAT_HOME": str(home)})
        stack.enter_context(up)
        up.wait_for_line("polychat is ready", timeout_s=30)
        yield Platform(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{controller}", home)


def test_one_message_is_answered_on_standard_output(platform: Platform) -> None:
    done = platform.run("chat", *platform.api, "--message", "hello **there**")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello **there**\n", "")


def test_standard_input_is_the_question_when_it_is_no_terminal(platform: Platform) -> None:
    done = platform.run("chat", "echo", *platform.api, stdin="from a pipe\n")
    assert (done.returncode, done.stdout) == (0, "from a pipe\n")


@pytest.mark.parametrize(
    ("args", "stdin", "told"),
    [
        (("nobody", "-m", "x"), "", "no model 'nobody' is served"),
        ((), "", "standard input is empty"),
        (("--api-key", "wrong", "-m", "x"), "", "key"),
        (("--api-url", f"http://127.0.0.1:{free_port()}", "-m", "x"), "", "Nothing answers at"),
        (("--api-url", "ftp://x", "-m", "x"), "", "is not a web address"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    platform: Platform, args: tuple[str, ...], stdin: str, told: str
) -> None:
    done = platform.run("chat", *platform.api, *args, stdin=stdin)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.startswith("polychat: ")
    assert done.stderr.count("\n") == 1


def test_models_lists_what_is_served_and_its_other_names(platform: Platform) -> None:
    lines = platform.run("models", *platform.api).stdout.splitlines()
    assert lines[0].split() == ["MODEL", "CONTEXT", "ALSO", "CALLED"]
    assert lines[1].split()[0] == "acme/echo"
    assert lines[1].split()[-1] == "echo"


def test_models_speaks_json_to_programs(platform: Platform) -> None:
    cards = json.loads(platform.run("models", *platform.api, "--json").stdout)
    assert [(card["id"], card["root"]) for card in cards] == [
        ("acme/echo", "acme/echo"),
        ("echo", "acme/echo"),
    ]


def test_status_shows_each_replica_once(platform: Platform) -> None:
    done = platform.run("status", "--once", "--controller", platform.controller_url)
    heading, row = done.stdout.splitlines()
    assert heading.split()[:4] == ["MODEL", "REPLICA", "ENGINE", "STATE"]
    assert row.split()[0] == "acme/echo"
    assert row.split()[2:4] == ["echo", "ready"]


def test_status_knows_the_rate_of_a_running_answer(platform: Platform) -> None:
    with RoleProcess("chat", *platform.api, "-m", LONG):
        wait_until(platform.running, what="the load to be reported")
        done = platform.run("status", "--json", "--controller-address", platform.controller_url)
    (row,) = json.loads(done.stdout)
    assert row["running"] == 1
    assert 30 < row["tokens_per_s"] < 70


def test_status_without_a_controller_is_one_line(platform: Platform) -> None:
    done = platform.run("status", "--once", "--controller", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert done.stderr.startswith("polychat: no controller answers at")


def test_status_in_a_terminal_keeps_trying(platform: Platform) -> None:
    port = free_port()
    with Terminal("status", "--controller", f"http://127.0.0.1:{port}") as terminal:
        terminal.wait_for("no controller answers at")
        with RoleProcess("controller", "--port", str(port)):
            terminal.wait_for("MODEL +REPLICA")
        terminal.wait_for("no controller answers at")
        terminal.type("\x03")
        assert terminal.wait() == 130


def test_a_conversation_in_the_terminal(platform: Platform, tmp_path: Path) -> None:
    saved = tmp_path / "talk.json"
    with platform.chat("--system", "be brief") as terminal:
        terminal.wait_for(r"acme/echo at .*\n>")
        terminal.type("one **two**\r")
        terminal.wait_for(r"one two\s+>")
        terminal.type("second\x1b\rline\r")
        terminal.wait_for(r"second line\s+>")
        terminal.type("/undo\r")
        terminal.wait_for(r"Taken back: second\s+line")
        terminal.type("/set temperature=0.5\r")
        terminal.wait_for("temperature=0.5 +top_p=default")
        terminal.type("/model echo\r")
        terminal.wait_for("Talking to echo now")
        terminal.type("never mind\x03")
        terminal.wait_for("Ctrl-D or /exit leaves")
        terminal.type("/nonsense\r")
        terminal.wait_for("no command /nonsense")
        terminal.type(f"/save {saved}\r")
        terminal.wait_for("Saved to")
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert json.loads(saved.read_text())["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "one **two**"},
        {"role": "assistant", "content": "one **two**"},
    ]


def test_control_c_stops_the_answer_and_only_the_answer(platform: Platform) -> None:
    wait_until(lambda: platform.running() == 0)
    with platform.chat() as terminal:
        terminal.wait_for(r"\n>")
        for _ in range(2):
            terminal.type(f"{LONG}\r")
            wait_until(platform.running, what="the engine to work")
            terminal.type("\x03")
            terminal.wait_for(r"\(stopped\)")
            wait_until(lambda: platform.running() == 0, timeout_s=3, what="the engine to be told")
        terminal.type("still there?\r")
        terminal.wait_for(r"still there\?\s+>")
        terminal.type("/exit\r")
        assert terminal.wait() == 0


def test_what_was_typed_is_in_the_history_for_its_owner_only(platform: Platform) -> None:
    with platform.chat() as terminal:
        terminal.wait_for(r"\n>")
        terminal.type("remember me\r")
        terminal.wait_for(r"remember me\s+>")
        terminal.type("!!exit\r")
        assert terminal.wait() == 0
    history = platform.home / "chat_history"
    assert "+remember me" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


def test_help_is_shown_without_loading_what_is_heavy() -> None:
    heavy = (
        "httpx",
        "rich",
        "pydantic",
        "gradio",
        "xllamacpp",
        "starlette",
        "uvicorn",
        "prompt_toolkit",
        "huggingface_hub",
    )
    code = (
        "import sys; from polychat.cli.main import main, our_commands; main(['--help'], our_commands()); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "doctor" in done.stdout
