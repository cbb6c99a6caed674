"""What is refused of a checkpoint before any engine is started."""

from pathlib import Path

import pytest

from polychat.engines.catalog import NAMES, READS, open_engine
from polychat.engines.spec import EngineSpec, ModelFiles, Tuning
from polychat.errors import SetupError
from tests.support import tiny_checkpoint

ELSEWHERE = Tuning(program="/opt/engine")  # so that it does not matter what is installed here


def spec(folder: Path, **wishes: object) -> EngineSpec:
    model = ModelFiles(folder, "tiny", format="checkpoint")
    fields = {"secret": "s", "engine": "vllm", "model": model, "tuning": ELSEWHERE, **wishes}
    return EngineSpec(**fields)  # type: ignore[arg-type]  # the fields are the test's own


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        ({"num_gpus": 99}, "--num-gpus 99 is too many: this machine has"),
        ({"context_length": 4096}, "--context-length 4096 is more than the 2048 tokens tiny was trained on"),
    ],
)
def test_what_this_machine_or_model_cannot_do_is_refused(
    wishes: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match=complaint):
        open_engine(spec(tiny_checkpoint.write(tmp_path), **wishes))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    contents = tiny_checkpoint.files()
    folder = tiny_checkpoint.write(
        tmp_path, contents | {"model.safetensors": contents["model.safetensors"][:-1]}
    )
    with pytest.raises(SetupError, match=r"model\.safetensors is damaged: it is cut off, 1 of 2000 bytes"):
        open_engine(spec(folder))


def test_a_model_larger_than_any_machine_is_refused_with_numbers(tmp_path: Path) -> None:
    huge = {**tiny_checkpoint.LLAMA, "num_hidden_layers": 10**9}
    folder = tiny_checkpoint.write(tmp_path, tiny_checkpoint.files(huge))
    with pytest.raises(SetupError, match=r"tiny needs .* GiB of .*memory .* are free; take "):
        open_engine(spec(folder, num_gpus=0))


def test_every_engine_says_what_it_reads() -> None:
    assert set(NAMES) == set(READS)
    assert READS["llamacpp"] == {"gguf"}
    assert READS["echo"] == frozenset()
