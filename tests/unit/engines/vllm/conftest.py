from pathlib import Path

import pytest

from polychat.engines.spec import EngineSpec, ModelFiles, Tuning
from tests.support import tiny_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Llama checkpoint in bfloat16 that nobody could run."""
    return tiny_checkpoint.write(tmp_path / "llama")


@pytest.fixture
def spec(folder: Path) -> EngineSpec:
    """Run by a Python of vLLM's."""
    files = ModelFiles(folder, "llama", format="checkpoint")
    return EngineSpec(
        "the-key", engine="vllm", model=files, name="mine", tuning=Tuning(program="/usr/bin/env")
    )
