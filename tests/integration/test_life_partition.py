"""Controller, gateway and two workers on machines of their own, and what happens when two are cut off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import openai
import pytest

from tests.support import network, seen
from tests.support.network import Network
from tests.support.processes import RoleProcess, get_json, wait_until

PORT = "8000"
TOKEN = {"POLYCHAT_TOKEN": "a token for these machines"}

pytestmark = pytest.mark.skipif(
    not network.is_possible(), reason="network namespaces need Linux, root and `ip`"
)


@dataclass
class Site:
    """Four machines, one role each."""

    net: Network
    stack: ExitStack

    def __post_init__(self) -> None:
        self.controller = self.start("controller", "controller")
        self.controller.wait_for_line("controller on")
        at = ("--controller-address", f"http://{self.net.addresses['controller']}:{PORT}")
        for machine in ("one", "two"):
            speed = ("--echo-tokens-per-s", "10" if machine == "one" else "0")
            self.start(machine, "worker", "echo", "--model-names", f"echo,{machine}", *speed, *at)
        self.api = self.start("gateway", "api", "--no-auth", *at)
        self.until({"ready": 2})

    @property
    def api_url(self) -> str:
        return f"http://{self.net.addresses['gateway']}:{PORT}"

    def until(self, what: dict[str, int], *, timeout_s: float = 20.0) -> None:
        seen.until(self.api_url, "echo", what, timeout_s=timeout_s)

    def ask(self, text: str, *, model: str = "echo") -> str:
        sdk = openai.OpenAI(base_url=f"{self.api_url}/v1", api_key="any", max_retries=0, timeout=40)
        said = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
        return said.choices[0].message.content or ""

    def stream(self, text: str) -> str:
        sdk = openai.OpenAI(base_url=f"{self.api_url}/v1", api_key="any", max_retries=0, timeout=40)
        chunks = sdk.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": text}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    def running_on(self, machine: str) -> int:
        """Requests that the machine's engine is answering now."""
        url = f"http://{self.net.addresses['controller']}:{PORT}/replicas"
        replicas = get_json(url, api_key=TOKEN["POLYCHAT_TOKEN"])
        assert isinstance(replicas, list)
        there = f"http://{self.net.addresses[machine]}:{PORT}"
        return sum(replica["load"]["running"] for replica in replicas if replica["url"] == there)

    def start(self, machine: str, *arguments: str) -> RoleProcess:
        with self.net.on(machine):
            role = RoleProcess(*arguments, "--host", "0.0.0.0", "--port", PORT, env=TOKEN)
        return self.stack.enter_context(role)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with network.network("controller", "gateway", "one", "two") as net, ExitStack() as stack:
        yield Site(net, stack)


def test_a_gateway_cut_off_from_the_controller_goes_on_with_what_it_knows(site: Site) -> None:
    with site.net.cut("gateway", "controller"):
        wait_until(lambda: "no contact with the controller" in site.api.output)
        assert [site.ask(f"{n}", model="two") for n in range(20)] == [f"{n}" for n in range(20)]
    wait_until(lambda: site.api.output.count("following the controller") == 2, timeout_s=20)
    site.until({"ready": 2})


def test_a_worker_cut_off_from_the_controller_is_asked_last_and_then_no_more(site: Site) -> None:
    with site.net.cut("one", "controller"):
        took_s = seen.took_s(lambda: None, site.api_url, "echo", {"ready": 1, "silent": 1})
        assert took_s < 1.0
        assert site.ask("still served", model="one") == "still served"
        site.until({"ready": 1})
    site.until({"ready": 2})


def test_a_worker_cut_off_from_the_gateway_loses_no_request_and_its_streams_go_on(site: Site) -> None:
    words = " ".join(f"w{n}" for n in range(60))
    with ThreadPoolExecutor(16) as pool:
        streams = [pool.submit(site.stream, words) for _ in range(8)]
        whole = [pool.submit(site.ask, words) for _ in range(8)]
        wait_until(lambda: site.running_on("one") > 1)
        with site.net.cut("one", "gateway"):
            assert [answer.result(25) for answer in streams + whole] == [words] * 16
            assert [site.ask(f"{n}") for n in range(10)] == [f"{n}" for n in range(10)]
    assert site.ask("back again", model="one") == "back again"
