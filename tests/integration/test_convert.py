"""llama.cpp's own converter makes a GGUF of a checkpoint that says what the checkpoint said."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from polychat.engines.llamacpp.engine import LlamaCpp
from polychat.engines.models import BUILTIN_PATH, resolve
from polychat.engines.spec import EngineSpec
from tests.support.checkpoints import builtin_checkpoint

CONVERTER = Path(sys.prefix) / "converter" / "convert_hf_to_gguf.py"
"""Where scripts/test puts the package: beside the environment, as it brings a `gguf` of its own."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builtin_checkpoint(tmp_path_factory.mktemp("mini"))


def convert(folder: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "polychat", "convert", str(folder), "-o", str(output), *options]
    return subprocess.run(
        [*command, "--converter", str(CONVERTER)], capture_output=True, text=True, timeout=120
    )


async def answers(model: Path, questions: list[str]) -> list[str]:
    """llama.cpp's, each token the most likely one."""
    engine = LlamaCpp(EngineSpec(secret="s", port=None), resolve(str(model)))
    try:
        url = await engine.start()
        async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer s"}) as client:
            said = []
            for question in questions:
                chat = [{"role": "user", "content": question}]
                body = {"messages": chat, "temperature": 0, "max_tokens": 64}
                answer = await client.post(f"{url}/v1/chat/completions", json=body, timeout=60)
                said.append(answer.json()["choices"][0]["message"]["content"])
            return said
    finally:
        await engine.stop()


@pytest.mark.parametrize("quant", ["Q8_0", "F32"])
async def test_a_converted_model_says_the_same(folder: Path, tmp_path: Path, quant: str) -> None:
    made = tmp_path / "made.gguf"
    done = convert(folder, made, "--quant", quant, "--pre-tokenizer", "smollm")
    assert done.returncode == 0, done.stderr
    questions = ["Hello!", "How do I add a model?", "你是谁？"]
    assert await answers(made, questions) == await answers(BUILTIN_PATH, questions)


def test_a_tokenizer_that_the_converter_does_not_know_is_one_line(folder: Path, tmp_path: Path) -> None:
    done = convert(folder, tmp_path / "made.gguf")
    assert done.returncode == 1
    assert "name one that splits text alike with --pre-tokenizer" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
