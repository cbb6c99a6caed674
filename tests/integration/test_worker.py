"""`polychat worker` as a process beside a real controller: what it says, survives and leaves behind."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import tiny_gguf
from tests.support.processes import RoleProcess, descendants, free_port, get_json, is_alive, wait_until

CHAT: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "a b c"}]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf", context_length=16384)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of these workers go to the test's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def one_controller() -> Iterator[str]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as process:
        process.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def controller(one_controller: str) -> str:
    """A controller that knows nobody yet."""
    wait_until(lambda: replicas(one_controller) == [])
    return one_controller


def worker(*arguments: object, controller: str = "http://127.0.0.1:9", **env: str) -> RoleProcess:
    flags = [str(argument) for argument in arguments]
    return RoleProcess(
        "worker", *flags, "--port", str(free_port()), "--controller-address", controller, env=env
    )


def replicas(controller: str) -> list[dict[str, Any]]:
    known = get_json(f"{controller}/replicas")
    assert isinstance(known, list)
    return known


def wait_for_state(controller: str, state: str, *, timeout_s: float = 15.0) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        return next((replica for replica in replicas(controller) if replica["state"] == state), None)

    replica = wait_until(found, timeout_s=timeout_s, what=f"a replica that is {state}")
    assert replica is not None
    return replica


def engine_pid(process: RoleProcess) -> int:
    return next(pid for pid, command in descendants(process.pid).items() if "llamacpp.child" in command)


def test_a_killed_engine_is_started_again_and_the_controller_is_told_why(
    model: Path, controller: str
) -> None:
    with worker(model, controller=controller) as process:
        before = wait_for_state(controller, "ready")
        os.kill(engine_pid(process), signal.SIGKILL)
        assert "killed by SIGKILL" in wait_for_state(controller, "starting")["detail"]
        after = wait_for_state(controller, "ready")
    assert (after["id"], after["url"], after["detail"]) == (before["id"], before["url"], "")


def test_an_engine_that_hangs_is_starting_until_it_answers_again(model: Path, controller: str) -> None:
    with worker(model, controller=controller) as process:
        wait_for_state(controller, "ready")
        pid = engine_pid(process)
        os.kill(pid, signal.SIGSTOP)
        assert "does not answer" in wait_for_state(controller, "starting")["detail"]
        os.kill(pid, signal.SIGCONT)
        wait_for_state(controller, "ready")


def test_a_killed_worker_takes_its_engine_with_it(model: Path, controller: str) -> None:
    with worker(model, controller=controller) as process:
        wait_for_state(controller, "ready")
        pid = engine_pid(process)
        process.kill()
        wait_until(lambda: not is_alive(pid), timeout_s=2.0)
        wait_until(lambda: replicas(controller) == [], timeout_s=1.0)


def test_sigterm_drains_a_running_stream_to_its_end(model: Path) -> None:
    with worker(model, "--no-register") as process, ThreadPoolExecutor() as pool:
        url, secret = address_and_key(process)
        body = CHAT | {"stream": True, "max_tokens": 2000}
        answer = pool.submit(post, f"{url}/v1/chat/completions", secret, body)
        wait_until(lambda: running(url, secret) == 1)
        process.send(signal.SIGINT)  # as Ctrl-C in the terminal, or SIGTERM from a supervisor
        process.wait_for_line("is draining")
        assert answer.result(30).text.endswith("data: [DONE]\n\n")
        assert process.wait() == 0


def test_a_draining_worker_says_so_and_ends_at_once_when_told_twice(controller: str) -> None:
    with (
        worker("--engine", "echo", controller=controller) as process,
        ThreadPoolExecutor() as pool,
    ):
        url = wait_for_state(controller, "ready")["url"]
        secret = secret_of(controller)
        endless = CHAT | {"stream": True, "ignore_eos": True, "max_tokens": 1_000_000}
        answer = pool.submit(post, f"{url}/v1/chat/completions", secret, endless)
        wait_until(lambda: wait_for_state(controller, "ready")["load"]["running"] == 1)
        process.send(signal.SIGTERM)
        wait_for_state(controller, "draining")
        process.send(signal.SIGTERM)
        assert process.wait(timeout_s=5.0) == 0
        assert answer.exception(10) is not None or not answer.result().text.endswith("data: [DONE]\n\n")


def test_a_drain_ends_when_its_time_is_over(controller: str) -> None:
    with (
        worker("--engine", "echo", "--drain-timeout", "0.5", controller=controller) as process,
        ThreadPoolExecutor() as pool,
    ):
        url = wait_for_state(controller, "ready")["url"]
        endless = CHAT | {"stream": True, "ignore_eos": True, "max_tokens": 1_000_000}
        pool.submit(post, f"{url}/v1/chat/completions", secret_of(controller), endless)
        wait_until(lambda: wait_for_state(controller, "ready")["load"]["running"] == 1)
        process.send(signal.SIGTERM)
        assert process.wait(timeout_s=5.0) == 0


def test_a_worker_waits_for_its_controller_and_follows_it_through_a_restart() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with worker("--engine", "echo", controller=url) as process:
        process.wait_for_line(f"waiting for the controller at {re.escape(url)}")
        with RoleProcess("controller", "--port", str(port)) as first:
            first.wait_until_answers(f"{url}/health")
            wait_for_state(url, "ready", timeout_s=5.0)
        with RoleProcess("controller", "--port", str(port)) as second:
            second.wait_until_answers(f"{url}/health")
            wait_for_state(url, "ready", timeout_s=5.0)
        assert process.output.count("waiting for the controller") <= 3  # once for each time it was away


def test_a_wrong_token_is_an_error_that_names_the_flag() -> None:
    port = free_port()
    with RoleProcess("controller", "--port", str(port), "--token", "right") as process:
        process.wait_until_answers(f"http://127.0.0.1:{port}/health")
        with worker("--engine", "echo", "--token", "wrong", controller=f"http://127.0.0.1:{port}") as refused:
            assert refused.wait() == 1
            assert "wants its token: give --token" in last_line(refused)


def test_what_is_no_controller_is_refused(controller: str) -> None:
    with worker("--engine", "echo", controller=f"{controller}/nothing") as process:
        assert process.wait() == 1
        assert "is it a polychat controller?" in last_line(process)


def test_a_broken_model_is_one_line_after_the_logs_tail(model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:300_000])
    with worker(cut) as process:
        assert process.wait() == 1
        assert re.match(rf"polychat: cannot serve {cut}: tensor .* corrupted", last_line(process))
        assert "failed to load model" in process.output
    assert "failed to load model" in (tmp_path / "polychat" / "logs" / "engine-cut.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.gguf"], "there is no model 'nowhere.gguf'"),
        (["--engine", "vlm", "builtin"], "there is no engine 'vlm'; there are auto, llamacpp, "),
        ([], "which model? `polychat worker builtin`"),
        (["builtin", "--context-length", "99999"], "--context-length 99999 is more than the 2048 tokens"),
        (["--engine", "echo", "--controller", "http://10.255.255.1:1"], "add --host 0.0.0.0"),
        (["--engine", "echo", "--controller", "nonsense"], "is no address of a controller"),
    ],
)
def test_what_cannot_work_is_one_line(arguments: list[str], complaint: str) -> None:
    with RoleProcess("worker", *arguments) as process:
        assert process.wait() == 1
        assert process.output.count("\n") == 1
        assert complaint in process.output


def test_a_taken_port_is_one_line_that_names_the_flag(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with RoleProcess("worker", str(model), "--port", str(port)) as process:
            assert process.wait() == 1
            assert re.fullmatch(rf"polychat: port {port} on 127.0.0.1 is taken; .*--port.*\n", process.output)


def test_echo_is_a_model_too(controller: str) -> None:
    with worker("echo", controller=controller):
        assert wait_for_state(controller, "ready")["engine"] == "echo"


def test_names_given_are_served_with_their_last_parts(controller: str) -> None:
    flags = ("--engine", "echo", "--model-names", "meta-llama/Llama-2-7b-chat-hf,gpt-4")
    with worker(*flags, controller=controller):
        names = wait_for_state(controller, "ready")["names"]
    assert names == ["meta-llama/Llama-2-7b-chat-hf", "Llama-2-7b-chat-hf", "gpt-4"]


def test_without_a_port_the_first_free_one_from_21002_is_announced(controller: str) -> None:
    with RoleProcess("worker", "--engine", "echo", "--controller-address", controller):
        url = wait_for_state(controller, "ready")["url"]
    assert 21002 <= int(url.rpartition(":")[2]) < 22000


def address_and_key(process: RoleProcess) -> tuple[str, str]:
    secret = process.wait_for_line(r"the engine's key is (\S+)")[1]
    return process.wait_for_line(r"at (http://\S+) is ready")[1], secret


def secret_of(controller: str) -> str:
    """Gateways learn it from the first line of the watch stream."""
    with httpx.stream("GET", f"{controller}/watch", trust_env=False) as response:
        snapshot = next(response.iter_lines())
    return str(re.findall(r'"secret":"([^"]+)"', snapshot)[0])


def post(url: str, secret: str, body: dict[str, object]) -> httpx.Response:
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)


def running(url: str, secret: str) -> int:
    slots = get_json(f"{url}/slots", api_key=secret)
    assert isinstance(slots, list)
    return sum(slot["is_processing"] for slot in slots)


def last_line(process: RoleProcess) -> str:
    return process.output.splitlines()[-1]
