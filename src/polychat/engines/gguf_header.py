"""What a GGUF file says about its model, read without loading it.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from polychat.errors import SetupError

MAGIC = b"GGUF"
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST_KEPT_ARRAY = 4096  # vocabularies are longer and nothing here needs them
_KV_CACHE_VALUE_BYTES = 2  # float16
_LAST, _RANK = 3, 4  # llama.cpp's numbers for pooling: the last token's vector, a head that gives a score

Value = int | float | bool | str | list["Value"]


@dataclass(frozen=True, slots=True)
class Header:
    """The facts that decide how to run a model."""

    architecture: str
    context_length: int  # tokens it was trained on
    kv_bytes_per_token: int  # of KV cache; an upper bound, some architectures need less
    embeds: bool  # an embedding model: it pools, and does not generate
    ranks: bool = False  # a reranker: it scores a query with a document, and does nothing else
    pools_last: bool = False  # its vector is that of the last token


def read(path: Path) -> Header:
    """Read the header of the GGUF file at `path`.

    Raises:
        SetupError: there is no such file, or it is no GGUF file, or it is cut short.
    """
    found = metadata(path)
    try:
        return _header(found)
    except _Malformed as exc:
        raise SetupError(f"{path} is not a model that llama.cpp can read: {exc}") from exc


def metadata(path: Path) -> Mapping[str, Value]:
    """What a GGUF file tells by key, up to its vocabulary: of models, adapters and projectors.

    Raises:
        SetupError: as `read`.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file).metadata()
    except OSError as exc:
        raise SetupError(f"cannot read the model {path}: {exc.strerror}") from exc
    except _Malformed as exc:
        raise SetupError(f"{path} is not a model that llama.cpp can read: {exc}") from exc
    except (struct.error, MemoryError, OverflowError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path} is not a whole GGUF file; download it again") from exc


class _Malformed(Exception):
    """The file's start is not that of a GGUF file."""


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def metadata(self) -> Mapping[str, Value]:
        magic = self._file.read(4)
        if magic != MAGIC:
            raise _Malformed(f"it starts with {magic!r}, not {MAGIC!r}" if magic else "it is empty")
        version = self._number("I")
        if version not in (2, 3):
            raise _Malformed(f"its GGUF version is {version}, and llama.cpp reads 2 and 3")
        self._number("Q")  # number of tensors
        metadata: dict[str, Value] = {}
        for _ in range(self._number("Q")):
            key = self._string()
            if key.startswith("tokenizer.") and "general.architecture" in metadata:
                break  # every writer puts the architecture's facts first; vocabularies are long
            metadata[key] = self._value(self._number("I"))
        return metadata

    def _number(self, code: str) -> int:
        (number,) = self._unpack("<" + code)
        assert isinstance(number, int), "called with codes of whole numbers only"
        return number

    def _unpack(self, format_: str) -> tuple[int | float | bool, ...]:
        return struct.unpack(format_, self._file.read(struct.calcsize(format_)))

    def _string(self) -> str:
        length = self._number("Q")
        text = self._file.read(length)
        if len(text) < length:
            raise struct.error("the file ends inside a string")
        return text.decode()

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(self._number("I"), self._number("Q"))
        if kind not in _SCALARS:
            raise _Malformed(f"a value has the unknown type {kind}")
        return self._unpack("<" + _SCALARS[kind])[0]

    def _array(self, kind: int, length: int) -> Value:
        """The array, or an empty one in place of a long one."""
        if kind == _STRING and length > _LONGEST_KEPT_ARRAY:
            for _ in range(length):
                self._file.seek(self._number("Q"), 1)
            return []
        if kind in _SCALARS and length > _LONGEST_KEPT_ARRAY:
            self._file.seek(struct.calcsize("<" + _SCALARS[kind]) * length, 1)
            return []
        return [self._value(kind) for _ in range(length)]


def _header(metadata: Mapping[str, Value]) -> Header:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise _Malformed("it names no architecture")

    def number(name: str, otherwise: int) -> int:
        value = metadata.get(f"{architecture}.{name}", otherwise)
        if isinstance(value, list):  # one number a layer
            return max((n for n in value if isinstance(n, int)), default=otherwise)
        return value if isinstance(value, int) else otherwise

    heads = number("attention.head_count", 1) or 1
    width = number("embedding_length", 0) // heads
    head_bytes = _KV_CACHE_VALUE_BYTES * (
        number("attention.key_length", width) + number("attention.value_length", width)
    )
    kv_heads = metadata.get(f"{architecture}.attention.head_count_kv", heads)
    num_kv_heads = (
        sum(n for n in kv_heads if isinstance(n, int))  # one number a layer
        if isinstance(kv_heads, list)
        else number("attention.head_count_kv", heads) * number("block_count", 0)
    )
    pooling = metadata.get(f"{architecture}.pooling_type")
    return Header(
        architecture=architecture,
        context_length=number("context_length", 0),
        kv_bytes_per_token=num_kv_heads * head_bytes,
        embeds=pooling is not None and pooling != _RANK,
        ranks=pooling == _RANK,
        pools_last=pooling == _LAST,
    )
