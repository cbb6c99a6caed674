"""BERT models in GGUF files, as llama.cpp names things: embedding models, and cross-encoders that rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Shape:
    """The numbers of one BERT."""

    layers: int
    heads: int
    width: int
    feed_forward: int
    context_length: int


def write(
    path: Path,
    shape: Shape,
    vocabulary: Sequence[str],
    weights: Mapping[str, Tensor],
    pooling: gguf.PoolingType,
) -> Path:
    """Write the model to `path` and return it. `vocabulary` is WordPiece's: "word" and "##piece"."""
    writer = gguf.GGUFWriter(str(path), "bert")
    _describe(writer, shape, pooling)
    _describe_tokenizer(writer, vocabulary)
    for name, tensor in weights.items():
        is_matrix = tensor.ndim == 2 and not name.startswith(("token_types", "position_embd", "cls"))
        writer.add_tensor(name, tensor.astype(np.float16) if is_matrix else tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, shape: Shape, pooling: gguf.PoolingType) -> None:
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context_length)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)


def _describe_tokenizer(writer: gguf.GGUFWriter, vocabulary: Sequence[str]) -> None:
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_phantom_space(token) for token in vocabulary])
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in vocabulary]
    )
    writer.add_token_type_count(2)
    ids = {token: vocabulary.index(token) for token in SPECIAL}
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_unk_token_id(ids["[UNK]"])
    writer.add_bos_token_id(ids["[CLS]"])
    writer.add_eos_token_id(ids["[SEP]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_mask_token_id(ids["[MASK]"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(False)  # what parts two texts is the end of the first


def _phantom_space(token: str) -> str:
    """llama.cpp marks the beginnings of words, BERT's own files mark what continues one."""
    if token in SPECIAL or (token.startswith("[") and token.endswith("]") and len(token) > 2):
        return token
    return token[2:] if token.startswith("##") else "\N{LOWER ONE EIGHTH BLOCK}" + token
