from pathlib import Path

import pytest

from polychat.engines import models
from polychat.engines.catalog import named, open_engine
from polychat.engines.spec import EngineSpec, ModelFiles, base_url
from polychat.errors import SetupError


def files(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"GGUF")
    return folder


def test_the_builtin_model_is_in_the_package() -> None:
    assert models.resolve("builtin") == ModelFiles(models.BUILTIN_PATH, "polychat-mini")


def test_a_file_is_served_under_its_name_with_its_projector(tmp_path: Path) -> None:
    files(tmp_path, "gemma-Q8_0.gguf", "mmproj-gemma.gguf")
    path = tmp_path / "gemma-Q8_0.gguf"
    assert models.resolve(str(path)) == ModelFiles(path, "gemma-Q8_0", tmp_path / "mmproj-gemma.gguf")


def test_a_folder_with_one_model_is_served_under_the_folders_name(tmp_path: Path) -> None:
    folder = files(tmp_path / "llama", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf")
    assert models.resolve(str(folder)) == ModelFiles(folder / "m-00001-of-00002.gguf", "llama")


def test_a_folder_with_several_models_lists_them(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"several models; name one file: a\.gguf, b\.gguf"):
        models.resolve(str(files(tmp_path, "a.gguf", "b.gguf")))


def test_a_missing_part_of_a_split_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"m-00002-of-00002\.gguf is missing"):
        models.resolve(str(files(tmp_path, "m-00001-of-00002.gguf")))


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="holds neither a GGUF file nor a checkpoint"):
        models.resolve(str(files(tmp_path, "notes.txt")))


@pytest.mark.parametrize("names", [["config.json"], ["model.safetensors"], ["adapter_config.json"]])
def test_a_folder_with_a_checkpoint_is_one_whatever_is_missing(tmp_path: Path, names: list[str]) -> None:
    folder = files(tmp_path / "qwen", *names)
    assert models.resolve(str(folder)) == ModelFiles(folder, "qwen", format="checkpoint")


def test_a_nested_sentence_transformer_is_a_checkpoint(tmp_path: Path) -> None:
    files(tmp_path / "0_Transformer", "config.json")
    assert models.resolve(str(tmp_path)).format == "checkpoint"


def test_one_file_of_a_checkpoint_is_told_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=rf"one file of a checkpoint; name its folder, {tmp_path}, instead"):
        models.resolve(str(files(tmp_path, "model.safetensors") / "model.safetensors"))


@pytest.mark.parametrize(
    "argument", ["nowhere.gguf", "/no/such/file", "mistral", "a/b/c", "./x/y.gguf", "./x", "../x", "x/.."]
)
def test_what_is_no_model_is_told_the_four_forms(argument: str) -> None:
    with pytest.raises(
        SetupError, match="a model is 'builtin', a GGUF file, a folder with one or with safetensors, or"
    ):
        models.resolve(argument)


@pytest.mark.parametrize(
    ("argument", "repo", "quant"), [("u/r", "u/r", ""), ("u/r-1.5:Q8_0", "u/r-1.5", "Q8_0")]
)
def test_a_hub_id_may_name_a_quantisation(argument: str, repo: str, quant: str) -> None:
    assert models.hub_id(argument) == (repo, quant)


def test_a_name_that_the_hub_forbids_is_one_line() -> None:
    with pytest.raises(SetupError, match="there is no model a--b/c"):
        models.resolve("a--b/c")


def test_modelscope_ids_have_a_prefix() -> None:
    hub, wish = models.on_hub("modelscope:u/r:Q8_0")
    assert (hub.prefix, wish.repo, wish.quant) == ("modelscope:", "u/r", "Q8_0")


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(SetupError, match="no engine 'vlm'; there are auto, llamacpp, "):
        named("vlm")
    assert named("auto", "builtin") == "auto"
    assert named("auto", "echo") == "echo"


def test_llamacpp_needs_a_model() -> None:
    with pytest.raises(SetupError, match="needs a model"):
        open_engine(EngineSpec(secret="s", engine="llamacpp"))


def test_ports_are_the_one_asked_for_or_all_from_21002_on() -> None:
    assert EngineSpec(secret="s").ports()[0] == 21002
    assert list(EngineSpec(secret="s", port=5).ports()) == [5]


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:5"), ("0.0.0.0", "http://127.0.0.1:5"), ("::", "http://[::1]:5")],
)
def test_a_server_on_every_address_is_reached_by_loopback(host: str, url: str) -> None:
    assert base_url(host, 5) == url


@pytest.mark.parametrize("wrong", [{"slots": 0}, {"context_length": -1}])
def test_impossible_sizes_name_their_flag(wrong: dict[str, int]) -> None:
    with pytest.raises(SetupError, match="must be at least 1"):
        EngineSpec(secret="s", **wrong)  # type: ignore[arg-type]  # the wrong values are the point
