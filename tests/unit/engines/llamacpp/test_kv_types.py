import gguf
import pytest
import xllamacpp

from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp.kv_types import NAMES, costed, is_quantized, named
from polychat.errors import SetupError

MINI = Header("llama", context_length=2048, kv_bytes_per_token=2560, embeds=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_token_costs_what_the_formats_blocks_take(name: str) -> None:
    values, num_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name.upper()]]
    assert costed(MINI, name).kv_bytes_per_token == MINI.kv_bytes_per_token // 2 * num_bytes // values


@pytest.mark.parametrize("name", NAMES)
def test_llamacpp_knows_each_format(name: str) -> None:
    assert xllamacpp.ggml_type[f"GGML_TYPE_{name.upper()}"] >= 0


def test_a_draft_model_has_a_cache_too() -> None:
    assert costed(MINI, "f16", MINI).kv_bytes_per_token == 2 * 2560


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SetupError, match=r"--kv-cache-dtype fp8: llama\.cpp has f32, f16, bf16, q8_0"):
        named("fp8")


def test_nothing_asked_for_is_16_bits() -> None:
    assert (named(""), named("auto"), named("Q8_0")) == ("f16", "f16", "q8_0")
    assert [name for name in ("f16", "bf16", "q8_0", "iq4_nl") if is_quantized(name)] == ["q8_0", "iq4_nl"]
