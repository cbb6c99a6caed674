"""What a safetensors file says of its tensors, read without loading them, and whether the file is whole.

Source: https://github.com/huggingface/safetensors#format
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from polychat.errors import SetupError

LONGEST_HEADER_BYTES = 100_000_000  # what the format allows
_LENGTH_BYTES = 8
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's place in the file, counted from the end of the header."""

    dtype: str  # as the format calls it: F32, BF16, …
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.begin

    @property
    def num_values(self) -> int:
        return math.prod(self.shape)


class Malformed(Exception):
    """The file is no safetensors file, or not all of one; says what is amiss."""


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


_decode_header = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_entry = msgspec.json.Decoder(_Entry).decode


def read(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file at `path` by its name.

    Raises:
        SetupError: it cannot be read, or is not a whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = _header_length(file.read(_LENGTH_BYTES), path.stat().st_size)
            return parse(file.read(length), data_bytes=path.stat().st_size - _LENGTH_BYTES - length)
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror}") from exc
    except Malformed as exc:
        raise SetupError(f"{path} is damaged: {exc}; delete it and download it again") from exc


def parse(header: bytes, *, data_bytes: int) -> dict[str, Tensor]:
    """The tensors that `header` describes, which `data_bytes` bytes follow.

    Raises:
        Malformed: it describes none, or other data than follows.
    """
    try:
        entries = _decode_header(header)
        entries.pop("__metadata__", None)
        tensors = {name: _tensor(name, _decode_entry(entry)) for name, entry in entries.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Malformed("its header is not what safetensors files have") from exc
    _require_cover(tensors, data_bytes)
    return tensors


def _header_length(begin: bytes, size_bytes: int) -> int:
    if len(begin) < _LENGTH_BYTES:
        raise Malformed("it is empty" if not begin else f"it ends after {len(begin)} bytes")
    (length,) = struct.unpack("<Q", begin)
    if length > LONGEST_HEADER_BYTES:
        raise Malformed("its header is not what safetensors files have")
    if length > size_bytes - _LENGTH_BYTES:
        raise Malformed(f"it ends inside its header, after {size_bytes} bytes")
    assert isinstance(length, int), "the format is that of one whole number"
    return length


def _tensor(name: str, entry: _Entry) -> Tensor:
    begin, end = entry.data_offsets
    if not 0 <= begin <= end or any(size < 0 for size in entry.shape):
        raise Malformed(f"the place of its tensor {name!r} is impossible")
    tensor = Tensor(entry.dtype, tuple(entry.shape), begin, end)
    bits = _BITS.get(entry.dtype)  # a newer dtype is for the engine to know
    if bits is not None and tensor.num_values * bits != tensor.size_bytes * 8:
        raise Malformed(f"its tensor {name!r} has not the size of its shape")
    return tensor


def _require_cover(tensors: Mapping[str, Tensor], data_bytes: int) -> None:
    """Together the tensors fill the data, without holes and overlaps."""
    at = 0
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != at:
            raise Malformed("its tensors overlap or leave holes")
        at = tensor.end
    if at > data_bytes:
        raise Malformed(f"it is cut off, {at - data_bytes} of {at} bytes of weights are missing")
    if at < data_bytes:
        raise Malformed(f"it has {data_bytes - at} bytes more than its header says")
