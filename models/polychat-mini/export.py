"""Write a checkpoint as one GGUF file that llama.cpp and transformers both load.

    python export.py WORK_DIR/final.pt OUT.gguf [--type q8_0|f16]

The file is written with gguf-py alone: llama.cpp's converter refuses a tokenizer it has not seen.
`check_export.py` compares what comes out in both programs.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import torch
from data import load_tokenizer
from model import Config
from tokenizers import Tokenizer
from torch import Tensor

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
END_OF_TURN, END_OF_TEXT = "<|im_end|>", "<|endoftext|>"
BLOCK_NAMES = {
    "q.weight": "attn_q.weight",
    "k.weight": "attn_k.weight",
    "v.weight": "attn_v.weight",
    "o.weight": "attn_output.weight",
    "gate.weight": "ffn_gate.weight",
    "up.weight": "ffn_up.weight",
    "down.weight": "ffn_down.weight",
    "norm1": "attn_norm.weight",
    "norm2": "ffn_norm.weight",
}


def gguf_name(name: str) -> str:
    if name.startswith("blocks."):
        _, layer, rest = name.split(".", 2)
        return f"blk.{layer}.{BLOCK_NAMES[rest]}"
    return {"embedding.weight": "token_embd.weight", "norm": "output_norm.weight"}[name]


def interleave(matrix: Tensor, num_heads: int) -> Tensor:
    """Rows of each head from (first half, second half) to pairs: llama.cpp rotates neighbours."""
    rows, columns = matrix.shape
    halves = matrix.reshape(num_heads, 2, rows // num_heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def add_model(writer: gguf.GGUFWriter, config: Config, file_type: gguf.LlamaFileType) -> None:
    writer.add_name("polychat-mini")
    writer.add_description("A tiny demo chat model, trained from nothing on synthetic text written for it.")
    writer.add_author("The polychat authors")
    writer.add_license("apache-2.0")
    writer.add_license_name("Apache License 2.0")
    writer.add_file_type(file_type)
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.ff_width)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_width)
    writer.add_vocab_size(config.vocab_size)
    # Unless a client asks otherwise: what so small a model says second best is rarely a sentence.
    writer.add_sampling_temp(0.0)


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    state = json.loads(tokenizer.to_str())
    added = {token["content"]: bool(token["special"]) for token in state["added_tokens"]}
    ids: dict[str, int] = tokenizer.get_vocab()
    tokens = sorted(ids, key=ids.__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")  # digits one by one, then GPT-2's pattern: as in tokenizer.py
    writer.add_token_list(tokens)
    writer.add_token_types([_token_type(token, added) for token in tokens])
    merges = state["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(ids[END_OF_TURN])
    writer.add_eot_token_id(ids[END_OF_TURN])
    writer.add_bos_token_id(ids[END_OF_TEXT])
    writer.add_pad_token_id(ids[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE.read_text(encoding="utf-8"))


def _token_type(token: str, added: Mapping[str, bool]) -> gguf.TokenType:
    """Tool marks must stay visible in the output, so they are user-defined, not control tokens."""
    if token not in added:
        return gguf.TokenType.NORMAL
    return gguf.TokenType.CONTROL if added[token] else gguf.TokenType.USER_DEFINED


def add_weights(writer: gguf.GGUFWriter, weights: Mapping[str, Tensor], config: Config, kind: str) -> None:
    """Tied output: the file has no output matrix. Norms stay fp32."""
    for name, tensor in weights.items():
        if name.endswith("q.weight"):
            tensor = interleave(tensor, config.num_heads)
        if name.endswith("k.weight"):
            tensor = interleave(tensor, config.num_kv_heads)
        array = tensor.detach().float().numpy()
        if array.ndim == 1:
            writer.add_tensor(gguf_name(name), array)
        elif kind == "f16":
            writer.add_tensor(gguf_name(name), array.astype(np.float16))
        else:
            quantized = gguf.quants.quantize(array, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(gguf_name(name), quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)


def export(checkpoint: Path, out: Path, kind: str) -> None:
    """The averaged weights of `checkpoint`; its folder holds the tokenizer."""
    state = torch.load(checkpoint, weights_only=False)
    config, tokenizer = Config(**state["config"]), load_tokenizer(checkpoint.parent)
    types = {"q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "f16": gguf.LlamaFileType.MOSTLY_F16}
    writer = gguf.GGUFWriter(str(out), "llama")
    add_model(writer, config, types[kind])
    add_tokenizer(writer, tokenizer)
    add_weights(writer, state["average"], config, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=["q8_0", "f16"], default="q8_0", dest="kind")
    args = parser.parse_args()
    export(args.checkpoint, args.out, args.kind)


if __name__ == "__main__":
    main()
