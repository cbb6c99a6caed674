"""Vectors, ranks, scores, classes and tokens as the published API's JSON. Pure."""

import base64
import math
import secrets
import struct
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from polychat.errors import RequestError
from polychat.schema.embeddings import EmbeddingRequest
from polychat.schema.rerank import RerankRequest

Vector = Sequence[float]
Document = dict[str, Any]  # Any: JSON in the making


def embeddings(request: EmbeddingRequest, vectors: Sequence[Vector], num_tokens: int) -> Document:
    """Raises RequestError when more dimensions are asked for than there are."""
    if request.dimensions is not None:
        vectors = [shortened(vector, request.dimensions) for vector in vectors]
    show = packed if request.encoding_format == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": show(vector)}
        for index, vector in enumerate(vectors)
    ]
    return {"object": "list", "data": data, "model": request.model, "usage": usage(num_tokens)}


def ranking(request: RerankRequest, scores: Sequence[float], num_tokens: int) -> Document:
    """The documents, best first."""
    texts = request.texts
    best = sorted(range(len(texts)), key=lambda index: -scores[index])[: request.top_n or None]
    results = [
        {"index": index, "document": {"text": texts[index]}, "relevance_score": scores[index]}
        for index in best
    ]
    if request.return_documents is False:
        for result in results:
            del result["document"]
    return {"id": made_id("rerank"), "model": request.model, "usage": usage(num_tokens), "results": results}


def scores(model: str, values: Sequence[float], num_tokens: int) -> Document:
    data = [{"index": index, "object": "score", "score": value} for index, value in enumerate(values)]
    return _listed("score", model, data, num_tokens)


def classes(model: str, rows: Sequence[Vector], labels: Sequence[str], num_tokens: int) -> Document:
    """The likeliest label of each input, and the probability of every one in the order of `labels`."""
    data = [
        {
            "index": index,
            "label": labels[max(range(len(row)), key=row.__getitem__)],
            "probs": list(row),
            "num_classes": len(row),
        }
        for index, row in enumerate(rows)
    ]
    return _listed("classify", model, data, num_tokens)


def tokens(ids: Sequence[int], texts: Sequence[str] | None, context_length: int) -> Document:
    return {
        "count": len(ids),
        "max_model_len": context_length,
        "tokens": list(ids),
        "token_strs": None if texts is None else list(texts),
    }


def usage(num_tokens: int) -> dict[str, int]:
    return {"prompt_tokens": num_tokens, "total_tokens": num_tokens}


def shortened(vector: Vector, dimensions: int) -> Vector:
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


def packed(vector: Vector) -> str:
    """Floats of 32 bits in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


encoded = msgspec.json.Encoder().encode


def _listed(kind: str, model: str, data: Sequence[object], num_tokens: int) -> Document:
    return {
        "id": made_id(kind),
        "object": "list",
        "created": int(time.time()),
        "model": model,
        "data": data,
        "usage": usage(num_tokens),
    }


def made_id(kind: str) -> str:
    """An id of an answer of that kind."""
    return f"{kind}-{secrets.token_hex(12)}"
