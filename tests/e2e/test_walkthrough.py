"""The post's four commands in four terminals, then its Python, with the oldest and the newest OpenAI SDK."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import RoleProcess, answers, free_ports, wait_until

MODEL = "meta-llama/Llama-2-7b-chat-hf"
SCRIPT = Path(__file__).with_name("walkthrough.py")


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    controller, worker, web, api = free_ports(4)
    at = f"http://127.0.0.1:{controller}"
    joining = ["--port", str(worker), "--controller-address", at]
    terminals = [
        ["controller", "--port", str(controller)],
        ["worker", "builtin", "--model-names", MODEL, "--num-gpus", "2", *joining],
        ["web", "--port", str(web), "--api-url", f"http://127.0.0.1:{api}"],
        ["api", "--port", str(api), "--controller-address", at],
    ]
    with ExitStack() as stack:
        for arguments in terminals:
            stack.enter_context(RoleProcess(*arguments))
        url = f"http://127.0.0.1:{api}/v1"
        wait_until(lambda: answers(f"{url}/models/{MODEL}"), timeout_s=60, what=f"{MODEL} to be served")
        wait_until(lambda: answers(f"http://127.0.0.1:{web}/"), timeout_s=60, what="the web page")
        yield url


def sdk_1() -> str:
    python = os.environ.get("POLYCHAT_OPENAI1_PYTHON", "")
    assert python, "POLYCHAT_OPENAI1_PYTHON must name a Python with openai<2; ./scripts/test makes one"
    return python


def newest_sdk() -> str:
    return sys.executable


@pytest.mark.parametrize("python", [sdk_1, newest_sdk], ids=lambda find: find.__name__)
@pytest.mark.parametrize("model", [MODEL, MODEL.rsplit("/", 1)[-1]])
def test_the_posts_python_prints_text_and_never_none(
    python: Callable[[], str], model: str, base_url: str
) -> None:
    done = subprocess.run(
        [python(), SCRIPT, base_url, model], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    story, answer, streamed = done.stdout.splitlines()
    assert story.startswith("Once upon a time, ")
    assert "Mini" in answer
    assert streamed == answer
    assert "None" not in done.stdout
