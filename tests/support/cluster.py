"""Controller, gateway and workers as processes on free ports."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import openai

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
        self.start_api()

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
        controller = self.start("controller", "--port", str(self.controller_port))
        controller.wait_until_answers(f"{self.controller_url}/health")
        return controller

    def start_api(self) -> None:
        """The gateway, again if it has ended."""
        flags = ("--port", str(self.api_port), "--controller-address", self.controller_url)
        self.api = self.start("api", *flags)
        self.api.wait_until_answers(f"{self.api_url}/health")

    def start_worker(self, *flags: str) -> RoleProcess:
        port = free_port()
        worker = self.start(*flags, "--port", str(port), "--controller-address", self.controller_url)
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

    def running(self) -> int:
        """Requests that the engines are answering now, as they reported last."""
        replicas = get_json(f"{self.controller_url}/replicas")
        assert isinstance(replicas, list)
        return sum(replica["load"]["running"] for replica in replicas)

    def start(self, *arguments: str) -> RoleProcess:
        return self.stack.enter_context(RoleProcess(*arguments))
