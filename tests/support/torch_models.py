"""Small models of many architectures, with random weights and the built-in model's vocabulary."""

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedModel

from polychat.engines.transformers.job import ModelSettings

BUILTIN = ModelSettings(
    folder=str(resources.files("polychat.engines") / "builtin"), gguf_file="polychat-mini.gguf", threads=1
)
_SMALL = {
    "vocab_size": 2271,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,  # otherwise all logits are nearly the same
    "bos_token_id": 2262,
    "eos_token_id": 2264,
    "pad_token_id": 2262,
}


def _text(name: str, **more: object) -> Callable[[], PreTrainedModel]:
    return lambda: _made(f"{name}Config", f"{name}ForCausalLM", _SMALL | more)


MODELS: Mapping[str, Callable[[], PreTrainedModel]] = {
    "llama": _text("Llama", num_key_value_heads=2),
    "qwen3": _text("Qwen3", num_key_value_heads=2, head_dim=16),
    "mistral with a sliding window": _text("Mistral", num_key_value_heads=2, sliding_window=24),
    "gemma 3": lambda: _made(
        "Gemma3TextConfig",
        "Gemma3ForCausalLM",
        _SMALL
        | {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 24, "num_hidden_layers": 7}
        | {"tie_word_embeddings": False},
    ),
    "gpt 2": lambda: _made(
        "GPT2Config",
        "GPT2LMHeadModel",
        {
            "vocab_size": 2271,
            "n_embd": 64,
            "n_layer": 2,
            "n_head": 4,
            "n_positions": 256,
            "initializer_range": 0.3,
        }
        | {"bos_token_id": 2262, "eos_token_id": 2264},
    ),
    "mixtral": _text("Mixtral", num_key_value_heads=2, num_local_experts=4),
    "mamba": lambda: _made(
        "MambaConfig",
        "MambaForCausalLM",
        {
            "vocab_size": 2271,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "state_size": 4,
            "initializer_range": 0.3,
        }
        | {"bos_token_id": 2262, "eos_token_id": 2264, "pad_token_id": 2262},
    ),
    "t5": lambda: _made(
        "T5Config",
        "T5ForConditionalGeneration",
        {"vocab_size": 2271, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4}
        | {
            "decoder_start_token_id": 2262,
            "pad_token_id": 2262,
            "eos_token_id": 2264,
            "initializer_factor": 3.0,
        },
    ),
}


def write_seeing(folder: Path) -> ModelSettings:
    """A LLaVA that reads pictures of 16 x 16 as four tokens 7."""
    torch.manual_seed(0)
    eye = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**_SMALL),
        vision_config=transformers.CLIPVisionConfig(**eye, image_size=16, patch_size=8),
        image_token_index=7,
        image_seq_length=4,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    write_tokenizer(folder)
    return ModelSettings(folder=str(folder), threads=1)


def write(folder: Path, name: str) -> ModelSettings:
    """The model and a tokenizer in `folder`, the same at each call."""
    torch.manual_seed(0)
    MODELS[name]().save_pretrained(folder)
    write_tokenizer(folder)
    return ModelSettings(folder=str(folder), threads=1)


def write_tokenizer(folder: Path) -> None:
    AutoTokenizer.from_pretrained(BUILTIN.folder, gguf_file=BUILTIN.gguf_file).save_pretrained(folder)


def _made(config: str, model: str, settings: Mapping[str, object]) -> PreTrainedModel:
    made: PretrainedConfig = getattr(transformers, config)(**settings)
    return getattr(transformers, model)(made)
