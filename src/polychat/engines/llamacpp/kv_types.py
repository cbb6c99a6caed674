"""The number formats that llama.cpp keeps a KV cache in, and what each costs.

Source: the block structures of ggml-common.h: so many values share one scale.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from polychat.engines.gguf_header import Header
from polychat.errors import SetupError

DEFAULT = "f16"
_BITS: Mapping[str, float] = MappingProxyType(
    {
        "f32": 32,
        "f16": 16,
        "bf16": 16,
        "q8_0": 8.5,
        "q5_1": 6,
        "q5_0": 5.5,
        "q4_1": 5,
        "q4_0": 4.5,
        "iq4_nl": 4.5,
    }
)
"""Bits of a value, its part of the block's scale included."""

NAMES = tuple(_BITS)


def named(asked: str) -> str:
    """The format that `--kv-cache-dtype` asks for.

    Raises:
        SetupError: llama.cpp has none of that name.
    """
    if asked in ("", "auto"):
        return DEFAULT
    if asked.lower() not in _BITS:
        raise SetupError(f"--kv-cache-dtype {asked}: llama.cpp has {', '.join(NAMES)}")
    return asked.lower()


def is_quantized(name: str) -> bool:
    """Whether llama.cpp computes with such values in flash attention only."""
    return "q" in name


def costed(header: Header, name: str, draft: Header | None = None) -> Header:
    """The header with what a token really costs: in that format, and in the draft model's cache too."""
    num_bytes = header.kv_bytes_per_token * _BITS[name] / _BITS[DEFAULT]
    drafted = draft.kv_bytes_per_token if draft else 0
    return replace(header, kv_bytes_per_token=int(num_bytes) + drafted)
