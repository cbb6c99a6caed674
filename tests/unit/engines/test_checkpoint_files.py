import pytest

from polychat.engines import checkpoint_files as names

SMALL = ["config.json", "tokenizer.json", "tokenizer_config.json"]


def test_safetensors_are_wanted_and_everything_twice_is_not() -> None:
    repository = [
        *SMALL,
        "README.md",
        "model.safetensors",
        "model.fp16.safetensors",
        "consolidated.safetensors",
        "pytorch_model.bin",
        "original/consolidated.00.pth",
        "onnx/model.onnx",
        "onnx/config.json",
        "model-Q4_K_M.gguf",
        "chat_template.jinja",
    ]
    assert names.wanted(repository) == ["chat_template.jinja", *SMALL, "model.safetensors"]


@pytest.mark.parametrize(
    ("repository", "weights"),
    [
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], [0, 1]),
        (["model.safetensors", "model-00001-of-00001.safetensors"], [0]),
        (["consolidated.safetensors", "model-00001-of-00001.safetensors"], [1]),
        (["consolidated.safetensors"], []),
        (["weights.safetensors"], [0]),
        (["onnx/model.safetensors", "pytorch_model.bin"], []),
    ],
)
def test_weights_are_those_that_loaders_take(repository: list[str], weights: list[int]) -> None:
    assert names.weights([*SMALL, *repository]) == [repository[n] for n in weights]


def test_a_sentence_transformer_brings_its_steps() -> None:
    repository = [
        *SMALL,
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
    ]
    assert names.wanted(repository)[-2:] == ["2_Dense/model.safetensors", "model.safetensors"]
    assert "1_Pooling/config.json" in names.wanted(repository)


def test_a_nested_sentence_transformer_has_its_model_in_a_folder() -> None:
    repository = [
        "modules.json",
        "0_Transformer/config.json",
        "0_Transformer/model.safetensors",
        "0_Transformer/vocab.txt",
    ]
    assert names.root(repository) == "0_Transformer"
    assert names.weights(repository) == ["0_Transformer/model.safetensors"]
    assert names.has_tokenizer(repository)
    assert set(names.wanted(repository)) == set(repository)


@pytest.mark.parametrize(
    "repository", [[], ["model.safetensors"], ["onnx/config.json"], ["1_Pooling/config.json"]]
)
def test_without_its_config_it_is_no_checkpoint(repository: list[str]) -> None:
    assert not names.is_checkpoint(repository)


def test_an_adapter_is_wanted_without_what_training_left() -> None:
    repository = [
        "adapter_config.json",
        "adapter_model.safetensors",
        "optimizer.pt",
        "checkpoint-5/adapter_model.safetensors",
    ]
    assert names.wanted(repository) == ["adapter_config.json", "adapter_model.safetensors"]


@pytest.mark.parametrize(
    "name", ["tokenizer.model", "vocab.txt", "spiece.model", "qwen.tiktoken", "vocab.json"]
)
def test_any_kind_of_tokenizer_counts(name: str) -> None:
    assert names.has_tokenizer(["config.json", name])
    assert not names.has_tokenizer(["config.json", "tokenizer_config.json"])


def test_training_leftovers_are_no_weights() -> None:
    assert names.pickled(["config.json", "training_args.bin", "optimizer.pt", "pytorch_model.bin"]) == [
        "pytorch_model.bin"
    ]
