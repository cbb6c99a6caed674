import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines import checkpoint, kv_cache
from polychat.engines.checkpoint import Kind
from polychat.engines.kv_cache import KvCache
from polychat.errors import SetupError
from tests.support import tiny_checkpoint
from tests.support.tiny_checkpoint import LLAMA, files, safetensors, sharded


def test_a_checkpoint_tells_what_decides_how_to_run_it(tmp_path: Path) -> None:
    found = checkpoint.read(tiny_checkpoint.write(tmp_path))
    assert (found.architectures, found.model_type, found.kind) == (("LlamaForCausalLM",), "llama", "generate")
    assert (found.context_length, found.kv_cache) == (2048, KvCache(2 * 2 * 2 * 16))
    assert (found.weights_bytes, found.num_parameters, found.dtype) == (2000, 1000, "bfloat16")
    assert (found.quantization, found.has_chat_template) == ("", True)


def test_shards_are_summed(tmp_path: Path) -> None:
    assert checkpoint.read(tiny_checkpoint.write(tmp_path, sharded())).weights_bytes == 2000


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    tiny_checkpoint.write(tmp_path, sharded())
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    assert not checkpoint.is_whole(tmp_path)
    with pytest.raises(
        SetupError, match=r"model-00002-of-00002\.safetensors of 2 files is missing; download"
    ):
        checkpoint.read(tmp_path)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    contents = sharded() | {
        "model-00002-of-00002.safetensors": sharded()["model-00002-of-00002.safetensors"][:-1]
    }
    with pytest.raises(SetupError, match=r"model-00002-of-00002\.safetensors is damaged: it is cut off"):
        checkpoint.read(tiny_checkpoint.write(tmp_path, contents))


@pytest.mark.parametrize(
    ("without", "instead", "complaint"),
    [
        ("config.json", {}, r"has no config\.json"),
        ("config.json", {"config.json": b"{"}, r"config\.json is damaged: it holds no JSON object"),
        ("config.json", {"config.json": b"[]"}, r"config\.json is damaged"),
        ("tokenizer.json", {}, "has no tokenizer"),
        ("tokenizer.json", {"tokenizer.json": b'{"model":'}, r"tokenizer\.json is damaged"),
        ("", {"tokenizer_config.json": b"{"}, r"tokenizer_config\.json is damaged"),
        ("", {"generation_config.json": b"{nope"}, r"generation_config\.json is damaged"),
        ("model.safetensors", {}, "has no weights"),
        (
            "model.safetensors",
            {"pytorch_model.bin": b""},
            r"only as pytorch_model\.bin, a format that can run code",
        ),
        ("model.safetensors", {"model.safetensors.index.json": b"{}"}, "is damaged: it names no files"),
        (
            "config.json",
            {"adapter_config.json": b'{"base_model_name_or_path": "u/base"}'},
            "worker u/base --lora",
        ),
    ],
)
def test_what_is_not_whole_is_one_line_with_the_fix(
    without: str, instead: dict[str, bytes], complaint: str, tmp_path: Path
) -> None:
    contents = {name: data for name, data in files().items() if name != without} | instead
    with pytest.raises(SetupError, match=complaint) as refusal:
        checkpoint.read(tiny_checkpoint.write(tmp_path, contents))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"architectures": ["Qwen3ForCausalLM"]}, Kind.GENERATE),
        ({}, Kind.GENERATE),
        ({"architectures": ["BertModel"]}, Kind.EMBED),
        ({"architectures": ["XLMRobertaForMaskedLM"]}, Kind.EMBED),
        ({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "x"}}, Kind.RERANK),
        (
            {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "x", "1": "y"}},
            Kind.CLASSIFY,
        ),
        ({"architectures": ["BertForSequenceClassification"]}, Kind.CLASSIFY),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, Kind.SEQ2SEQ),
        ({"architectures": ["LlavaForConditionalGeneration"], "vision_config": {}}, Kind.VISION),
    ],
)
def test_the_architecture_tells_what_a_model_is_for(config: dict[str, object], kind: Kind) -> None:
    assert checkpoint.kind_of(config) is kind


def test_a_decoder_with_pooling_embeds(tmp_path: Path) -> None:
    contents = files() | {"modules.json": b"[]", "1_Pooling/config.json": b"{}"}
    found = checkpoint.read(tiny_checkpoint.write(tmp_path, contents))
    assert (found.kind, found.kv_cache) == (Kind.EMBED, None)


def test_a_nested_sentence_transformer_is_read(tmp_path: Path) -> None:
    contents = {f"0_Transformer/{name}": data for name, data in files().items()} | {"modules.json": b"[]"}
    found = checkpoint.read(tiny_checkpoint.write(tmp_path, contents))
    assert (found.kind, found.weights_bytes) == (Kind.EMBED, 2000)


def test_the_language_part_of_a_model_that_sees_counts(tmp_path: Path) -> None:
    config = {
        "architectures": ["Qwen2VLForConditionalGeneration"],
        "vision_config": {"hidden_size": 9999},
        "text_config": dict(LLAMA),
        "quantization_config": {"quant_method": "awq"},
    }
    found = checkpoint.read(tiny_checkpoint.write(tmp_path, files(config)))
    assert (found.kind, found.context_length, found.quantization) == (Kind.VISION, 2048, "awq")
    assert found.kv_cache == KvCache(128)


def test_the_weights_themselves_tell_their_dtype(tmp_path: Path) -> None:
    weights = safetensors({"small": ("F32", [10]), "large": ("F16", [100])})
    contents = files() | {"model.safetensors": weights, "config.json": json.dumps(dict(LLAMA)).encode()}
    assert checkpoint.read(tiny_checkpoint.write(tmp_path, contents)).dtype == "float16"


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 4.0}}, 16384),
        ({"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 131072),
        (
            {
                "max_position_embeddings": 32768,
                "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
            },
            131072,
        ),
        (
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {
                    "rope_type": "yarn",
                    "factor": 4,
                    "original_max_position_embeddings": 32768,
                },
            },
            131072,
        ),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"n_positions": 1024}, 1024),
        ({}, None),
    ],
)
def test_the_context_is_what_the_positions_reach(
    config: dict[str, object], context: int | None, tmp_path: Path
) -> None:
    found = checkpoint.read(tiny_checkpoint.write(tmp_path, files(config)))
    assert found.context_length == context


_KEYS = st.sampled_from(
    [
        "architectures",
        "model_type",
        "text_config",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "layer_types",
        "sliding_window",
        "rope_scaling",
        "factor",
        "type",
        "id2label",
        "quantization_config",
        "max_position_embeddings",
        "kv_lora_rank",
        "num_key_value_heads",
        "sliding_window_pattern",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(0, 10)
    | st.sampled_from(["yarn", "full_attention"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=8))
def test_no_config_at_all_makes_reading_it_fail(config: dict[str, object]) -> None:
    assert checkpoint.kind_of(config) in checkpoint.Kind
    cache = kv_cache.of(config)
    assert cache is None or cache.num_values(100) >= 0
    assert (checkpoint.context_length(config) or 1) > 0
