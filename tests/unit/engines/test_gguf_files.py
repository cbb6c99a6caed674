import pytest

from polychat.engines import gguf_files

REPO = [
    "README.md",
    "mmproj-model-f16.gguf",
    "Qwen3-0.6B-Q8_0.gguf",
    "Qwen3-0.6B-Q4_K_M.gguf",
    "Qwen3-0.6B-Q4_K_S.gguf",
    "BF16/Qwen3-0.6B-BF16-00001-of-00002.gguf",
    "BF16/Qwen3-0.6B-BF16-00002-of-00002.gguf",
]


@pytest.mark.parametrize(
    ("quant", "name"),
    [
        ("", "Qwen3-0.6B-Q4_K_M.gguf"),
        ("q8_0", "Qwen3-0.6B-Q8_0.gguf"),
        ("Q4_K_S", "Qwen3-0.6B-Q4_K_S.gguf"),
        ("Q4_K", None),
        ("BF16", "BF16/Qwen3-0.6B-BF16-00001-of-00002.gguf"),
        ("Q2_K", None),
    ],
)
def test_the_quantisation_picks_the_file(quant: str, name: str | None) -> None:
    assert gguf_files.choose(REPO, quant) == name


def test_without_a_known_quantisation_the_first_model_is_taken() -> None:
    assert gguf_files.choose(["b.gguf", "a.gguf", "mmproj-a.gguf"], "") == "a.gguf"
    assert gguf_files.choose(["model.safetensors"], "") is None


def test_a_split_model_counts_once_and_has_all_its_parts() -> None:
    first = "BF16/Qwen3-0.6B-BF16-00001-of-00002.gguf"
    assert [name for name in gguf_files.models(REPO) if "BF16" in name] == [first]
    assert gguf_files.parts(first) == REPO[-2:]
    assert gguf_files.parts("one.gguf") == ["one.gguf"]


def test_the_projector_is_no_model() -> None:
    assert gguf_files.mmproj(REPO) == "mmproj-model-f16.gguf"
    assert "mmproj-model-f16.gguf" not in gguf_files.models(REPO)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("llama-Q8_0.gguf", "llama-Q8_0"), ("x-00001-of-00003.gguf", "x"), ("odd", "odd")],
)
def test_a_model_is_called_what_its_file_is_called(name: str, stem: str) -> None:
    assert gguf_files.stem(name) == stem
