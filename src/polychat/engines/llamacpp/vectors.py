"""Embeddings by llama.cpp, as OpenAI has published them.

Seen with xllamacpp 2026.10: its vectors have length 1; it does not know `dimensions`, refuses nulls, and adds
a field of its own to base64.
"""

import base64
import operator
import re
import struct
from collections.abc import Sequence
from typing import Literal

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import truncation
from polychat.engines.model_name import named
from polychat.engines.published import pooling
from polychat.errors import ContextLengthExceeded, PlatformError, RequestError
from polychat.schema.embeddings import EmbeddingRequest, Input
from polychat.types import Endpoint

Vector = Sequence[float]
Given = Input | Sequence[str] | truncation.Inputs


_TOO_LONG = re.compile(rb"input \((\d+) tokens\) is too large to process.*batch size: (\d+)")


class Usage(msgspec.Struct):
    prompt_tokens: int
    total_tokens: int


class _Item(msgspec.Struct):
    index: int
    embedding: str  # base64


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: Usage


_read_request = msgspec.json.Decoder(EmbeddingRequest).decode
_read_answer = msgspec.json.Decoder(_Answer).decode


def embeddings(body: bytes, view: RequestView) -> Shaped:
    """Vectors of texts, or of token ids."""
    request = _read_request(body)
    cut = request.truncate_prompt_tokens
    if cut is None or view.context_length is None:
        return _ask(request.input, request)
    limit = view.context_length if cut < 0 else min(cut, view.context_length)
    return truncation.fitted(request.inputs, limit, lambda inputs: _ask(inputs, request))


def asked(given: Given, *, encoding_format: Literal["float", "base64"]) -> bytes:
    """What llama.cpp is asked for the vectors of `given`."""
    return msgspec.json.encode({"input": given, "encoding_format": encoding_format})


def read(data: bytes) -> tuple[list[Vector], Usage]:
    """The vectors, in their inputs' order, of an answer in base64."""
    answer = _read_answer(data)
    items = sorted(answer.data, key=lambda item: item.index)
    return [_unpacked(item.embedding) for item in items], answer.usage


def too_long(body: bytes, *, param: str) -> PlatformError | None:
    """The error for an input that does not fit into one batch, which llama.cpp calls a failure of its own."""
    if match := _TOO_LONG.search(body):
        return ContextLengthExceeded(prompt_tokens=int(match[1]), context_length=int(match[2]), param=param)
    return None


def cosine(one: Vector, other: Vector) -> float:
    """How alike two vectors of length 1 are, from -1 to 1."""
    total: float = sum(map(operator.mul, one, other))
    return max(-1.0, min(1.0, total))


def _refused(status: int, body: bytes) -> PlatformError | None:
    if status == 400 and b"invalid tokens" in body:
        return RequestError("'input' has token ids that this model's vocabulary lacks.", param="input")
    return too_long(body, param="input")


def _ask(given: Given, request: EmbeddingRequest) -> Shaped:
    if request.encoding_format == "base64" or request.dimensions is not None:
        body = asked(given, encoding_format="base64")
        return Shaped(Endpoint.EMBEDDINGS, body, lambda data: _shown(data, request), refused=_refused)
    body = asked(given, encoding_format="float")
    return Shaped(Endpoint.EMBEDDINGS, body, lambda data: named(data, request.model), refused=_refused)


def _shown(data: bytes, request: EmbeddingRequest) -> bytes:
    vectors, usage = read(data)
    return pooling.encoded(pooling.embeddings(request, vectors, usage.total_tokens))


def _unpacked(text: str) -> Vector:
    data = base64.b64decode(text)
    return struct.unpack(f"<{len(data) // 4}f", data)
