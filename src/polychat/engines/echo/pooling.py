"""What the echo engine computes instead of text: embeddings, scores, classes, token ids. Pure functions."""

import hashlib
import struct
from collections.abc import Sequence

from polychat.engines.echo.answers import Reader
from polychat.engines.echo.messages import Json, conversation
from polychat.engines.echo.tokens import tokens_of
from polychat.engines.published import pooling
from polychat.errors import RequestError

_DIMENSIONS = 64
_LABELS = ("statement", "question")
_NO_LIMIT = 2**31 - 1


def embeddings(reader: Reader, request: Json) -> dict[str, object]:
    """A vector of length 1 for each input, the same for the same text."""
    texts = reader.texts(request.get("input", ""), param="input")
    wanted = request.get("dimensions")
    size = wanted if isinstance(wanted, int) and wanted > 0 else _DIMENSIONS
    vectors: list[object] = [_vector(text, size) for text in texts]
    if request.get("encoding_format") == "base64":
        vectors = [pooling.packed(_vector(text, size)) for text in texts]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": request["model"], "usage": pooling.usage(_count(texts))}


def rerank(reader: Reader, request: Json) -> dict[str, object]:
    """The documents by how many of the query's words they share."""
    query, texts = str(request.get("query", "")), _documents(request)
    scores = [_shared(query, text) for text in texts]
    best = sorted(range(len(texts)), key=lambda index: -scores[index])
    top = request.get("top_n")
    results = [_ranked(index, texts[index], scores[index]) for index in best]
    if request.get("return_documents") is False:
        results = [{key: value for key, value in each.items() if key != "document"} for each in results]
    return {
        "id": pooling.made_id("rerank"),
        "model": request["model"],
        "usage": pooling.usage(_count([query] * len(texts) + texts)),
        "results": results[: top if isinstance(top, int) and top > 0 else None],
    }


def score(reader: Reader, request: Json) -> dict[str, object]:
    """How many words the two texts of each pair share; one first text goes with each of the second."""
    first = _texts(request.get("text_1", request.get("queries")), "text_1")
    second = _texts(request.get("text_2", request.get("documents", request.get("items"))), "text_2")
    if len(first) == 1:
        first = first * len(second)
    if len(first) != len(second):
        raise RequestError(
            f"'text_1' has {len(first)} texts and 'text_2' has {len(second)}; give one, or as many.",
            param="text_1",
        )
    values = [_shared(one, other) for one, other in zip(first, second, strict=True)]
    return pooling.scores(str(request["model"]), values, _count(first + second))


def classify(reader: Reader, request: Json) -> dict[str, object]:
    """Whether each input is a question."""
    texts = reader.texts(request.get("input", ""), param="input")
    chances = [[0.1, 0.9] if text.rstrip().endswith(("?", "？")) else [0.9, 0.1] for text in texts]
    return pooling.classes(str(request["model"]), chances, _LABELS, _count(texts))


def tokenize(reader: Reader, request: Json) -> dict[str, object]:
    """The ids of a prompt's or a chat's tokens."""
    if "messages" in request:
        tokens = [token for turn in conversation(request).turns for token in tokens_of(turn.text)]
    else:
        tokens = tokens_of(str(request.get("prompt", "")))
    ids = reader.vocabulary.ids(tokens)
    shown = tokens if request.get("return_token_strs") is True else None
    return pooling.tokens(ids, shown, reader.context_length or _NO_LIMIT)


def detokenize(reader: Reader, request: Json) -> dict[str, object]:
    """The text of token ids that `tokenize` has given out."""
    ids = request.get("tokens")
    if not isinstance(ids, list):
        raise RequestError("'tokens' must be a list of token ids.", param="tokens")
    return {"prompt": reader.vocabulary.text(ids, param="tokens")}


def _vector(text: str, size: int) -> list[float]:
    data = hashlib.shake_128(text.encode()).digest(2 * size)
    values = [number / 32768 - 1 for number in struct.unpack(f"<{size}H", data)]
    length = sum(value * value for value in values) ** 0.5 or 1.0
    return [value / length for value in values]


def _shared(one: str, other: str) -> float:
    """From 0 to 1: the part of both texts' words that they have in common."""
    words = [
        {token.strip(" \t\n.,;:!?").lower() for token in tokens_of(text)} - {""} for text in (one, other)
    ]
    return round(len(words[0] & words[1]) / max(len(words[0] | words[1]), 1), 6)


def _ranked(index: int, text: str, value: float) -> dict[str, object]:
    return {"index": index, "document": {"text": text}, "relevance_score": value}


def _documents(request: Json) -> list[str]:
    given = request.get("documents")
    if not isinstance(given, list) or not given:
        raise RequestError("'documents' must be a list of at least one text.", param="documents")
    return [str(each.get("text", "")) if isinstance(each, dict) else str(each) for each in given]


def _texts(given: object, param: str) -> list[str]:
    texts = given if isinstance(given, list) else [given]
    if not texts or any(not isinstance(text, str) for text in texts):
        raise RequestError(f"'{param}' must be a text or a list of texts.", param=param)
    return [str(text) for text in texts]


def _count(texts: Sequence[str]) -> int:
    return sum(len(tokens_of(text)) for text in texts)
