"""What vLLM answers through polychat beyond the scenarios: texts, adapters, and models that embed."""

import json
import shutil
from collections.abc import Iterator

import pytest

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
