"""What the transformers engine says about models that it cannot load, in one line with the fix."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.job import ModelSettings
from polychat.errors import SetupError
from tests.support import torch_models


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    return torch_models.write(tmp_path, "llama")


def changed_config(settings: ModelSettings, **changes: object) -> ModelSettings:
    path = Path(settings.folder) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return settings


def refusal(settings: ModelSettings, **changes: object) -> str:
    with pytest.raises(SetupError) as caught:
        open_model(dataclasses.replace(settings, **changes))  # type: ignore[arg-type]
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_file_that_was_cut_short_is_named(settings: ModelSettings) -> None:
    file = Path(settings.folder) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert re.fullmatch(rf"{file} is damaged \(.*\): download it again", refusal(settings))


def test_an_unknown_architecture_is_one_line(settings: ModelSettings) -> None:
    assert "pip install -U transformers" in refusal(changed_config(settings, model_type="martian"))


def test_weights_of_another_shape_are_one_line(settings: ModelSettings) -> None:
    assert "do not fit its config.json" in refusal(changed_config(settings, hidden_size=32))


@pytest.mark.parametrize(
    "changes", [{"hidden_size": None}, {"num_hidden_layers": "six"}, {"pad_token_id": 9999}]
)
def test_a_config_that_makes_no_sense_is_one_line(
    settings: ModelSettings, changes: dict[str, object]
) -> None:
    assert f"{settings.folder} cannot be loaded: " in refusal(changed_config(settings, **changes))


def test_missing_weights_are_not_made_up(settings: ModelSettings) -> None:
    line = refusal(changed_config(settings, num_hidden_layers=3))
    assert "lacks 9 weights, such as model.layers.2." in line


def test_missing_files_are_told(tmp_path: Path) -> None:
    assert "is not a whole model" in refusal(ModelSettings(folder=str(tmp_path)))


def test_missing_weight_files_are_told(settings: ModelSettings) -> None:
    (Path(settings.folder) / "model.safetensors").unlink()
    assert "is not a whole model" in refusal(settings)


def test_a_broken_config_is_told(settings: ModelSettings) -> None:
    (Path(settings.folder) / "config.json").write_text("{")
    assert "not a valid JSON" in refusal(settings)


def test_code_in_the_folder_is_not_run_unasked(settings: ModelSettings, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("raise SystemExit('it ran')")
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    line = refusal(changed_config(settings, model_type="own", auto_map=own))
    assert "--trust-remote-code" in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "float8"}, "--dtype float8 is none of float32"),
        ({"quantization": "awq"}, "is none of bitsandbytes-4bit"),
        ({"device": "cuda:7"}, "there is no cuda:7"),
        ({"device": "tpu"}, "'tpu' is no device"),
        ({"context_length": 4096}, "more than the 256 tokens"),
        ({"adapters": {"a": "/nowhere"}}, "/nowhere holds no LoRA adapter"),
    ],
)
def test_what_cannot_be_done_is_named(
    settings: ModelSettings, changes: dict[str, object], words: str
) -> None:
    assert words in refusal(settings, **changes)


def test_a_model_that_answers_with_pictures_is_refused(settings: ModelSettings) -> None:
    line = refusal(changed_config(settings, architectures=["ViTForImageClassification"], model_type="vit"))
    assert "serves models of text" in line
