"""Embeddings by llama.cpp, as OpenAI has published them.

Seen with xllamacpp 2026.10: its vectors have length 1; it does not know `dimensions`, refuses nulls, and adds
a field of its own to base64.
"""

import base64
import math
import operator
import re
import struct
from collections.abc import Sequence
from typing import Literal

import msgspec

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import truncation
from polychat.engines.model_name import named
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
    if request.dimensions is not None:
        vectors = [_shortened(vector, request.dimensions) for vector in vectors]
    show = _packed if request.encoding_format == "base64" else list
    items = [
        {"object": "embedding", "index": index, "embedding": show(vector)}
        for index, vector in enumerate(vectors)
    ]
    return msgspec.json.encode({"object": "list", "data": items, "model": request.model, "usage": usage})


def _shortened(vector: Vector, dimensions: int) -> Vector:
    """The first `dimensions` numbers, again as a vector of length 1.

    Raises:
        RequestError: there are not so many.
    """
    if dimensions > len(vector):
        raise RequestError(
            f"'dimensions' is {dimensions}, but this model's vectors have {len(vector)}.", param="dimensions"
        )
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [value / length for value in kept]


def _unpacked(text: str) -> Vector:
    data = base64.b64decode(text)
    return struct.unpack(f"<{len(data) // 4}f", data)


def _packed(vector: Vector) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
