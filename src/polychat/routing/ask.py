"""What routing knows of one request: how long its prompt is, and what it begins with."""

from collections.abc import Iterable

import xxhash
from msgspec import Struct

_FINE_BYTES = 256  # the first blocks: system prompts of a few lines are told apart
_COARSE_BYTES = 1024  # the others: one of 8,000 tokens has 44 in all
_NUM_FINE = 16
_END_OF_FINE = _FINE_BYTES * _NUM_FINE


class Ask(Struct, frozen=True, gc=False):
    """One request, as policies see it."""

    blocks: tuple[int, ...] = ()  # hashes of ever longer beginnings of the prompt; only whole blocks
    size_bytes: int = 0  # of the prompt's text
    session: str = ""  # what its client says that it belongs to


NOTHING = Ask()


def ask_of(text: bytes, *, seed: str) -> Ask:
    """The facts of a prompt. `seed`: what else an engine's cache depends on: the adapter, the tools."""
    return Ask(tuple(_chained(text, xxhash.xxh3_64_intdigest(seed.encode()))), len(text))


def bytes_in(num_blocks: int) -> int:
    """How much text so many blocks are."""
    fine = min(num_blocks, _NUM_FINE)
    return fine * _FINE_BYTES + (num_blocks - fine) * _COARSE_BYTES


def blocks_in(size_bytes: int) -> int:
    """How many whole blocks a text of that size has."""
    fine = min(_NUM_FINE, size_bytes // _FINE_BYTES)
    return fine + max(0, (size_bytes - _END_OF_FINE) // _COARSE_BYTES)


def _chained(text: bytes, digest: int) -> Iterable[int]:
    """Each block's hash depends on all before it: who has a block has the whole beginning."""
    hashed = xxhash.xxh3_64_intdigest
    fine_end = min(len(text), _END_OF_FINE) // _FINE_BYTES * _FINE_BYTES
    for start in range(0, fine_end, _FINE_BYTES):
        digest = hashed(text[start : start + _FINE_BYTES], digest)
        yield digest
    for end in range(_END_OF_FINE + _COARSE_BYTES, len(text) + 1, _COARSE_BYTES):
        digest = hashed(text[end - _COARSE_BYTES : end], digest)
        yield digest
