"""A projector of random weights, as LLaVA 1.5 has one: the built-in model then sees, and makes no sense.

An image becomes 4 vectors of the language model's width.
"""

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from polychat.engines import models

WIDTH, HEADS, FEED_FORWARD, LAYERS = 32, 2, 64, 2
IMAGE, PATCH = 28, 14  # pixels
NUM_PATCHES = (IMAGE // PATCH) ** 2

Tensor = npt.NDArray[np.float32]


def write(path: Path, *, model: Path = models.BUILTIN_PATH) -> Path:
    """Write a projector for the GGUF file `model` to `path` and return it."""
    fields = gguf.GGUFReader(model).fields
    architecture = fields["general.architecture"].contents()
    out_width = int(fields[f"{architecture}.embedding_length"].contents())
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _describe(writer, out_width)
    for name, weights in _weights(out_width, np.random.default_rng(0)).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, out_width: int) -> None:
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_image_size(IMAGE)
    writer.add_vision_patch_size(PATCH)
    writer.add_vision_embedding_length(WIDTH)
    writer.add_vision_feed_forward_length(FEED_FORWARD)
    writer.add_vision_projection_dim(out_width)
    writer.add_vision_block_count(LAYERS)
    writer.add_vision_head_count(HEADS)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_image_mean([0.5] * 3)
    writer.add_vision_image_std([0.5] * 3)


def _weights(out_width: int, chance: np.random.Generator) -> dict[str, Tensor]:
    def matrix(*shape: int) -> Tensor:
        return np.asarray(chance.standard_normal(shape) / shape[-1] ** 0.5, np.float32)

    weights = {
        "v.patch_embd.weight": matrix(WIDTH, 3, PATCH, PATCH),
        "v.position_embd.weight": matrix(NUM_PATCHES, WIDTH),
        "mm.0.weight": matrix(out_width, WIDTH),
        "mm.0.bias": np.zeros(out_width, np.float32),
        "mm.2.weight": matrix(out_width, out_width),
        "mm.2.bias": np.zeros(out_width, np.float32),
    }
    for layer in range(LAYERS):
        at = f"v.blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            weights |= {f"{at}{name}.weight": matrix(WIDTH, WIDTH), f"{at}{name}.bias": matrix(WIDTH)}
        weights |= {
            at + "ffn_up.weight": matrix(FEED_FORWARD, WIDTH),
            at + "ffn_up.bias": matrix(FEED_FORWARD),
        }
        weights |= {at + "ffn_down.weight": matrix(WIDTH, FEED_FORWARD), at + "ffn_down.bias": matrix(WIDTH)}
        for name in ("ln1", "ln2"):
            weights |= {f"{at}{name}.weight": np.ones(WIDTH, np.float32), f"{at}{name}.bias": matrix(WIDTH)}
    return weights
