import pytest

from polychat.engines.store.wish import Wish, WrongFormat, pick
from polychat.errors import SetupError

CHECKPOINT = ["config.json", "model.safetensors", "tokenizer.json"]
GGUF = ["m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-F16.gguf"]


@pytest.mark.parametrize(
    ("wish", "first", "format_"),
    [
        (Wish("r"), "m-Q4_K_M.gguf", "gguf"),
        (Wish("r", quant="Q8_0"), "m-Q8_0.gguf", "gguf"),
        (Wish("r", formats=("checkpoint", "gguf")), "", "checkpoint"),
        (Wish("r", formats=("checkpoint",), quant="Q8_0"), "m-Q8_0.gguf", "gguf"),
        (Wish("r", exclude=("*Q4*",)), "m-Q8_0.gguf", "gguf"),
    ],
)
def test_of_both_formats_the_wanted_one_is_picked(wish: Wish, first: str, format_: str) -> None:
    picked = pick([*CHECKPOINT, *GGUF], wish)
    assert (picked.first, picked.format) == (first, format_)


def test_a_gguf_model_comes_with_its_projector() -> None:
    assert pick(GGUF, Wish("r")).names == ("m-Q4_K_M.gguf", "mmproj-F16.gguf")


@pytest.mark.parametrize(
    ("names", "wanted", "found"), [(CHECKPOINT, "gguf", "checkpoint"), (GGUF, "checkpoint", "gguf")]
)
def test_a_model_in_another_format_only_is_told_apart(names: list[str], wanted: str, found: str) -> None:
    with pytest.raises(WrongFormat) as refusal:
        pick(names, Wish("r", formats=(wanted,)))  # type: ignore[arg-type]  # one of the two
    assert refusal.value.format == found


def test_filters_pick_by_path_and_by_name() -> None:
    names = [*CHECKPOINT, "onnx/model.onnx", "1_Pooling/config.json"]
    assert pick(names, Wish("r", include=("onnx/*",))).names == ("onnx/model.onnx",)
    assert pick(names, Wish("r", include=("config.json",), exclude=("1_Pooling/*",))).names == (
        "config.json",
    )


@pytest.mark.parametrize(
    ("names", "wish", "complaint"),
    [
        (GGUF, Wish("r", quant="Q2_K"), r"r has no Q2_K; it has m-Q4_K_M\.gguf, m-Q8_0\.gguf"),
        (CHECKPOINT, Wish("r", quant="Q2_K"), "r holds no GGUF file, so it has no Q2_K; leave out :Q2_K"),
        (
            ["a"] * 20,
            Wish("r"),
            "neither a GGUF file nor a checkpoint .*; it has a, a, a, a, a, a, a, a and 12 more",
        ),
        ([], Wish("r"), "it has no file"),
        (["config.json", "pytorch_model.bin"], Wish("r"), r"only as pytorch_model\.bin"),
        (["config.json"], Wish("r"), r"r has no weights \(model\.safetensors\)"),
        (GGUF, Wish("r", include=("*.txt",)), r"r has no file that --include \*\.txt lets in"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(names: list[str], wish: Wish, complaint: str) -> None:
    with pytest.raises(SetupError, match=complaint):
        pick(names, wish)
