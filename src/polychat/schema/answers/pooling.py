"""Embeddings, ranks, scores, classes and tokens: the answers."""

from typing import Literal

import msgspec

from polychat.schema.answers.usage import InputUsage


class Embedding(msgspec.Struct):
    index: int
    object: Literal["embedding"]
    embedding: list[float] | str  # base64 of 32-bit floats, if that was asked for


class EmbeddingList(msgspec.Struct):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: InputUsage


class RankedDocument(msgspec.Struct):
    text: str | None = None


class Ranked(msgspec.Struct):
    index: int
    relevance_score: float
    document: RankedDocument | None = None


class Ranking(msgspec.Struct):
    """Best first."""

    id: str
    model: str
    results: list[Ranked]
    usage: InputUsage | None = None


class Score(msgspec.Struct):
    index: int
    object: str
    score: float


class ScoreList(msgspec.Struct):
    id: str
    object: Literal["list"]
    created: int
    model: str
    data: list[Score]
    usage: InputUsage


class Classification(msgspec.Struct):
    index: int
    label: str | None
    probs: list[float]
    num_classes: int


class ClassificationList(msgspec.Struct):
    id: str
    object: Literal["list"]
    created: int
    model: str
    data: list[Classification]
    usage: InputUsage


class TokenList(msgspec.Struct):
    count: int
    tokens: list[int]
    max_model_len: int | None = None
    token_strs: list[str] | None = None


class Detokenized(msgspec.Struct):
    prompt: str
