"""A random-weight Llama in a GGUF file of under a megabyte: loads and answers in no time, and makes no sense.

`python -m tests.support.tiny_gguf OUT.gguf` writes one by hand.
"""

import sys
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float16] | npt.NDArray[np.float32]

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FILLS_IN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
TEMPLATE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
LIKELY = b" abcdefghijklmnopqrstuvwxyz"  # the only bytes that it says; it never ends by itself

WIDTH, LAYERS, HEADS, FEED_FORWARD = 128, 2, 4, 256


def write(  # noqa: PLR0913 - each test wants another trait
    path: Path,
    *,
    context_length: int = 2048,
    embeds: bool = False,
    adds_bos: bool = False,
    template: str = TEMPLATE,
    fills_in: bool = False,
) -> Path:
    """Write the model to `path` and return it. With `embeds` it calls itself an embedding model."""
    tokens = [*_byte_tokens(), *SPECIAL, *(FILLS_IN if fills_in else ())]
    writer = gguf.GGUFWriter(str(path), "llama")
    if embeds:
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    _describe(writer, tokens, context_length)
    writer.add_add_bos_token(adds_bos)
    if template:
        writer.add_chat_template(template)
    for name, weights in _weights(len(tokens), np.random.default_rng(0)).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, tokens: list[str], context_length: int) -> None:
    writer.add_name("tiny")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(context_length)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [
            gguf.TokenType.CONTROL if token in (*SPECIAL, *FILLS_IN) else gguf.TokenType.NORMAL
            for token in tokens
        ]
    )
    writer.add_token_merges(
        ["t h", "a n"]
    )  # llama.cpp refuses an empty list; neither result is in the vocabulary
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))


def _weights(vocab: int, chance: np.random.Generator) -> dict[str, Tensor]:
    def matrix(rows: int, columns: int) -> Tensor:
        return np.asarray(chance.standard_normal((rows, columns)) / columns**0.5, np.float16)

    ones = np.ones(WIDTH, np.float32)
    embedding = chance.standard_normal((vocab, WIDTH)) * 0.1
    embedding[[byte for byte in range(256) if byte not in LIKELY]] = 0
    embedding[256:] = 0
    weights: dict[str, Tensor] = {
        "token_embd.weight": embedding.astype(np.float16),
        "output_norm.weight": ones * 6,
    }
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        weights |= {at + name: matrix(WIDTH, WIDTH) for name in ("attn_q.weight", "attn_k.weight")}
        weights |= {at + name: matrix(WIDTH, WIDTH) for name in ("attn_v.weight", "attn_output.weight")}
        weights |= {at + name: matrix(FEED_FORWARD, WIDTH) for name in ("ffn_gate.weight", "ffn_up.weight")}
        weights[at + "ffn_down.weight"] = matrix(WIDTH, FEED_FORWARD)
        weights |= {at + "attn_norm.weight": ones, at + "ffn_norm.weight": ones}
    return weights


def _byte_tokens() -> list[str]:
    """The 256 characters that stand for bytes in a byte-level BPE, in the bytes' order.

    Source: bytes_to_unicode in GPT-2's encoder.py.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in range(256)]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
