"""Checkpoints of a few bytes that no engine could run, for what reads only names and headers."""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

_BITS = {"F32": 32, "F16": 16, "BF16": 16, "I8": 8, "U8": 8}

LLAMA: Mapping[str, object] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "torch_dtype": "bfloat16",
}


def safetensors(tensors: Mapping[str, tuple[str, list[int]]]) -> bytes:
    """A safetensors file of zeros: name -> dtype and shape."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape) in tensors.items():
        end = at + math.prod(shape) * _BITS[dtype] // 8
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + bytes(at)


def files(config: Mapping[str, object] = LLAMA, *, num_values: int = 1000) -> dict[str, bytes]:
    """A whole checkpoint as a repository holds it: file name -> content."""
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": json.dumps({"chat_template": "{{ messages }}"}).encode(),
        "model.safetensors": safetensors({"weight": ("BF16", [num_values])}),
    }


def sharded(config: Mapping[str, object] = LLAMA) -> dict[str, bytes]:
    """The same in two files of weights and an index."""
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"weight_map": {f"weight.{n}": name for n, name in enumerate(names)}}
    shards = {name: safetensors({f"weight.{n}": ("BF16", [500])}) for n, name in enumerate(names)}
    rest = {name: data for name, data in files(config).items() if name != "model.safetensors"}
    return rest | {"model.safetensors.index.json": json.dumps(index).encode()} | shards


def write(folder: Path, contents: Mapping[str, bytes] | None = None) -> Path:
    """The checkpoint in a folder of its own."""
    for name, data in (files() if contents is None else contents).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
