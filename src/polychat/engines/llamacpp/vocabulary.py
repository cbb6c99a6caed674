"""What a GGUF file says about its tokenizer, found without reading the whole of its header.

Vocabularies have hundreds of thousands of entries; these facts are looked for by the bytes of their keys.
Source of the layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from pathlib import Path

from polychat.errors import SetupError

_HEADER_LIMIT_BYTES = 128 << 20  # no vocabulary is as long
_STRING, _ARRAY = 8, 9
_LARGEST_DIFFERENCE = 128  # padding tokens at the end that llama.cpp lets two vocabularies differ by
_FIRST_COMPARED = 5  # llama.cpp does not compare those before


def has_chat_template(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_key("tokenizer.chat_template", _STRING), 0, _HEADER_LIMIT_BYTES) >= 0


def require_same(model: Path, draft: Path) -> None:
    """Refuse a draft model whose tokens are not those of the model.

    Raises:
        SetupError: says where they differ.
    """
    ours, theirs = _tokens(model), _tokens(draft)
    if abs(len(ours) - len(theirs)) > _LARGEST_DIFFERENCE:
        difference = f"it has {len(theirs)} tokens, the model {len(ours)}"
    else:
        pairs = list(zip(ours, theirs, strict=False))
        at = next((n for n, (one, other) in enumerate(pairs) if n >= _FIRST_COMPARED and one != other), None)
        if at is None:
            return
        difference = f"its token {at} is {_shown(theirs[at])}, the model's is {_shown(ours[at])}"
    raise SetupError(
        f"--draft-model {draft}: {difference}; a draft model must have the model's own vocabulary, "
        "so take a smaller one of the same family"
    )


def _tokens(path: Path) -> list[bytes]:
    """Its tokens' texts; none if the file has none, such as one that is no model."""
    key = _key("tokenizer.ggml.tokens", _ARRAY)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(key, 0, _HEADER_LIMIT_BYTES)
        if at < 0:
            return []
        _, count = struct.unpack_from("<IQ", data, at + len(key))
        return _strings(data, at + len(key) + struct.calcsize("<IQ"), count)


def _strings(data: mmap.mmap, at: int, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def _key(name: str, kind: int) -> bytes:
    """The bytes that a key and its value's type are written as."""
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind)


def _shown(token: bytes) -> str:
    return repr(token.decode(errors="replace"))
