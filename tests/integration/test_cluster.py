"""Controller, workers and gateway as processes, and what each of them survives."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import openai
import pytest

from tests.support.processes import RoleProcess, answers, free_port, get_json, wait_until

ECHO = ("worker", "--engine", "echo", "--model-names", "echo")


@dataclass
class Cluster:
    """A controller and a gateway on free ports; workers as the test adds them."""

    stack: ExitStack
    controller_port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.controller = self.start_controller()
        self.api = self._start(
            "api", "--port", str(self.api_port), "--controller-address", self.controller_url
        )
        self.api.wait_until_answers(f"{self.api_url}/health")

    @property
    def controller_url(self) -> str:
        return f"http://127.0.0.1:{self.controller_port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def sdk(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.api_url}/v1", api_key="any", max_retries=0, timeout=30)

    def start_controller(self) -> RoleProcess:
        controller = self._start("controller", "--port", str(self.controller_port))
        controller.wait_until_answers(f"{self.controller_url}/health")
        return controller

    def start_worker(self, *flags: str) -> RoleProcess:
        port = free_port()
        worker = self._start(*flags, "--port", str(port), "--controller-address", self.controller_url)
        wait_until(
            lambda: f"http://127.0.0.1:{port}" in self.ready_urls(), timeout_s=20, what=worker.args.__str__()
        )
        return worker

    def ready_urls(self) -> set[str]:
        replicas = get_json(f"{self.controller_url}/replicas")
        assert isinstance(replicas, list)
        return {replica["url"] for replica in replicas if replica["state"] == "ready"}

    def serves(self, model: str) -> bool:
        """Whether the gateway, not just the controller, knows a replica of `model`."""
        return answers(f"{self.api_url}/v1/models/{model}")

    def ask(self, text: str, *, model: str = "echo") -> str:
        completion = self.sdk.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}]
        )
        return completion.choices[0].message.content or ""

    def _start(self, *arguments: str) -> RoleProcess:
        return self.stack.enter_context(RoleProcess(*arguments))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


def test_a_killed_worker_is_gone_from_the_gateway_at_once(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    worker.kill()
    wait_until(lambda: not cluster.serves("echo"), timeout_s=2.0)


def test_a_stopped_worker_is_gone_within_5_s_and_back_when_it_goes_on(cluster: Cluster) -> None:
    worker = cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    worker.send(signal.SIGSTOP)
    wait_until(lambda: not cluster.serves("echo"), timeout_s=6.0)
    worker.send(signal.SIGCONT)
    wait_until(lambda: cluster.serves("echo"), timeout_s=10.0)
    assert cluster.ask("still there?") == "still there?"


def test_requests_go_on_while_the_controller_is_dead_and_after_it_is_back(cluster: Cluster) -> None:
    cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))
    cluster.controller.kill()
    assert cluster.ask("without controller") == "without controller"
    cluster.start_controller()
    wait_until(lambda: bool(cluster.ready_urls()), timeout_s=10, what="the worker to register again")
    assert cluster.ask("with a new one") == "with a new one"


def test_killing_one_of_two_workers_under_load_loses_no_request_that_had_not_begun(cluster: Cluster) -> None:
    victim = cluster.start_worker(*ECHO)
    cluster.start_worker(*ECHO)
    wait_until(lambda: cluster.serves("echo"))

    def ask(number: int) -> str:
        if number == 40:
            victim.kill()
        return cluster.ask(f"question {number}")

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(ask, range(200)))
    assert said == [f"question {number}" for number in range(200)]


def test_two_workers_of_one_model_share_the_load(cluster: Cluster) -> None:
    cluster.start_worker(*ECHO)
    cluster.start_worker(*ECHO)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cluster.ask, ["one two three"] * 100))

    def tokens() -> list[int]:
        replicas = get_json(f"{cluster.controller_url}/replicas")
        assert isinstance(replicas, list)
        return [replica["load"]["output_tokens_total"] for replica in replicas]

    wait_until(lambda: sum(tokens()) == 300, what="both workers to have reported")
    assert min(tokens()) > 60
