"""One `polychat up`: the built-in model, a checkpoint, and a server that runs already."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import openai
import pytest
from playwright.sync_api import Browser

from tests.support.browser import opened
from tests.support.checkpoints import builtin_checkpoint
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import RoleProcess, free_ports, get_json

QUESTION = "Hello!"


@dataclass(frozen=True)
class Three:
    """A platform of three engines."""

    api_url: str
    page_url: str

    def ask(self, model: str) -> str:
        with openai.OpenAI(base_url=f"{self.api_url}/v1", api_key="any", timeout=60) as client:
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": QUESTION}], temperature=0
            )
        return answer.choices[0].message.content or ""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    folder = builtin_checkpoint(tmp_path_factory.mktemp("models") / "mini-safetensors")
    api, web, controller, worker = free_ports(4)
    ports = {"--port": api, "--web-port": web, "--controller-port": controller, "--worker-port": worker}
    flags = [f"{flag}={port}" for flag, port in ports.items()]
    with ExitStack() as stack:
        other = Cluster(stack)
        other.start_worker(*ECHO)
        env = {"POLYCHAT_HOME": str(tmp_path_factory.mktemp("home"))}
        up = stack.enter_context(
            RoleProcess("up", "builtin", str(folder), "--attach", other.api_url, *flags, env=env)
        )
        up.wait_for_line("polychat is ready", timeout_s=120)
        yield Three(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{web}")


def test_each_engine_has_its_model_in_the_list(three: Three) -> None:
    listed = get_json(f"{three.api_url}/v1/models")
    assert isinstance(listed, dict)
    engines = {card["id"]: card["engine"] for card in listed["data"]}
    assert engines == {"polychat-mini": "llamacpp", "mini-safetensors": "transformers", "echo": "polychat"}


def test_two_engines_with_the_same_weights_say_the_same(three: Three) -> None:
    assert three.ask("mini-safetensors") == three.ask("polychat-mini") != ""


def test_the_attached_server_answers_too(three: Three) -> None:
    assert three.ask("echo") == QUESTION


@pytest.mark.parametrize("model", ["polychat-mini", "mini-safetensors", "echo"])
def test_the_page_chats_with_each(three: Three, browser: Browser, model: str) -> None:
    with opened(browser, three.page_url) as page:
        page.choose(model)
        assert page.ask(QUESTION)
