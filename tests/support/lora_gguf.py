"""A LoRA adapter of random weights for a GGUF model, as a GGUF file."""

from pathlib import Path

import gguf
import numpy as np

RANK = 4
_TARGETS = ("attn_q.weight", "attn_v.weight", "ffn_down.weight")


def write(path: Path, model: Path, *, seed: int, strength: float = 1.0) -> Path:
    """Write an adapter for the GGUF file `model` to `path` and return it."""
    reader = gguf.GGUFReader(model)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(RANK))
    chance = np.random.default_rng(seed)
    for tensor in reader.tensors:
        if tensor.name.endswith(_TARGETS):
            columns, rows = map(int, tensor.shape)
            down = chance.standard_normal((RANK, columns)) / columns**0.5
            up = chance.standard_normal((rows, RANK)) * strength / RANK**0.5
            writer.add_tensor(tensor.name + ".lora_a", down.astype(np.float32))
            writer.add_tensor(tensor.name + ".lora_b", up.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
