"""A random-weight BERT cross-encoder in a GGUF file of under a megabyte, and its scores computed with numpy.

`python -m tests.support.reranker_gguf OUT.gguf` writes one by hand.
"""

import sys
from pathlib import Path

import gguf
import numpy as np

from tests.support import bert_gguf
from tests.support.bert_gguf import SPECIAL, Tensor

VOCABULARY = [
    *SPECIAL,
    *("a", "the", "cat", "dog", "sat", "ran", "on", "in", "mat", "park"),
    *("is", "what", "who", "capital", "of", "france", "paris", "berlin", "germany"),
]
SHAPE = bert_gguf.Shape(layers=2, heads=2, width=64, feed_forward=128, context_length=64)


def write(path: Path) -> Path:
    """Write the model to `path` and return it."""
    return bert_gguf.write(path, SHAPE, VOCABULARY, weights(), gguf.PoolingType.RANK)


def weights() -> dict[str, Tensor]:
    """The model's tensors, rounded as its file keeps them."""
    chance = np.random.default_rng(7)

    def tensor(*shape: int, scale: float = 1.0) -> Tensor:
        exact = chance.standard_normal(shape) * scale
        return np.asarray(exact, np.float16).astype(np.float32)

    width, wide = SHAPE.width, SHAPE.feed_forward
    found = {
        "token_embd.weight": tensor(len(VOCABULARY), width),
        "position_embd.weight": tensor(SHAPE.context_length, width, scale=0.3),
        "token_types.weight": tensor(2, width, scale=0.3),
        "cls.weight": tensor(width, width, scale=width**-0.5),
        "cls.bias": tensor(width, scale=0.1),
        "cls.output.weight": tensor(1, width, scale=2 * width**-0.5),
        "cls.output.bias": tensor(1, scale=0.1),
        **_norm("token_embd_norm", width),
    }
    for layer in range(SHAPE.layers):
        at = f"blk.{layer}."
        sizes = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (width, width))
        sizes |= {"ffn_up": (wide, width), "ffn_down": (width, wide)}
        for name, (rows, columns) in sizes.items():
            found[f"{at}{name}.weight"] = tensor(rows, columns, scale=columns**-0.5)
            found[f"{at}{name}.bias"] = tensor(rows, scale=0.1)
        found |= _norm(f"{at}attn_output_norm", width) | _norm(f"{at}layer_output_norm", width)
    return found


def score(query: str, document: str) -> float:
    """The chance that the document answers the query, from 0 to 1, as BERT's paper computes it."""
    words = ["[CLS]", *query.split(), "[SEP]", *document.split(), "[SEP]"]
    w = weights()
    hidden = w["token_embd.weight"][[VOCABULARY.index(word) for word in words]]
    hidden = hidden + w["position_embd.weight"][: len(words)] + w["token_types.weight"][0]
    hidden = _normalised(hidden, w, "token_embd_norm")
    for layer in range(SHAPE.layers):
        hidden = _block(hidden, w, f"blk.{layer}.")
    pooled = np.tanh(_linear(hidden[:1], w, "cls"))
    return float(1 / (1 + np.exp(-_linear(pooled, w, "cls.output")[0, 0])))


def _norm(name: str, width: int) -> dict[str, Tensor]:
    return {f"{name}.weight": np.ones(width, np.float32), f"{name}.bias": np.zeros(width, np.float32)}


def _block(hidden: Tensor, w: dict[str, Tensor], at: str) -> Tensor:
    q, k, v = (_heads(_linear(hidden, w, f"{at}attn_{name}")) for name in "qkv")
    logits = q @ k.transpose(0, 2, 1) / (SHAPE.width / SHAPE.heads) ** 0.5
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    mixed = (chances / chances.sum(-1, keepdims=True)) @ v
    joined = mixed.transpose(1, 0, 2).reshape(hidden.shape)
    hidden = _normalised(hidden + _linear(joined, w, f"{at}attn_output"), w, f"{at}attn_output_norm")
    wide = _gelu(_linear(hidden, w, f"{at}ffn_up"))
    return _normalised(hidden + _linear(wide, w, f"{at}ffn_down"), w, f"{at}layer_output_norm")


def _heads(rows: Tensor) -> Tensor:
    """(tokens, width) as (heads, tokens, width of a head)."""
    return rows.reshape(len(rows), SHAPE.heads, -1).transpose(1, 0, 2)


def _linear(rows: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return np.asarray(rows @ w[f"{name}.weight"].T + w[f"{name}.bias"], np.float32)


def _normalised(rows: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    centred = rows - rows.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return np.asarray(scaled * w[f"{name}.weight"] + w[f"{name}.bias"], np.float32)


def _gelu(rows: Tensor) -> Tensor:
    return np.asarray(rows / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (rows + 0.044715 * rows**3))), np.float32)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
