"""What vLLM answers through polychat beyond the scenarios: texts, adapters, and models that embed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.support.processes import RoleProcess
from tests.vllm.conftest import Vllm


@pytest.fixture(scope="module")
def embedder(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleProcess]:
    """The built-in model as one that embeds: its last token's hidden state."""
    folder = tmp_path_factory.mktemp("embedder") / "mini"
    shutil.copytree(vllm.checkpoint, folder)
    config = json.loads((folder / "config.json").read_text()) | {"architectures": ["LlamaModel"]}
    (folder / "config.json").write_text(json.dumps(config))
    with vllm.serve(model=folder, name="embedder") as worker:
        yield worker


@pytest.mark.usefixtures("embedder")
def test_vectors_of_texts(vllm: Vllm) -> None:
    answer = vllm.cluster.sdk.embeddings.create(model="embedder", input=["a cat", "a cat", "the law"])

    first, second, third = (item.embedding for item in answer.data)
    assert len(first) == 256
    assert first == pytest.approx(second, abs=1e-4)
    assert first != pytest.approx(third, abs=1e-2)
    assert answer.model == "embedder"
    assert answer.usage.prompt_tokens > 0


@pytest.fixture(scope="module")
def adapter(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of random weights, so large that it spoils the model."""
    folder = tmp_path_factory.mktemp("adapter")
    generator = torch.Generator().manual_seed(0)
    layers = [f"base_model.model.model.layers.{layer}.self_attn.q_proj" for layer in range(6)]
    weights = {
        f"{layer}.lora_{part}.weight": torch.randn(shape, generator=generator)
        for layer in layers
        for part, shape in (("A", (4, 256)), ("B", (256, 4)))
    }
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def test_adapters_answer_under_their_names_and_more_are_loaded(vllm: Vllm, adapter: Path) -> None:
    with vllm.serve("--lora", f"sql={adapter}", "--allow-lora-updates", name="base"):
        own, adapted = said(vllm, "base"), said(vllm, "sql")
        http = vllm.cluster.sdk
        http.post("/load_lora_adapter", body={"lora_name": "two", "lora_path": str(adapter)}, cast_to=str)

        assert own != adapted
        assert said(vllm, "two") == adapted
        assert said(vllm, "base") == own


def said(vllm: Vllm, model: str) -> str | None:
    answer = vllm.cluster.sdk.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hi!"}], temperature=0, max_tokens=12
    )
    assert answer.model == model
    return answer.choices[0].message.content
