"""Checkpoints that engines can run: config, safetensors and tokenizer in a folder, as the hub has them."""

from importlib import resources
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

_FOLDER = str(resources.files("polychat.engines") / "builtin")
_FILE = "polychat-mini.gguf"


def builtin_checkpoint(folder: Path) -> Path:
    """The built-in model out of its GGUF, in float32: the same weights, tokenizer and chat template."""
    model = AutoModelForCausalLM.from_pretrained(_FOLDER, gguf_file=_FILE, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(_FOLDER, gguf_file=_FILE)
    config = type(model.config).from_dict(
        {key: value for key, value in model.config.to_dict().items() if key != "quantization_config"}
    )
    copy = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
    )
    copy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
